// Android's memory_replay text: "TID: OP ADDRESS ARGUMENTS START_NS END_NS".
//
// Addresses are made up, one for each object, never given out again. How long a call took is not
// known, so both times are the same. What was touched of a block is told in whole pages.
#include <fmt/compile.h>

#include <iterator>

#include "replay/trace/exporters/formats.h"
#include "replay/trace/output_file.h"

namespace replay {
namespace {

constexpr std::uint64_t kAddressStep = 16;

class AndroidSink final : public EventSink {
 public:
  explicit AndroidSink(const std::string& path) : file_(path) {}

  void begin(const TraceHeader& header) override { has_touched_ = header.has_touched; }

  void event(const Event& event) override {
    line_.clear();
    const auto to = std::back_inserter(line_);
    const std::uint64_t address = (event.object + 1) * kAddressStep;
    // Thread 0 is none to its reader.
    fmt::format_to(to, FMT_COMPILE("{}: "), std::uint64_t{event.thread} + 1);
    switch (event.op) {
      case Op::kMalloc:
        fmt::format_to(to, FMT_COMPILE("malloc {:#x} {}"), address, event.size);
        break;
      case Op::kCalloc:
        fmt::format_to(to, FMT_COMPILE("calloc {:#x} 1 {}"), address, event.size);
        break;
      case Op::kAligned:
        fmt::format_to(to, FMT_COMPILE("memalign {:#x} {} {}"), address,
                       std::uint64_t{1} << event.align_log2, event.size);
        break;
      case Op::kRealloc:
        fmt::format_to(to, FMT_COMPILE("realloc {:#x} {:#x} {}"), address, address, event.size);
        break;
      case Op::kFree:
        fmt::format_to(to, FMT_COMPILE("free {:#x}"), address);
        break;
    }
    if (has_touched_ && !is_birth(event.op)) {
      if (event.touched == 0) {
        fmt::format_to(to, FMT_COMPILE(" -1"));
      } else {
        fmt::format_to(to, FMT_COMPILE(" {}"),
                       (std::uint64_t{event.touched} - 1) * kTouchedPageBytes);
      }
    }
    fmt::format_to(to, FMT_COMPILE(" {} {}\n"), event.time_ns, event.time_ns);
    file_.append({line_.data(), line_.size()});
  }

  void finish(std::uint64_t, const nlohmann::ordered_json&) override { file_.commit(); }

 private:
  OutputFile file_;
  bool has_touched_ = false;
  fmt::memory_buffer line_;
};

std::unique_ptr<EventSink> open(const std::string& path) {
  return std::make_unique<AndroidSink>(path);
}

}  // namespace

const Exporter kAndroidExporter{
    "android", ".android", "Android memory_replay text",
    "what the header says: provenance, wall clock, unit of time, losses; call sites", open};

}  // namespace replay
