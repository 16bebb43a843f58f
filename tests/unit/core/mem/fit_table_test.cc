#include "core/mem/fit_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace mem {
namespace {

constexpr std::size_t kNone = FitTable::kNone;

// What a fit table is to say, one byte a granule.
class Model {
 public:
  explicit Model(std::size_t granules) : is_free_(granules, true) {}

  std::size_t granules() const { return is_free_.size(); }
  void extend(std::size_t granules) { is_free_.resize(granules, true); }
  void take(std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) {
      ASSERT_TRUE(is_free_.at(i));
      is_free_[i] = false;
    }
    objects[first] = count;
  }
  void give(std::size_t first) {
    for (std::size_t i = first; i < first + objects.at(first); ++i) is_free_[i] = true;
    objects.erase(first);
  }
  std::size_t gap_at(std::size_t first) const {
    std::size_t end = first;
    while (end < granules() && is_free_[end]) ++end;
    return end - first;
  }
  std::size_t find(std::size_t count) const {
    for (std::size_t first = 0; first < granules();) {
      const std::size_t gap = gap_at(first);
      if (gap >= count) return first;
      first += gap + 1;
    }
    return kNone;
  }
  std::size_t longest() const {
    std::size_t longest = 0;
    for (std::size_t first = 0; first < granules(); first += gap_at(first) + 1) {
      longest = std::max(longest, gap_at(first));
    }
    return longest;
  }
  std::size_t free_granules() const {
    return static_cast<std::size_t>(std::count(is_free_.begin(), is_free_.end(), true));
  }
  std::size_t free_tail() const {
    std::size_t tail = 0;
    while (tail < granules() && is_free_[granules() - tail - 1]) ++tail;
    return tail;
  }
  bool is_free(std::size_t granule) const { return is_free_.at(granule); }

  std::map<std::size_t, std::size_t> objects;  // by their first granule

 private:
  std::vector<bool> is_free_;
};

void expect_equal(const FitTable& table, const Model& model) {
  ASSERT_EQ(table.check(), 0);
  ASSERT_EQ(table.granules(), model.granules());
  ASSERT_EQ(table.free_granules(), model.free_granules());
  ASSERT_EQ(table.used_granules(), model.granules() - model.free_granules());
  ASSERT_EQ(table.is_empty(), model.objects.empty());
  ASSERT_EQ(table.free_tail(), model.free_tail());
  ASSERT_GE(table.longest, model.longest());
  ASSERT_EQ(table.widest(), std::max<std::size_t>(model.longest(), 126));
  for (std::size_t i = 0; i < model.granules(); ++i) {
    ASSERT_EQ(table.is_free(i), model.is_free(i)) << i;
    ASSERT_EQ(table.is_start(i), model.objects.count(i) != 0) << i;
  }
  for (const auto& [first, count] : model.objects) ASSERT_EQ(table.size_of(first), count) << first;
}

class FitTableTest : public testing::Test {
 protected:
  std::unique_ptr<FitTable> table_ = std::make_unique<FitTable>();
  Span span_;
};

TEST_F(FitTableTest, StartsAllFree) {
  table_->open(&span_, 512);
  expect_equal(*table_, Model(512));
  EXPECT_EQ(table_->span, &span_);
  EXPECT_EQ(table_->longest, 512u);
  EXPECT_EQ(table_->find(512), 0u);
  EXPECT_EQ(table_->find(513), kNone);
}

TEST_F(FitTableTest, HoldsNothingUntilItIsExtended) {
  table_->open(&span_, 0);
  EXPECT_EQ(table_->find(1), kNone);
  EXPECT_TRUE(table_->is_empty());
  table_->extend(256);
  expect_equal(*table_, Model(256));
  EXPECT_EQ(table_->find(256), 0u);
}

TEST_F(FitTableTest, AnExtensionIsOneGapWithTheFreeTail) {
  table_->open(&span_, 256);
  table_->take(0, 250);
  table_->longest = 6;
  table_->extend(512);
  EXPECT_EQ(table_->free_tail(), 262u);
  EXPECT_EQ(table_->longest, 262u);
  EXPECT_EQ(table_->find(262), 250u);
}

TEST_F(FitTableTest, ObjectsSideBySideAreApart) {
  table_->open(&span_, 256);
  table_->take(0, 3);
  table_->take(3, 1);
  table_->take(4, 100);
  EXPECT_EQ(table_->size_of(0), 3u);
  EXPECT_EQ(table_->size_of(3), 1u);
  EXPECT_EQ(table_->size_of(4), 100u);
  EXPECT_TRUE(table_->is_start(3));
  EXPECT_FALSE(table_->is_start(2));
  EXPECT_FALSE(table_->is_start(104));  // free
  EXPECT_FALSE(table_->is_start(256));  // not in use
}

