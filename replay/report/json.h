// The only serializer of results. Shape: results/schema/result-v1.schema.json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "replay/report/result.h"

namespace replay {

inline constexpr const char* kSchemaName = "allocreplay-result";
inline constexpr const char* kSchemaVersion = "1.7";  // a new metric is a minor step

// Keys stand in a fixed order; NaN and infinity become null.
nlohmann::ordered_json to_json(const Result& result);

nlohmann::ordered_json passes_json(const std::vector<Pass>& passes);

// NaN and infinity are null.
nlohmann::ordered_json number(double value);
nlohmann::ordered_json numbers(const std::vector<double>& values);

// The text with what is not UTF-8 in it replaced, as in documents.
std::string as_utf8(const std::string& text);

// A document of any command as it is written. What is not UTF-8 in it (a path need not be) is
// replaced.
std::string document_text(const nlohmann::ordered_json& document);

}  // namespace replay
