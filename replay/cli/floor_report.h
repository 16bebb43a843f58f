// The floors of a trace for people, for programs and for tables.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "replay/floor/floor.h"

namespace replay::cli {

struct FloorReport {
  std::string trace;                  // its path, "standard input" for "-"
  std::optional<std::string> sha256;  // of the file
  std::string truncation;             // why the trace ended early, if it did
  Floor floor;
};

struct FloorFormat {
  const char* name;
  std::string (*render)(const FloorReport&);
};

// text; json: results/schema/floor-v1.schema.json; tsv: a line a floor, under a line of names.
std::span<const FloorFormat> floor_formats();

}  // namespace replay::cli