TEST_F(FitTableTest, AnObjectMayReachOverManyWords) {
  table_->open(&span_, FitTable::kMaxGranules);
  table_->take(63, 2048);
  EXPECT_EQ(table_->size_of(63), 2048u);
  table_->take(2111, FitTable::kMaxGranules - 2111);
  EXPECT_EQ(table_->size_of(2111), FitTable::kMaxGranules - 2111);
  EXPECT_EQ(table_->check(), 0);
  table_->give(63, 2048);
  EXPECT_EQ(table_->free_granules(), 63u + 2048u);
  EXPECT_EQ(table_->find(2111), 0u);
}

TEST_F(FitTableTest, ARowIsAsManyObjectsOfTheirOwn) {
  table_->open(&span_, 1024);
  table_->take(0, 60);
  table_->take_row(60, 7, 40);
  for (std::size_t i = 0; i < 40; ++i) {
    ASSERT_TRUE(table_->is_start(60 + i * 7));
    ASSERT_EQ(table_->size_of(60 + i * 7), 7u);
  }
  EXPECT_EQ(table_->used_granules(), 60u + 280u);
  table_->give(60 + 7 * 20, 7);
  EXPECT_EQ(table_->find(7), 60u + 7 * 20);
  EXPECT_EQ(table_->find(8), 340u);
}

// Some free and some not, so that gaps start and end at any bit of a word.
TEST_F(FitTableTest, OpensASlabWithItsObjectsAlive) {
  std::mt19937 random(3);
  for (const std::size_t size : {1U, 3U, 4U, 21U, 63U, 64U, 65U, 200U}) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{7}, 1024 / size}) {
      const std::size_t granules = align_up(size * count, 256) + (count == 7 ? 256 : 0);
      Model model(granules);
      std::vector<std::size_t> free;
      for (std::size_t i = 0; i < count; ++i) {
        if (random() % 3 != 0) {
          model.take(i * size, size);
        } else {
          free.push_back(i * size);
        }
      }
      std::shuffle(free.begin(), free.end(), random);
      table_->open_slab(&span_, granules, size, count, [&](auto visit) {
        for (const std::size_t first : free) visit(first);
      });
      expect_equal(*table_, model);
      EXPECT_EQ(table_->longest, table_->widest());
      EXPECT_EQ(table_->span, &span_);
      for (const auto& object : model.objects) table_->give(object.first, size);
      table_->release();
    }
  }
}

TEST_F(FitTableTest, AGiftJoinsTheGapsAroundIt) {
  table_->open(&span_, 256);
  table_->take_row(0, 64, 4);
  table_->longest = 0;
  table_->give(0, 64);
  EXPECT_EQ(table_->longest, 64u);
  table_->give(128, 64);
  EXPECT_EQ(table_->longest, 64u);
  EXPECT_EQ(table_->find(65), kNone);
  table_->give(64, 64);
  EXPECT_EQ(table_->longest, 192u);
  EXPECT_EQ(table_->find(192), 0u);
}

TEST_F(FitTableTest, ResizesOnlyIntoWhatIsFree) {
  table_->open(&span_, 256);
  table_->take(0, 10);
  table_->take(30, 226);
  EXPECT_EQ(table_->room_behind(10), 20u);
  table_->resize(0, 10, 30);
  EXPECT_EQ(table_->size_of(0), 30u);
  EXPECT_EQ(table_->room_behind(30), 0u);
  EXPECT_EQ(table_->room_behind(256), 0u);  // the end
  table_->resize(0, 30, 30);
  EXPECT_EQ(table_->size_of(0), 30u);
  table_->longest = 0;
  table_->resize(30, 226, 6);
  EXPECT_EQ(table_->longest, 220u);
  EXPECT_EQ(table_->room_behind(36), 220u);
  table_->resize(0, 30, 1);
  EXPECT_EQ(table_->free_granules(), 256u - 7u);
  EXPECT_EQ(table_->check(), 0);
}

TEST_F(FitTableTest, CanBeUsedAgainAfterRelease) {
  table_->open(&span_, 512);
  table_->take(5, 100);
  table_->give(5, 100);
  table_->release();
  Span other;
  table_->open(&other, 256);
  expect_equal(*table_, Model(256));
  EXPECT_EQ(table_->span, &other);
  EXPECT_EQ(table_->longest, 256u);
}

