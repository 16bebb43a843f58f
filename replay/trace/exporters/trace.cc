// The trace format itself (traces/README.md), as one of those that can be written.
#include <optional>

#include "replay/trace/exporters/formats.h"
#include "replay/trace/writer.h"

namespace replay {
namespace {

class TraceSink final : public EventSink {
 public:
  explicit TraceSink(const std::string& path) : path_(path) {}

  void begin(const TraceHeader& header) override { writer_.emplace(path_, header); }
  void event(const Event& event) override { writer_->append(event); }
  void sites(const SiteTable& table) override { writer_->set_sites(table); }
  void finish(std::uint64_t lost_events, const nlohmann::ordered_json& provenance) override {
    writer_->finish(lost_events, provenance);
  }

 private:
  std::string path_;
  std::optional<TraceWriter> writer_;
};

std::unique_ptr<EventSink> open(const std::string& path) {
  return std::make_unique<TraceSink>(path);
}

}  // namespace

const Exporter kTraceExporter{"trace", ".trace", "what replay, inspect and the other commands read",
                              "", open};

}  // namespace replay
