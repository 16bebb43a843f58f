// A folder of traces with the manifest that says what each of them is (traces/README.md), and
// whether the files are what it says. Writes nothing: traces/recipes/manifest.py fills the manifest
// in.
//
// Not thread-safe. Reading is O(manifest); checking a trace is O(its events) with memory for its
// live objects and one bit for every object. Throws Error, with the manifest's path and the entry,
// on a manifest that is not as expected.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace replay {

inline constexpr const char* kManifestName = "MANIFEST.json";

struct CorpusEntry {
  std::string file;  // a name in the corpus's folder
  std::string program;
  std::string sha256;
  std::uint64_t bytes = 0;
  std::uint64_t events = 0;
  std::uint64_t objects = 0;
  std::uint64_t threads = 0;
  std::uint64_t frees = 0;
  std::uint64_t cross_thread_frees = 0;  // by another thread than the one that allocated
  std::uint64_t peak_live_bytes = 0;
  std::vector<std::string> packages;
  nlohmann::ordered_json row;  // all that the manifest says

  double bytes_per_event() const;
  double cross_thread_share() const;  // of the frees; 0 without any
};

struct Corpus {
  std::string folder;
  std::vector<CorpusEntry> entries;  // as in the manifest

  const CorpusEntry& entry(const std::string& file) const;  // throws if there is none
};

Corpus read_corpus(const std::string& folder);

// The traces in the folder that have no entry, by name.
std::vector<std::string> strangers(const Corpus& corpus);

// What is wrong with a trace: its size and hash, its header, the order and sense of its events, and
// the figures that follow from them. Empty: nothing. `progress` gets the events read so far.
std::vector<std::string> faults_of(const Corpus& corpus, const CorpusEntry& entry,
                                   const std::function<void(std::uint64_t)>& progress);

}  // namespace replay
