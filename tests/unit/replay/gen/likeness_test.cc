// A copy of a recorded trace stays within the limits that chance sets, and a bad one does not.
#include "replay/gen/likeness.h"

#include <gtest/gtest.h>

#include "replay/trace/reader.h"

namespace replay::gen {
namespace {

struct Original {
  Marginals marginals;
  Model model;
};

const Original& redis() {
  static const Original original = [] {
    const std::string path = ALLOCREPLAY_TRACES "/redis.trace";
    TraceReader reader(path);
    MarginalsMeter meter;
    for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
      meter.add(block);
    }
    Original result{meter.finish(), {}};
    TraceReader again(path);
    Random random(1);
    result.model = fit_model(again, extent_of(result.marginals), random);
    return result;
  }();
  return original;
}

Marginals marginals_of_copy(const Model& model, const CopyOptions& options) {
  MarginalsMeter meter;
  Random random(3);
  Emitter out([&](std::span<const Event> block) { meter.add(block); }, 0);
  generate_copy(model, options, random, out);
  return meter.finish();
}

TEST(LikenessTest, ACopyOfRedisIsWithinTheLimits) {
  const Marginals copy = marginals_of_copy(redis().model, {});
  for (const Distance& row : distances(redis().model, {}, redis().marginals, copy)) {
    EXPECT_LE(row.value, row.limit) << row.name;
    EXPECT_LT(row.limit, row.name == "live_curve" ? 0.4 : 0.1)
        << row.name << ": a limit that says nothing";
  }
}

TEST(LikenessTest, TheOriginalIsAtNoDistanceFromItself) {
  for (const Distance& row : distances(redis().model, {}, redis().marginals, redis().marginals)) {
    EXPECT_EQ(row.value, 0) << row.name;
  }
}

// Each change spoils what it should.
TEST(LikenessTest, SpoiltModelsAreFar) {
  const auto far = [](const Model& spoilt) {
    std::string names;
    const Marginals copy = marginals_of_copy(spoilt, {});
    for (const Distance& row : distances(redis().model, {}, redis().marginals, copy)) {
      if (row.value > row.limit) names += row.name + " ";
    }
    return names;
  };
  Model sizes = redis().model;
  for (std::size_t i = 0; i < sizes.births.size(); i += 4) sizes.births[i].size += 16;
  EXPECT_NE(far(sizes).find("sizes "), std::string::npos);
  Model lifetimes = redis().model;
  for (Model::Birth& birth : lifetimes.births) {
    if (birth.lifetime != kNever) birth.lifetime += birth.lifetime / 2;
  }
  EXPECT_NE(far(lifetimes).find("lifetimes "), std::string::npos);
  Model threads = redis().model;
  for (std::size_t i = 0; i < threads.births.size(); i += 4) threads.births[i].freed_by = 1;
  EXPECT_NE(far(threads).find("thread_edges "), std::string::npos);
}

}  // namespace
}  // namespace replay::gen
