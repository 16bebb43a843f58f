// Comma-separated values: a line of names, then one event a line.
#include <fmt/format.h>

#include <iterator>

#include "replay/trace/exporters/formats.h"
#include "replay/trace/output_file.h"

namespace replay {
namespace {

class CsvSink final : public EventSink {
 public:
  explicit CsvSink(const std::string& path) : file_(path) {}

  void begin(const TraceHeader&) override {
    file_.append("time_ns,thread,op,object,size,align_log2\n");
  }

  void event(const Event& event) override {
    line_.clear();
    fmt::format_to(std::back_inserter(line_), "{},{},{},{},{},{}\n", event.time_ns, event.thread,
                   op_name(event.op), event.object, event.size, event.align_log2);
    file_.append({line_.data(), line_.size()});
  }

  void finish(std::uint64_t, const nlohmann::ordered_json&) override { file_.commit(); }

 private:
  OutputFile file_;
  fmt::memory_buffer line_;
};

std::unique_ptr<EventSink> open(const std::string& path) { return std::make_unique<CsvSink>(path); }

}  // namespace

const Exporter kCsvExporter{"csv", ".csv", "a line of names, then an event a line",
                            "what the header says: provenance, wall clock, unit of time, losses",
                            open};

}  // namespace replay
