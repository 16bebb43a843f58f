#include "replay/metrics/held_split.h"

#include <unistd.h>

namespace replay {
namespace {

constexpr const char* kNotTouched =
    "not every page of a live object is resident (needs --touch page or all)";
constexpr const char* kNotTold = "the allocator does not tell";

}  // namespace

HeldSplit held_split(const Plan& plan, std::size_t checkpoint, const RunOutcome& run) {
  const Snapshot& snapshot = run.snapshot;
  const std::uint64_t resident = snapshot.sample.anonymous_bytes;
  const std::uint64_t before = run.baseline.anonymous_bytes;
  HeldSplit split;
  split.event = plan.checkpoints[checkpoint].event;
  split.held_bytes = resident > before ? resident - before : 0;
  split.requested_bytes = plan.checkpoints[checkpoint].live_bytes;
  split.told_by = books_name(snapshot.books.kind);
  if (!run.occupied_known) {
    for (KnownPart* part : {&split.internal, &split.metadata, &split.caches, &split.external,
                            &split.unsplit, &split.free_pages}) {
      part->why_absent = kNotTouched;
    }
    return split;
  }
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t occupied = snapshot.sample.occupied_pages * page_bytes;
  split.free_pages.bytes = split.held_bytes > occupied ? split.held_bytes - occupied : 0;
  std::uint64_t rest = split.held_bytes;
  bool all_known = true;
  bool fits = true;
  const auto take = [&](std::uint64_t bytes) {
    fits = fits && bytes <= rest;
    rest -= bytes <= rest ? bytes : 0;
  };
  const auto tell = [&](KnownPart& part, bool known, std::uint64_t bytes) {
    if (known) {
      take(part.bytes = bytes);
    } else {
      part.why_absent = kNotTold;
      all_known = false;
    }
  };
  take(split.requested_bytes);
  tell(split.internal, run.usable_known, snapshot.internal_bytes);
  tell(split.metadata, snapshot.books.metadata_known, snapshot.books.metadata_bytes);
  tell(split.caches, snapshot.books.caches_known, snapshot.books.caches_bytes);
  const char* why = fits ? "" : "the parts that are told come to more than is held";
  KnownPart& present = all_known ? split.external : split.unsplit;
  KnownPart& other = all_known ? split.unsplit : split.external;
  present = {fits ? rest : 0, why};
  other.why_absent = all_known ? "every part is known" : "it cannot be told from the absent parts";
  return split;
}

}  // namespace replay
