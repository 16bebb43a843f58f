#include "replay/gen/model.h"

#include <gtest/gtest.h>

#include "replay/gen/generator.h"
#include "replay/gen/marginals.h"
#include "replay/trace/validate.h"
#include "tests/support/error_of.h"
#include "tests/support/random_trace.h"

namespace replay::gen {
namespace {

std::vector<Event> generated(const char* name, const std::vector<std::string>& settings) {
  std::vector<Event> events;
  Emitter out([&](std::span<const Event> block) {
    events.insert(events.end(), block.begin(), block.end());
  });
  const Generator& generator = find_generator(name);
  run_generator(generator, Parameters(name, generator.parameters, settings), 1, out);
  return events;
}

TraceExtent extent_of(const std::vector<Event>& events) {
  MarginalsMeter meter;
  meter.add(events);
  return extent_of(meter.finish());
}

Model model_of(const std::vector<Event>& events) {
  const test::TempFolder folder;
  TraceReader reader(test::write_trace(folder / "t.trace", events));
  Random random(1);
  return fit_model(reader, extent_of(events), random);
}

std::vector<Event> copy_of(const Model& model, const CopyOptions& options, std::uint64_t seed) {
  std::vector<Event> events;
  Random random(seed);
  Emitter out(
      [&](std::span<const Event> block) {
        events.insert(events.end(), block.begin(), block.end());
      },
      0);
  generate_copy(model, options, random, out);
  return events;
}

std::string violation_of(const std::vector<Event>& events) {
  Validator validator;
  validator.feed(events);
  return validator.result().violation;
}

const std::vector<Event>& original() {
  static const std::vector<Event> events = generated(
      "steady", {"events=100k", "lifetime=log:1:5k", "threads=3", "foreign=20", "realloc=10"});
  return events;
}

TEST(ModelTest, KeepsEveryBirthWithItsFate) {
  const Model model = model_of(original());
  EXPECT_EQ(model.events, original().size());
  EXPECT_EQ(model.threads, 3U);
  EXPECT_EQ(model.births.size() + model.landmarks.size(), extent_of(original()).births);
  EXPECT_EQ(model.window_events % kBlockEvents, 0U);
  EXPECT_EQ(model.blocks.back().first_birth, model.births.size());
  std::uint64_t resizes = 0;
  for (const Event& event : original()) resizes += event.op == Op::kRealloc ? 1 : 0;
  EXPECT_EQ(model.steps.size(), resizes);
}

TEST(ModelTest, ACopyIsValidAndAboutAsLong) {
  const Model model = model_of(original());
  const std::vector<Event> copy = copy_of(model, {}, 7);
  EXPECT_EQ(violation_of(copy), "");
  EXPECT_NEAR(static_cast<double>(copy.size()), 100000, 1000);
  EXPECT_EQ(copy, copy_of(model, {}, 7));
  EXPECT_NE(copy, copy_of(model, {}, 8));
}

// The hard case: all lifetimes are one, far beyond a block, and blocks differ in what they hold. A
// clock of places instead of events keeps a quarter of them together.
TEST(ModelTest, LifetimesThatGatherStayTogether) {
  constexpr std::uint64_t kLifetime = 3000;
  std::vector<Event> events;
  std::vector<std::uint64_t> due(200000, UINT64_MAX);
  Random random(1);
  std::uint64_t objects = 0;
  while (events.size() < 100000) {
    const std::uint64_t now = events.size();
    if (due[now] != UINT64_MAX) {
      events.push_back({now, due[now], 0, 0, Op::kFree, 0});
      continue;
    }
    events.push_back({now, objects, 16 + random.below(100), 0, Op::kMalloc, 0});
    if (random.below(now / 500 % 2 == 0 ? 10 : 3) != 0) due[now + kLifetime] = objects;
    ++objects;
  }
  MarginalsMeter meter;
  meter.add(copy_of(model_of(events), {}, 7));
  const FineHistogram lifetimes = meter.finish().lifetimes;
  std::uint64_t near = 0;
  const std::size_t middle = FineHistogram::bucket_of(kLifetime);
  for (std::size_t i = middle - 2; i <= middle + 2; ++i) near += lifetimes.weight(i);
  const double freed =
      lifetimes.total() -
      static_cast<double>(lifetimes.weight(FineHistogram::bucket_of(Marginals::kForEver)));
  EXPECT_GT(static_cast<double>(near), 0.5 * freed);
}

TEST(ModelTest, ScaleAndThreadsMultiply) {
  const Model model = model_of(original());
  const std::vector<Event> copy = copy_of(model, {.scale = 3, .copies = 2}, 7);
  EXPECT_EQ(violation_of(copy), "");
  EXPECT_NEAR(static_cast<double>(copy.size()), 600000, 12000);
  Validator validator;
  validator.feed(copy);
  EXPECT_EQ(validator.result().threads, 6U);
}

TEST(ModelTest, LandmarksStayInTheirPlaces) {
  std::vector<Event> events = original();
  events.push_back({events.back().time_ns, extent_of(events).births, 1 << 30, 0, Op::kMalloc, 0});
  const Model model = model_of(events);
  ASSERT_EQ(model.landmarks.size(), 1U);
  EXPECT_EQ(model.landmarks[0].event, 100000U);
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    std::uint64_t seen = 0;
    for (const Event& event : copy_of(model, {}, seed)) seen += event.size == 1 << 30 ? 1 : 0;
    EXPECT_EQ(seen, 1U);
  }
}

TEST(ModelTest, LifetimesBeyondAWindowStretch) {
  EXPECT_EQ(stretched(100, 100, 5), 100U);
  EXPECT_EQ(stretched(150, 100, 5), 350U);
  EXPECT_EQ(stretched(kNever, 100, 5), kNever);
}

TEST(ModelTest, AnEmptyTraceIsAnError) {
  EXPECT_NE(test::error_of([] { model_of({}); }).find("no events to fit"), std::string::npos);
}

}  // namespace
}  // namespace replay::gen
