// Comma-separated values: a line of names, then one event a line.
#include <fmt/compile.h>

#include <iterator>

#include "replay/trace/exporters/formats.h"
#include "replay/trace/output_file.h"

namespace replay {
namespace {

class CsvSink final : public EventSink {
 public:
  explicit CsvSink(const std::string& path) : file_(path) {}

  void begin(const TraceHeader& header) override {
    has_sites_ = header.has_sites;
    has_touched_ = header.has_touched;
    file_.append(fmt::format("time_ns,thread,op,object,size,align_log2{}{}\n",
                             has_sites_ ? ",site" : "", has_touched_ ? ",touched" : ""));
  }

  void event(const Event& event) override {
    line_.clear();
    const auto to = std::back_inserter(line_);
    fmt::format_to(to, FMT_COMPILE("{},{},{},{},{},{}"), event.time_ns, event.thread,
                   op_name(event.op), event.object, event.size, event.align_log2);
    if (has_sites_) fmt::format_to(to, FMT_COMPILE(",{}"), event.site);
    if (has_touched_) fmt::format_to(to, FMT_COMPILE(",{}"), event.touched);
    line_.push_back('\n');
    file_.append({line_.data(), line_.size()});
  }

  void finish(std::uint64_t, const nlohmann::ordered_json&) override { file_.commit(); }

 private:
  OutputFile file_;
  bool has_sites_ = false;
  bool has_touched_ = false;
  fmt::memory_buffer line_;
};

std::unique_ptr<EventSink> open(const std::string& path) { return std::make_unique<CsvSink>(path); }

}  // namespace

const Exporter kCsvExporter{"csv", ".csv", "a line of names, then an event a line",
                            "what the header says: provenance, wall clock, unit of time, losses; "
                            "the stacks of call sites",
                            open};

}  // namespace replay