TEST_F(FitTableTest, KnowsThePagesThatAreFreeAsAWhole) {
  table_->open(&span_, 4 * 256);
  EXPECT_EQ(table_->pages_to_discard(), 0b1111u);
  table_->take(300, 1);
  EXPECT_EQ(table_->pages_to_discard(), 0b1101u);
  table_->note_discarded(0b0101);
  EXPECT_EQ(table_->pages_to_discard(), 0b1000u);
  table_->take(700, 100);  // from the third page into the fourth
  EXPECT_EQ(table_->discarded_pages(), 0b0001u);
  EXPECT_EQ(table_->pages_to_discard(), 0u);
  table_->give(700, table_->size_of(700));
  EXPECT_EQ(table_->pages_to_discard(), 0b1100u);
  table_->take_row(255, 1, 1);
  EXPECT_EQ(table_->discarded_pages(), 0u);
  table_->give(255, table_->size_of(255));
  table_->note_discarded(0b1101);
  table_->resize(300, table_->size_of(300), 220);  // as far as into the third page
  EXPECT_EQ(table_->discarded_pages(), 0b1001u);
  EXPECT_EQ(table_->check(), 0);
  table_->give(300, table_->size_of(300));
  table_->release();
  table_->open(&span_, 4 * 256);
  EXPECT_EQ(table_->discarded_pages(), 0u);
}

TEST_F(FitTableTest, CheckFindsAPageInUseThatWasGivenBack) {
  table_->open(&span_, 256);
  table_->take(9, 1);
  table_->note_discarded(1);
  EXPECT_EQ(table_->check(), 128);
}

TEST_F(FitTableTest, CheckFindsAGapThatIsLargerThanSaid) {
  table_->open(&span_, 256);
  table_->longest = 255;
  EXPECT_EQ(table_->check(), 125);
}

TEST_F(FitTableTest, CheckFindsAnEndAmongFreeGranules) {
  table_->open(&span_, 256);
  table_->take(0, 8);
  table_->take_row(8, 4, 1);
  EXPECT_EQ(table_->check(), 0);
  table_->give(1,
               7);  // no start: what lies behind it goes, the granule before stays without an end
  EXPECT_EQ(table_->size_of(0), 8u + 4u);
  table_->give(0, 12);  // with which granules are freed twice
  EXPECT_EQ(table_->check(), 126);
}

class FitTableModelTest : public testing::TestWithParam<unsigned> {};

// Sizes of 1 to `most`; a word is 64 granules, so that gaps start, end and lie at its every bit.
TEST_P(FitTableModelTest, AgreesWithTheModel) {
  std::mt19937 random(GetParam());
  const std::size_t most = std::size_t{1} << (2 + GetParam() % 9);
  auto table = std::make_unique<FitTable>();
  Span span;
  std::size_t granules = 256 * (1 + random() % 8);
  table->open(&span, granules);
  Model model(granules);
  const auto pick_object = [&] {
    return std::next(model.objects.begin(),
                     static_cast<std::ptrdiff_t>(random() % model.objects.size()));
  };
  for (int i = 0; i < 2000; ++i) {
    const std::size_t count = 1 + random() % most;
    const std::size_t found = table->find(count);
    ASSERT_EQ(found, model.find(count)) << count;
    const unsigned dice = static_cast<unsigned>(random() % 100);
    if (dice < 40) {
      if (found == kNone) continue;
      const std::size_t first = found + random() % (model.gap_at(found) - count + 1);
      table->take(first, count);
      model.take(first, count);
    } else if (dice < 45) {
      const std::size_t length = 1 + random() % 8;
      const std::size_t first = table->find(count * length);
      if (first == kNone) continue;
      table->take_row(first, count, length);
      for (std::size_t k = 0; k < length; ++k) model.take(first + k * count, count);
    } else if (dice < 60 && !model.objects.empty()) {
      const auto [first, old] = *pick_object();
      const std::size_t room = table->room_behind(first + old);
      ASSERT_EQ(room, model.gap_at(first + old));
      if (count > old + room) continue;
      table->resize(first, old, count);
      model.give(first);
      model.take(first, count);
    } else if (dice < 97 && !model.objects.empty()) {
      const auto [first, old] = *pick_object();
      ASSERT_EQ(table->size_of(first), old);
      table->give(first, old);
      model.give(first);
    } else if (dice == 98) {
      table->note_discarded(table->pages_to_discard());  // check() tells whether it stays right
    } else if (dice == 99 && granules < FitTable::kMaxGranules) {
      granules += 256;
      table->extend(granules);
      model.extend(granules);
    }
    expect_equal(*table, model);
    if (testing::Test::HasFatalFailure()) FAIL() << "after operation " << i;
  }
  while (!model.objects.empty()) {
    const auto [first, count] = *model.objects.begin();
    table->give(first, count);
    model.give(first);
  }
  expect_equal(*table, model);
  EXPECT_EQ(table->longest, granules);
}
INSTANTIATE_TEST_SUITE_P(Seeds, FitTableModelTest, testing::Range(0u, 18u));

}  // namespace
}  // namespace mem
