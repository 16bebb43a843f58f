#include "replay/trace/object_map.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <map>
#include <random>

namespace replay {
namespace {

// Against std::map: objects of every age die, in phases of growth and of decline.
TEST(ObjectMapTest, DoesWhatAMapDoes) {
  std::mt19937_64 random(3);
  ObjectMap<std::uint64_t> map;
  std::map<std::uint64_t, std::uint64_t> model;
  std::uint64_t next = 0;
  for (int phase = 0; phase < 4; ++phase) {
    const bool growing = phase % 2 == 0;
    for (int i = 0; i < 60000; ++i) {
      if (model.empty() || random() % 10 < (growing ? 7 : 2)) {
        *map.insert(next) = 3 * next;
        model[next] = 3 * next;
        ++next;
        continue;
      }
      auto victim = model.lower_bound(random() % next);
      if (victim == model.end() || random() % 2 == 0) victim = std::prev(model.end());
      std::uint64_t* const value = map.find(victim->first);
      ASSERT_NE(value, nullptr);
      ASSERT_EQ(*value, victim->second);
      *value = victim->second = random();
      if (random() % 3 == 0) continue;
      ASSERT_TRUE(map.erase(victim->first));
      ASSERT_FALSE(map.erase(victim->first));
      ASSERT_EQ(map.find(victim->first), nullptr);
      model.erase(victim);
    }
    ASSERT_EQ(map.size(), model.size());
    std::map<std::uint64_t, std::uint64_t> all;
    map.for_each([&](std::uint64_t id, std::uint64_t value) { all[id] = value; });
    ASSERT_EQ(all, model);
  }
  EXPECT_EQ(map.find(next), nullptr);
}

TEST(ObjectMapTest, MemoryFollowsTheLiveObjectsNotTheirNumbers) {
  ObjectMap<std::uint64_t> map;
  const auto used = [] { return mallinfo2().uordblks + mallinfo2().hblkhd; };
  const std::size_t empty = used();
  constexpr std::uint64_t kLive = 200000;
  for (std::uint64_t id = 0; id < kLive; ++id) *map.insert(id) = id;
  const std::size_t full = used();
  EXPECT_LT(full - empty, kLive * 64);
  for (std::uint64_t id = kLive; id < 6 * kLive; ++id) {
    *map.insert(id) = id;
    EXPECT_TRUE(map.erase(id - kLive));
  }
  EXPECT_LE(used(), full + full / 8);
  for (std::uint64_t id = 5 * kLive; id < 6 * kLive; ++id) EXPECT_TRUE(map.erase(id));
  EXPECT_EQ(map.size(), 0U);
  EXPECT_LT(used(), empty + 65536);
}

}  // namespace
}  // namespace replay
