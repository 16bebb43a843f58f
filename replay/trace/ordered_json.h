// nlohmann's JSON that keeps the order of its keys, compiled once (ordered_json.cc) instead of in
// each file that holds one: include this, or a header that does, instead of <nlohmann/json.hpp>.
#pragma once

#include <nlohmann/json.hpp>

extern template class nlohmann::basic_json<nlohmann::ordered_map>;
