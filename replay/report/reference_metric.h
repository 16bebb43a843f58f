// Which figures of the reference show what two sessions did to a metric of another allocator.
// Stateless.
#pragma once

#include "replay/report/recorded.h"

namespace replay {

struct ReferenceMetric {
  const Metric* baseline = nullptr;  // both or neither
  const Metric* subject = nullptr;
};

// The reference's own metric of that name; neither if a session lacks it. Of a quantile of
// latencies (latency_ns_malloc_p999) that the reference has at ten times the latency or a tenth, or
// not in every repetition, it is that quantile of the same calls of the reference which takes about
// as long: a session is disturbed by what calls wait for, and where one in a thousand waits for the
// cache under one allocator, it may wait for a page fault under the other, while one in a hundred
// waits for the cache. O(metrics).
ReferenceMetric reference_metric(const Metric& baseline, const Metric& subject,
                                 const RecordedAllocator& baseline_reference,
                                 const RecordedAllocator& subject_reference);

}  // namespace replay
