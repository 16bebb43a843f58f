#include "replay/trace/pointer_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace replay {
namespace {

TEST(PointerMapTest, AgreesWithAnOrderedMap) {
  PointerMap map;
  std::map<std::uint64_t, std::uint64_t> model;
  std::mt19937_64 random(3);
  for (std::uint64_t object = 0; object < 20000; ++object) {
    const std::uint64_t address = 0x7f0000000000 + random() % 300 * 16;
    const auto known = model.find(address);
    const auto expected = known == model.end() ? std::nullopt : std::optional(known->second);
    ASSERT_EQ(map.find(address), expected);
    if (random() % 2 == 0) {
      ASSERT_EQ(map.insert(address, object), expected);
      model[address] = object;
    } else {
      ASSERT_EQ(map.erase(address), expected);
      model.erase(address);
    }
    ASSERT_EQ(map.size(), model.size());
  }
}

}  // namespace
}  // namespace replay
