// Imports from memory, for tests of importers.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "replay/trace/importers/importer.h"
#include "replay/trace/validate.h"

namespace replay::test {

class MemoryStream final : public ByteStream {
 public:
  explicit MemoryStream(std::string_view bytes) : bytes_(bytes) {}
  std::size_t read(char* to, std::size_t size) override {
    const std::size_t got = bytes_.copy(to, size, done_);
    done_ += got;
    return got;
  }
  double share() const override { return 0; }
  bool decompresses() const override { return false; }

 private:
  std::string bytes_;
  std::size_t done_ = 0;
};

// A Source of these bytes; messages name it "input".
inline Source source_of(std::string_view bytes) {
  return {"input", std::make_unique<MemoryStream>(bytes)};
}

// What came of an import.
struct Imported final : EventSink {
  TraceHeader header;  // as begin() had it, with lost_events and provenance of finish()
  std::vector<Event> events;
  SiteTable table;
  bool finished = false;

  void begin(const TraceHeader& from) override { header = from; }
  void event(const Event& event) override { events.push_back(event); }
  void sites(const SiteTable& from) override { table = from; }
  void finish(std::uint64_t lost_events, const nlohmann::ordered_json& provenance) override {
    header.lost_events = lost_events;
    header.provenance = provenance;
    finished = true;
  }

  std::uint64_t repaired(const std::string& what) const {
    const auto& counts = header.provenance.at("import").at("repaired");
    return counts.contains(what) ? counts[what].get<std::uint64_t>() : 0;
  }
  // The number of repairs of all kinds.
  std::uint64_t repaired() const {
    std::uint64_t sum = 0;
    for (const auto& count : header.provenance.at("import").at("repaired")) {
      sum += count.get<std::uint64_t>();
    }
    return sum;
  }
  bool says(const std::string& list, const std::string& sentence) const {
    const auto& sentences = header.provenance.at("import").at(list);
    return std::find(sentences.begin(), sentences.end(), sentence) != sentences.end();
  }
  // Why the events are no trace, or "".
  std::string violation() const {
    Validator validator;
    validator.feed(events);
    return validator.result().violation;
  }
};

// As `convert` does it. Throws Error as the importer does.
inline std::unique_ptr<Imported> import_bytes(const Importer& importer, std::string_view bytes) {
  Source source = source_of(bytes);
  auto imported = std::make_unique<Imported>();
  CallBuilder builder(*imported);
  importer.import(source, builder);
  builder.finish(importer.name, source.name());
  return imported;
}

}  // namespace replay::test
