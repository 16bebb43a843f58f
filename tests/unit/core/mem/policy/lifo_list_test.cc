#include "core/mem/policy/lifo_list.h"

#include <gtest/gtest.h>

namespace mem {
namespace {

TEST(LifoList, FindsTheLatestThatFits) {
  alignas(16) unsigned char memory[4][512] = {};
  Block* blocks[4];
  const std::size_t sizes[4] = {64, 256, 128, 32};
  LifoList list;
  for (int i = 0; i < 4; ++i) {
    blocks[i] = Block::at(reinterpret_cast<std::uintptr_t>(memory[i]));
    blocks[i]->write_free(sizes[i], 0, 0);
    list.insert(blocks[i]);
  }
  const auto find = [&](std::size_t need) {
    return list.find(need, [need](const Block* b) { return b->size() >= need; });
  };
  EXPECT_EQ(find(32), blocks[3]);
  EXPECT_EQ(find(48), blocks[2]);  // first fit, though 64 would fit better
  EXPECT_EQ(find(200), blocks[1]);
  EXPECT_EQ(find(300), nullptr);
  list.remove(blocks[2]);
  EXPECT_EQ(find(48), blocks[1]);
  int visited = 0;
  EXPECT_FALSE(list.for_each([&](const Block*) { return ++visited < 2; }));
  EXPECT_EQ(visited, 2);
  EXPECT_TRUE(list.is_consistent());
  EXPECT_TRUE(list.is_in_place(blocks[0]));
}

}  // namespace
}  // namespace mem
