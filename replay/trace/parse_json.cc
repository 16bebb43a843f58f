#include "replay/trace/parse_json.h"

#include <fmt/format.h>

namespace replay {
namespace {

// As a parser would see it up to where the text stops being JSON.
void check_depth(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth) throw JsonFault("nested too deeply", i + 1);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

}  // namespace

nlohmann::ordered_json parse_json(std::string_view text) {
  check_depth(text);
  try {
    return nlohmann::ordered_json::parse(text);
  } catch (const nlohmann::ordered_json::parse_error& error) {
    throw JsonFault("not JSON", error.byte);
  }
}

std::string parse_provenance(std::string_view text, nlohmann::ordered_json* provenance) {
  try {
    *provenance = parse_json(text);
  } catch (const JsonFault& fault) {
    return fmt::format("the provenance is {} (its byte {})", fault.what(), fault.byte);
  }
  return provenance->is_object() ? "" : "the provenance is not a JSON object";
}

}  // namespace replay
