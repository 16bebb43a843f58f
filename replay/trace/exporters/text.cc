// Our own text form: one event a line, what the header says in lines that begin with "#". Facts
// that are known only at the end stand at the end, so that it can be written to a pipe.
#include <fmt/compile.h>

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
    has_sites_ = header.has_sites;
    has_touched_ = header.has_touched;
    file_.append(fmt::format("{}{}\n{}{}\n{}{}\n{}{}{}\n", text_format::kFirstWords,
                             text_format::kVersion, text_format::kTimeUnit, header.time_unit_ns,
                             text_format::kStart, header.start_unix_ns, text_format::kColumns,
                             has_sites_ ? text_format::kSiteColumn : "",
                             has_touched_ ? text_format::kTouchedColumn : ""));
  }

  void event(const Event& event) override {
    ++events_;
    line_.clear();
    const auto to = std::back_inserter(line_);
    fmt::format_to(to, FMT_COMPILE("{}\t{}\t{}\t{}\t{}\t{}"), event.time_ns, event.thread,
                   op_name(event.op), event.object, event.size, event.align_log2);
    if (has_sites_) fmt::format_to(to, FMT_COMPILE("\t{}"), event.site);
    if (has_touched_) fmt::format_to(to, FMT_COMPILE("\t{}"), event.touched);
    line_.push_back('\n');
    file_.append({line_.data(), line_.size()});
  }

  void sites(const SiteTable& table) override {
    using text_format::escaped;
    for (const std::string& text : table.strings) line(text_format::kString, escaped(text));
    for (const SiteTable::Module& module : table.modules) {
      line(text_format::kModule, escaped(module.path), escaped(module.build_id));
    }
    for (const SiteTable::Frame& frame : table.frames) {
      line(text_format::kFrame, frame.module, frame.offset, frame.function, frame.file, frame.line);
    }
    for (const SiteTable::Node& node : table.nodes) {
      line(text_format::kNode, node.parent, node.frame);
    }
    for (const std::uint32_t node : table.stacks) line(text_format::kStack, node);
  }

  void finish(std::uint64_t lost_events, const nlohmann::ordered_json& provenance) override {
    const std::string json =
        provenance.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    file_.append(fmt::format("{}{}\n{}{}\n{}{}\n", text_format::kLost, lost_events,
                             text_format::kProvenance, json, text_format::kEnd, events_));
    file_.commit();
  }

 private:
  template <class First, class... Rest>
  void line(std::string_view words, const First& first, const Rest&... rest) {
    std::string text = fmt::format("{}{}", words, first);
    ((text += fmt::format("\t{}", rest)), ...);
    file_.append(text + '\n');
  }

  OutputFile file_;
  bool has_sites_ = false;
  bool has_touched_ = false;
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
