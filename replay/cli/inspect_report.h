// The two faces of `allocreplay inspect`: one for people, one for scripts.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "replay/trace/reader.h"
#include "replay/trace/summary.h"

namespace replay::cli {

// pre: `reader` came to its end, and `summary` is of its trace. Both print or tell all there is.
void print_inspection(const TraceReader& reader, const Summary& summary);              // text
nlohmann::ordered_json inspection(const TraceReader& reader, const Summary& summary);  // JSON

}  // namespace replay::cli
