// Our own text form: one event a line, what the header says in lines that begin with "#". Facts
// that are known only at the end stand at the end, so that it can be written to a pipe.
#include <fmt/format.h>

#include <iterator>

#include "replay/trace/exporters/formats.h"
#include "replay/trace/output_file.h"
#include "replay/trace/text_format.h"

namespace replay {
namespace {

class TextSink final : public EventSink {
 public:
  explicit TextSink(const std::string& path) : file_(path) {}

  void begin(const TraceHeader& header) override {
    file_.append(fmt::format("{}{}\n{}{}\n{}{}\n{}\n", text_format::kFirstWords,
                             text_format::kVersion, text_format::kTimeUnit, header.time_unit_ns,
                             text_format::kStart, header.start_unix_ns, text_format::kColumns));
  }

  void event(const Event& event) override {
    ++events_;
    line_.clear();
    fmt::format_to(std::back_inserter(line_), "{}\t{}\t{}\t{}\t{}\t{}\n", event.time_ns,
                   event.thread, op_name(event.op), event.object, event.size, event.align_log2);
    file_.append({line_.data(), line_.size()});
  }

  void finish(std::uint64_t lost_events, const nlohmann::ordered_json& provenance) override {
    const std::string json =
        provenance.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    file_.append(fmt::format("{}{}\n{}{}\n{}{}\n", text_format::kLost, lost_events,
                             text_format::kProvenance, json, text_format::kEnd, events_));
    file_.commit();
  }

 private:
  OutputFile file_;
  fmt::memory_buffer line_;
  std::uint64_t events_ = 0;
};

std::unique_ptr<EventSink> open(const std::string& path) {
  return std::make_unique<TextSink>(path);
}

}  // namespace

const Exporter kTextExporter{"text", ".txt", "the text form of a trace: an event a line, all of it",
                             "", open};

}  // namespace replay
