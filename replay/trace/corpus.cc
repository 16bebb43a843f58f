#include "replay/trace/corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "replay/trace/error.h"
#include "replay/trace/file_hash.h"
#include "replay/trace/parse_json.h"
#include "replay/trace/reader.h"
#include "replay/trace/summary.h"
#include "replay/trace/validate.h"

namespace replay {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "allocreplay-traces";
constexpr int kSchemaVersion = 1;
constexpr std::size_t kSha256HexDigits = 64;

// One row of the manifest, read field by field with errors that name both.
class Row {
 public:
  Row(const std::string& manifest, std::size_t number, const Json& row)
      : where_(fmt::format("{}: trace {}", manifest, number)), row_(row) {
    if (!row.is_object()) throw Error(fmt::format("{}: expected an object", where_));
    if (row.contains("file") && row["file"].is_string()) {
      where_ = fmt::format("{}: {}", manifest, row["file"].get<std::string>());
    }
  }

  std::string text(const char* key) const {
    const Json& value = field(key);
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
      refuse(key, "a text that is not empty");
    }
    return value.get<std::string>();
  }

  std::uint64_t count(const char* key) const {
    const Json& value = field(key);
    if (!value.is_number_unsigned()) refuse(key, "a whole number");
    return value.get<std::uint64_t>();
  }

  std::vector<std::string> texts(const char* key) const {
    const Json& value = field(key);
    const auto is_text = [](const Json& part) { return part.is_string(); };
    if (!value.is_array() || !std::all_of(value.begin(), value.end(), is_text)) {
      refuse(key, "a list of texts");
    }
    return value.get<std::vector<std::string>>();
  }

  [[noreturn]] void refuse(const char* key, const char* expected) const {
    throw Error(fmt::format("{}: \"{}\": expected {}", where_, key, expected));
  }

 private:
  const Json& field(const char* key) const {
    if (!row_.contains(key)) throw Error(fmt::format("{}: \"{}\" is missing", where_, key));
    return row_[key];
  }

  std::string where_;
  const Json& row_;
};

CorpusEntry entry_of(const Row& row, const Json& all) {
  CorpusEntry entry;
  entry.file = row.text("file");
  if (entry.file.find('/') != std::string::npos || entry.file.starts_with('.')) {
    row.refuse("file", "the name of a file in the manifest's own folder");
  }
  for (const char* key : {"what", "recipe", "licence"}) row.text(key);
  entry.program = row.text("program");
  entry.sha256 = row.text("sha256");
  if (entry.sha256.size() != kSha256HexDigits ||
      entry.sha256.find_first_not_of("0123456789abcdef") != std::string::npos) {
    row.refuse("sha256", "64 hexadecimal digits in lower case");
  }
  entry.bytes = row.count("bytes");
  entry.events = row.count("events");
  entry.objects = row.count("objects");
  entry.threads = row.count("threads");
  entry.frees = row.count("frees");
  entry.cross_thread_frees = row.count("cross_thread_frees");
  entry.peak_live_bytes = row.count("peak_live_bytes");
  entry.packages = row.texts("packages");
  entry.row = all;
  return entry;
}

Json read_manifest(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(fmt::format("{}: cannot open it; a corpus has one", path));
  Json manifest;
  try {
    manifest = parse_json(std::string(std::istreambuf_iterator<char>(file), {}));
  } catch (const JsonFault& fault) {
    throw Error(
        fmt::format("{}: at byte {}: expected JSON, but it is {}", path, fault.byte, fault.what()));
  }
  if (!manifest.is_object() || manifest.value("schema", Json()) != kSchema) {
    throw Error(fmt::format("{}: expected \"schema\": \"{}\"", path, kSchema));
  }
  if (manifest.value("schema_version", Json()) != kSchemaVersion) {
    throw Error(fmt::format("{}: expected \"schema_version\": {}", path, kSchemaVersion));
  }
  if (!manifest.contains("traces") || !manifest["traces"].is_array()) {
    throw Error(fmt::format("{}: expected \"traces\": a list", path));
  }
  return manifest;
}

