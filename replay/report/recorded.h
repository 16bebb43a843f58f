// A result document read back: what `compare` needs of it. Not a validator of the schema; keys that
// it does not know are left alone. Linear in the document.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "replay/metrics/metric.h"

namespace replay {

struct RecordedAllocator {
  std::string name;
  std::string binding;
  std::vector<Metric> metrics;       // a null sample is NaN
  std::set<std::string> exact = {};  // keys of those that repeat but for a trifle

  const Metric* find(const std::string& key) const;
};

struct RecordedResult {
  std::string path;  // for messages
  std::string schema_version;
  nlohmann::ordered_json context;
  nlohmann::ordered_json trace;
  nlohmann::ordered_json config;
  std::vector<RecordedAllocator> allocators;

  std::string schema_major() const;
  const RecordedAllocator* find(const std::string& name, const std::string& binding) const;
};

// "-" is standard input. Throws Error, with the offset where the text is not JSON, or the path in
// the document where something else was expected.
RecordedResult read_result(const std::string& path);

}  // namespace replay
