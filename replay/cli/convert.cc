// Turns a recording of another tool into a trace, and a trace into what other tools read.
#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "replay/cli/command.h"
#include "replay/cli/progress_bar.h"
#include "replay/cli/rewrite_job.h"
#include "replay/trace/error.h"
#include "replay/trace/exporters/exporter.h"
#include "replay/trace/format.h"
#include "replay/trace/importers/importer.h"
#include "replay/trace/reader.h"

namespace replay::cli {
namespace {

constexpr std::uint64_t kEventsPerUpdate = 1 << 16;

struct ConvertOptions {
  std::string input;
  std::string output;
  std::string from;
  std::string to;
  bool allow_truncated = false;
  bool quiet = false;
};

// Hands events on and draws the bar.
class Progress final : public EventSink {
 public:
  Progress(EventSink& sink, bool enabled, std::function<double()> share)
      : sink_(sink), bar_(std::in_place, enabled), share_(std::move(share)) {}

  void begin(const TraceHeader& header) override { sink_.begin(header); }
  void event(const Event& event) override {
    sink_.event(event);
    if (++events_ % kEventsPerUpdate == 0)
      bar_->update(share_(), fmt::format("{} events", events_));
  }
  void sites(const SiteTable& table) override { sink_.sites(table); }
  void finish(std::uint64_t lost_events, const nlohmann::ordered_json& provenance) override {
    sink_.finish(lost_events, provenance);
  }

  void wipe() { bar_.reset(); }

 private:
  EventSink& sink_;
  std::optional<ProgressBar> bar_;
  std::function<double()> share_;
  std::uint64_t events_ = 0;
};

double share_of(const TraceReader& reader) {
  const std::optional<std::uint64_t> total = reader.bytes_total();
  if (!total || *total == 0) return 0;
  return static_cast<double>(reader.bytes_read()) / static_cast<double>(*total);
}

void copy_trace(const ConvertOptions& options, const std::string& already_read, EventSink& sink) {
  TraceReader reader(options.input,
                     {.allow_truncated = options.allow_truncated, .already_read = already_read});
  Progress progress(sink, !options.quiet, [&reader] { return share_of(reader); });
  progress.begin(reader.header());
  for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
    for (const Event& event : block) progress.event(event);
  }
  if (reader.header().has_sites) progress.sites(reader.sites());
  nlohmann::ordered_json provenance = reader.header().provenance;
  if (reader.truncated()) {
    add_to_history({{"command", "convert"}, {"truncation", reader.truncation()}}, &provenance);
  }
  progress.finish(reader.header().lost_events + missing_events(reader), provenance);
  progress.wipe();
  if (reader.truncated()) fmt::print(stderr, "allocreplay: {}\n", reader.truncation());
}

void print_report(const ConvertOptions& options, const Source& source, const Importer& importer,
                  const CallBuilder& builder) {
  const nlohmann::ordered_json& report = builder.report();
  if (!options.quiet) {
    fmt::print(stderr, "allocreplay: {}: {} ({}), {} events\n", source.name(), importer.name,
               importer.summary, builder.events());
    for (const auto& what : report["cannot_say"]) {
      fmt::print(stderr, "allocreplay: the format cannot say: {}\n", what.get<std::string>());
    }
    for (const auto& what : report["assumed"]) {
      fmt::print(stderr, "allocreplay: assumed: {}\n", what.get<std::string>());
    }
  }
  for (const auto& [what, count] : report["repaired"].items()) {
    fmt::print(stderr, "allocreplay: REPAIRED: {} = {}\n", what, count.get<std::uint64_t>());
  }
}

void import(const ConvertOptions& options, Source& source, const Importer& importer,
            EventSink& sink) {
  Progress progress(sink, !options.quiet, [&source] { return source.share(); });
  CallBuilder builder(progress);
  importer.import(source, builder);
  builder.finish(importer.name, source.name());
  progress.wipe();
  print_report(options, source, importer, builder);
}

int run_convert(const ConvertOptions& options) {
  const Exporter& exporter =
      options.to.empty() ? exporter_of_path(options.output) : exporter_of_name(options.to);
  const Importer* importer = nullptr;
  if (!options.from.empty()) importer = &importer_of_name(options.from);

  const std::unique_ptr<EventSink> sink = exporter.open(options.output);
  Source source(options.input);
  if (importer == nullptr && source.head().starts_with(format::kFileMagic)) {
    if (source.decompresses()) {
      throw Error(source.name() +
                  ": a trace in compressed form, and a trace is compressed in "
                  "itself; decompress it first");
    }
    copy_trace(options, source.buffered(), *sink);
  } else {
    if (importer == nullptr) importer = &importer_of_content(source);
    import(options, source, *importer, *sink);
  }
  if (!options.quiet && !exporter.cannot_hold.empty()) {
    fmt::print(stderr, "allocreplay: {}: {} cannot hold: {}\n", options.output, exporter.name,
               exporter.cannot_hold);
  }
  return static_cast<int>(ExitCode::kOk);
}

constexpr const char* kConvertExamples = R"(Examples:
  allocreplay convert mtrace.log program.trace     a recording of another tool, made a trace
  allocreplay convert heaptrack.zst - --to csv     of any tool, to any form, through a pipe
  allocreplay convert program.trace program.txt    an event a line; converts back without loss
  zcat log.gz | allocreplay convert - program.trace --from ltrace

The formats are those of: allocreplay list. Input may be compressed by gzip, zstd or zip.
What the input's format cannot say, and what had to be repaired, is printed and stands in the trace.)";

}  // namespace

Command setup_convert(CLI::App& root) {
  auto options = std::make_shared<ConvertOptions>();
  CLI::App* app = add_subcommand(root, "convert", "Read or write the formats of other tools");
  app->add_option("IN", options->input, "What to read; - is stdin")->required()->type_name("");
  app->add_option("OUT", options->output,
                  "What to write, of the format that its extension names; - is stdout")
      ->required()
      ->type_name("");
  app->add_option("--from", options->from, "The format of IN, if its content does not tell")
      ->type_name("NAME");
  app->add_option("--to", options->to, "The format of OUT, if its name does not tell")
      ->type_name("NAME");
  app->add_flag("--allow-truncated", options->allow_truncated,
                "Use what is whole of a damaged or unfinished trace");
  app->add_flag("-q,--quiet", options->quiet, "Say nothing unless something was repaired");
  app->footer(kConvertExamples);
  return {app, [options] { return run_convert(*options); }};
}

}  // namespace replay::cli