// Collects what differs from the manifest.
class Comparison {
 public:
  void same(const char* what, std::uint64_t found, std::uint64_t said) {
    if (found != said) add(fmt::format("{} {}, but the manifest says {}", found, what, said));
  }
  void same(const char* key, const Json& found, const Json& said) {
    if (found != said) {
      add(fmt::format("\"{}\" is {} in its header, but {} in the manifest", key, found.dump(),
                      said.dump()));
    }
  }
  void add(std::string fault) { faults_.push_back(std::move(fault)); }
  std::vector<std::string> take() { return std::move(faults_); }

 private:
  std::vector<std::string> faults_;
};

void compare_provenance(const Json& provenance, const Json& row, Comparison* comparison) {
  for (const char* key : {"command", "date", "losses"}) {
    comparison->same(key, provenance.value(key, Json()), row.value(key, Json()));
  }
}

void compare_events(TraceReader* reader, const CorpusEntry& entry,
                    const std::function<void(std::uint64_t)>& progress, Comparison* comparison) {
  Validator validator;
  Summarizer summarizer;
  std::uint64_t events = 0;
  for (auto block = reader->next_block(); !block.empty(); block = reader->next_block()) {
    if (!validator.feed(block)) break;
    summarizer.add(block);
    events += block.size();
    progress(events);
  }
  validator.expect_counts(reader->header());
  const Validation& validation = validator.result();
  if (!validation.ok()) {
    comparison->add(fmt::format("event {}: {}", validation.events, validation.violation));
    return;
  }
  const Summary summary = summarizer.result();
  comparison->same("frees", validation.frees, entry.frees);
  comparison->same("frees by another thread", summary.cross_thread_frees, entry.cross_thread_frees);
  comparison->same("bytes live at the peak", summary.peak_bytes.bytes, entry.peak_live_bytes);
}

}  // namespace

double CorpusEntry::bytes_per_event() const {
  return events == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(events);
}

double CorpusEntry::cross_thread_share() const {
  return frees == 0 ? 0 : static_cast<double>(cross_thread_frees) / static_cast<double>(frees);
}

const CorpusEntry& Corpus::entry(const std::string& file) const {
  const auto found =
      std::find_if(entries.begin(), entries.end(),
                   [&file](const CorpusEntry& candidate) { return candidate.file == file; });
  if (found == entries.end()) {
    throw Error(fmt::format("{}: no trace '{}' in {}; allocreplay corpus list shows them", folder,
                            file, kManifestName));
  }
  return *found;
}

Corpus read_corpus(const std::string& folder) {
  const std::string path = (fs::path(folder) / kManifestName).string();
  const Json manifest = read_manifest(path);
  Corpus corpus{folder, {}};
  std::set<std::string> names;
  for (const Json& row : manifest["traces"]) {
    corpus.entries.push_back(entry_of(Row(path, corpus.entries.size(), row), row));
    if (!names.insert(corpus.entries.back().file).second) {
      throw Error(fmt::format("{}: {}: is there twice", path, corpus.entries.back().file));
    }
  }
  return corpus;
}

std::vector<std::string> strangers(const Corpus& corpus) {
  std::set<std::string> found;
  for (const auto& file : fs::directory_iterator(corpus.folder)) {
    if (file.path().extension() == ".trace") found.insert(file.path().filename().string());
  }
  for (const CorpusEntry& entry : corpus.entries) found.erase(entry.file);
  return {found.begin(), found.end()};
}

std::vector<std::string> faults_of(const Corpus& corpus, const CorpusEntry& entry,
                                   const std::function<void(std::uint64_t)>& progress) {
  const std::string path = (fs::path(corpus.folder) / entry.file).string();
  if (!fs::is_regular_file(path)) return {"there is no such file"};
  Comparison comparison;
  try {
    comparison.same("bytes", fs::file_size(path), entry.bytes);
    const std::string hash = file_sha256(path);
    if (hash != entry.sha256) {
      comparison.add(
          fmt::format("its SHA-256 is {}, but the manifest says {}", hash, entry.sha256));
    }
    TraceReader reader(path);
    const TraceHeader& header = reader.header();
    comparison.same("events", header.event_count, entry.events);
    comparison.same("objects", header.object_count, entry.objects);
    comparison.same("threads", header.thread_count, entry.threads);
    compare_provenance(header.provenance, entry.row, &comparison);
    compare_events(&reader, entry, progress, &comparison);
  } catch (const Error& error) {
    comparison.add(error.what());
  }
  return comparison.take();
}

}  // namespace replay
