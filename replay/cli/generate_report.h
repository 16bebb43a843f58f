// What `generate --like` says of its copy: how far it is from the original, as a table and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "replay/gen/likeness.h"

namespace replay::cli {

// A figure of a replay of both traces.
struct ReplayedFigure {
  std::string allocator;
  std::string key;  // of the metric
  std::string unit;
  double original;
  double copy;
};

struct LikenessReport {
  std::string original;
  std::string copy;
  std::uint64_t original_events = 0;
  std::uint64_t copy_events = 0;
  gen::CopyOptions options;
  std::uint64_t seed = 0;
  std::vector<gen::Distance> distances;
  std::vector<ReplayedFigure> replayed;  // if a replay was asked for
};

bool within_limits(const LikenessReport& report);
std::string to_text(const LikenessReport& report);
nlohmann::ordered_json to_json(const LikenessReport& report);

}  // namespace replay::cli
