#include "replay/trace/parse_json.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

std::string fault_of(const std::string& text) {
  try {
    parse_json(text);
  } catch (const JsonFault& fault) {
    return std::string(fault.what()) + " at " + std::to_string(fault.byte);
  }
  return "none";
}

TEST(ParseJsonTest, ReadsWhatIsJson) {
  EXPECT_EQ(parse_json(R"({"a": [1, "]["]})").dump(), R"({"a":[1,"]["]})");
}

TEST(ParseJsonTest, RefusesWhatIsNot) {
  EXPECT_EQ(fault_of(R"({"a": 1,})"), "not JSON at 9");
  EXPECT_EQ(fault_of(""), "not JSON at 1");
  EXPECT_EQ(fault_of("\"\\"), "not JSON at 3");
}

TEST(ParseJsonTest, RefusesWhatIsNestedTooDeeply) {
  EXPECT_EQ(fault_of(nested(kMaxJsonDepth)), "none");
  EXPECT_EQ(fault_of(nested(kMaxJsonDepth + 1)), "nested too deeply at 101");
  EXPECT_EQ(fault_of(nested(10'000'000)), "nested too deeply at 101");
  std::string many = "[[]";  // side by side is not nested
  for (int i = 0; i < 1000; ++i) many += ",[\"[\\\"[\"]";
  EXPECT_EQ(fault_of(many + "]"), "none");
}

TEST(ParseJsonTest, AProvenanceIsAnObject) {
  nlohmann::ordered_json value;
  EXPECT_EQ(parse_provenance("{\"a\": 1}", &value), "");
  EXPECT_EQ(value["a"], 1);
  EXPECT_EQ(parse_provenance("[]", &value), "the provenance is not a JSON object");
  EXPECT_EQ(parse_provenance("{", &value), "the provenance is not JSON (its byte 2)");
}

}  // namespace
}  // namespace replay
