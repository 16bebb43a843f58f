#include "replay/gen/agenda.h"

#include <gtest/gtest.h>

#include <map>

#include "replay/gen/random.h"

namespace replay::gen {
namespace {

TEST(AgendaTest, GivesEachItemAtItsMoment) {
  Agenda<std::uint64_t> agenda;
  Random random(1);
  std::map<std::uint64_t, int> expected;
  const auto put = [&](std::uint64_t moment) {
    agenda.put(moment, moment);
    ++expected[moment];
  };
  for (std::uint64_t now = 0; now < 200000; ++now) {
    if (now % 3 == 0) put(now + random.log_uniform(1, 100000));
    agenda.run_to(now, [&](std::uint64_t moment) {
      ASSERT_EQ(moment, now);
      if (--expected[moment] == 0) expected.erase(moment);
    });
  }
  agenda.run_to(400000, [&](std::uint64_t moment) {
    if (--expected[moment] == 0) expected.erase(moment);
  });
  EXPECT_TRUE(expected.empty());
  EXPECT_EQ(agenda.size(), 0U);
}

TEST(AgendaTest, WhatIsPutInForNowOrThePastComesAtOnce) {
  Agenda<int> agenda;
  std::vector<int> seen;
  agenda.put(5, 1);
  agenda.run_to(5, [&](int item) {
    seen.push_back(item);
    if (item == 1) agenda.put(2, 2);
    if (item == 2) agenda.put(6, 3);
  });
  EXPECT_EQ(seen, (std::vector<int>{1, 2}));
  agenda.run_to(6, [&](int item) { seen.push_back(item); });
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3}));
}

TEST(AgendaTest, FarMomentsWait) {
  Agenda<int> agenda;
  agenda.put(std::uint64_t{1} << 60, 1);
  agenda.run_to(100000, [](int) { FAIL(); });
  EXPECT_EQ(agenda.size(), 1U);
}

}  // namespace
}  // namespace replay::gen
