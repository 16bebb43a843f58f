#include "replay/metrics/held_split.h"

#include <gtest/gtest.h>

#include "tests/support/made_runs.h"

namespace replay {
namespace {

// At the checkpoint with 8192 bytes live: 4 pages held, of which 3 have live objects.
RunOutcome made_snapshot() {
  RunOutcome run = test::made_outcome(1);
  run.snapshot.sample = run.samples[1];
  run.snapshot.internal_bytes = 700;
  run.snapshot.books = {BooksKind::kMallinfo2, true, true, 80, 220};
  return run;
}

TEST(HeldSplitTest, PartsAddUpToWhatIsHeld) {
  const HeldSplit split = held_split(test::made_plan(), 1, made_snapshot());
  EXPECT_EQ(split.event, 10U);
  EXPECT_EQ(split.held_bytes, 4U * 4096);
  EXPECT_EQ(split.requested_bytes, 8192U);
  EXPECT_EQ(split.external.why_absent, "");
  EXPECT_EQ(split.requested_bytes + split.internal.bytes + split.metadata.bytes +
                split.caches.bytes + split.external.bytes,
            split.held_bytes);
  EXPECT_EQ(split.free_pages.bytes, 4096U);
  EXPECT_FALSE(split.unsplit.why_absent.empty());
  EXPECT_EQ(split.told_by, "mallinfo2");
}

TEST(HeldSplitTest, WhereAPartIsNotToldTheRestIsUnsplit) {
  RunOutcome run = made_snapshot();
  run.snapshot.books.caches_known = false;
  const HeldSplit split = held_split(test::made_plan(), 1, run);
  EXPECT_FALSE(split.caches.why_absent.empty());
  EXPECT_FALSE(split.external.why_absent.empty());
  EXPECT_EQ(split.unsplit.bytes, 4U * 4096 - 8192 - 700 - 80);
}

TEST(HeldSplitTest, WhatWasNotTouchedCannotBeSplit) {
  RunOutcome run = made_snapshot();
  run.occupied_known = false;
  const HeldSplit split = held_split(test::made_plan(), 1, run);
  for (const KnownPart* part : {&split.internal, &split.metadata, &split.caches, &split.external,
                                &split.unsplit, &split.free_pages}) {
    EXPECT_FALSE(part->why_absent.empty());
  }
}

TEST(HeldSplitTest, BooksThatSayMoreThanIsHeldAreNotBelieved) {
  RunOutcome run = made_snapshot();
  run.snapshot.books.metadata_bytes = 1 << 20;
  EXPECT_FALSE(held_split(test::made_plan(), 1, run).external.why_absent.empty());
}

}  // namespace
}  // namespace replay
