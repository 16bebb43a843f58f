// From one trace, or several, to another: copy what is valid, cut a window, keep some objects, put
// traces together, take out what names people and programs.
//
// All stream: memory is O(live objects). They read to the end but leave finishing the new trace to
// the caller, for only he knows its provenance. Errors are those of reader and writer. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "replay/trace/event.h"
#include "replay/trace/reader.h"
#include "replay/trace/writer.h"

namespace replay {

struct RewriteCounts {
  std::uint64_t read = 0;     // events of the sources
  std::uint64_t written = 0;  // those kept, and births that were put in
  std::uint64_t births_put_in = 0;
  std::uint64_t frees_left_out = 0;  // of objects that the new trace does not have
  std::uint64_t reallocs_left_out = 0;
  std::uint64_t births_left_out = 0;
};

// Called after each block.
using RewriteProgress = std::function<void()>;

// All that makes sense. Of a valid trace, everything; otherwise without frees and reallocs of what
// is not live and reallocs to 0 bytes, and with threads numbered anew.
RewriteCounts copy_valid(TraceReader& from, TraceWriter& to, const RewriteProgress& progress);

// What is done about objects that were born before a window and live in it.
enum class BornBefore {
  kAtStart,  // they are born at its start, in their order, as large as they are then
  kLeftOut,  // with all that is done to them
};
struct Window {
  std::uint64_t from = 0;  // events
  std::uint64_t to = std::numeric_limits<std::uint64_t>::max();
  BornBefore born_before = BornBefore::kAtStart;
};
// The events of a window. Times stay.
RewriteCounts slice(TraceReader& from, TraceWriter& to, const Window& window,
                    const RewriteProgress& progress);

// The whole lives of the objects whose birth `keep` takes.
RewriteCounts filter(TraceReader& from, TraceWriter& to,
                     const std::function<bool(const Event& birth)>& keep,
                     const RewriteProgress& progress);

struct MergeSource {
  TraceReader* reader;
  std::uint64_t delay_ns = 0;      // added to its times
  std::uint32_t sites_before = 0;  // added to the numbers of its sites (site_merge.h)
};
// By time; of two events at the same time, that of the earlier source comes first.
RewriteCounts merge_by_time(const std::vector<MergeSource>& sources, TraceWriter& to,
                            const RewriteProgress& progress);
// One after the other: each begins when the one before ended, and its delay later.
RewriteCounts concatenate(const std::vector<MergeSource>& sources, TraceWriter& to,
                          const RewriteProgress& progress);

}  // namespace replay
