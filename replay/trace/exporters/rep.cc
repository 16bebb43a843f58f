// The traces of CS:APP's malloc lab: four numbers, then "a ID BYTES", "r ID BYTES" or "f ID".
#include <fmt/compile.h>

#include <iterator>

#include "replay/trace/error.h"
#include "replay/trace/exporters/formats.h"
#include "replay/trace/output_file.h"

namespace replay {
namespace {

// Heap size (which readers ignore), ids, operations, weight. The counts are known at the end; the
// width makes room.
std::string header_of(std::uint64_t ids, std::uint64_t ops) {
  return fmt::format("0\n{:<20}\n{:<20}\n1\n", ids, ops);
}

class RepSink final : public EventSink {
 public:
  explicit RepSink(const std::string& path) : file_(path) {
    if (file_.is_stream()) {
      throw Error(fmt::format(
          "{}: a .rep says first how many operations follow, so it needs a file", file_.name()));
    }
  }

  void begin(const TraceHeader&) override { file_.append(header_of(0, 0)); }

  void event(const Event& event) override {
    ++ops_;
    line_.clear();
    const auto to = std::back_inserter(line_);
    if (event.op == Op::kFree) {
      fmt::format_to(to, FMT_COMPILE("f {}\n"), event.object);
    } else {
      if (is_birth(event.op)) ++ids_;
      fmt::format_to(to, FMT_COMPILE("{} {} {}\n"), is_birth(event.op) ? 'a' : 'r', event.object,
                     event.size);
    }
    file_.append({line_.data(), line_.size()});
  }

  void finish(std::uint64_t, const nlohmann::ordered_json&) override {
    file_.overwrite(0, header_of(ids_, ops_));
    file_.commit();
  }

 private:
  OutputFile file_;
  fmt::memory_buffer line_;
  std::uint64_t ids_ = 0;
  std::uint64_t ops_ = 0;
};

std::unique_ptr<EventSink> open(const std::string& path) { return std::make_unique<RepSink>(path); }

}  // namespace

const Exporter kRepExporter{
    "rep", ".rep", "CS:APP malloc lab",
    "times, threads, calloc, alignments, call sites, touched pages, and what the header says (its "
    "own readers: no size of 2 GiB or more)",
    open};

}  // namespace replay
