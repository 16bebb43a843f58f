// Two result documents, of two sessions, made comparable: whether they may be compared at all, in
// what they differ, and which samples of one stand against which of the other.
// Stateless; linear in the documents.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "replay/report/recorded.h"
#include "replay/report/verdict_report.h"

namespace replay {

// Reasons not to compare; each can be allowed by its name.
inline constexpr const char* kObjections[] = {"schema",    "trace",   "config", "debug",
                                              "allocator", "binding", "drift"};

struct Objection {
  std::string name;  // of kObjections
  std::string text;
};

// Of the documents as wholes: schema, trace, config, debug.
std::vector<Objection> objections(const RecordedResult& baseline, const RecordedResult& subject);

// Facts of host, build and libraries; the date is none.
std::vector<ContextDifference> context_differences(const RecordedResult& baseline,
                                                   const RecordedResult& subject);

// One table, without verdicts, for each allocator that both sessions measured, the reference
// aside: glibc under the same binding, if both have it. If the two have no allocator in common but
// that, but each has a single other one, those two: an objection to be allowed by "allocator", and
// by "binding" too if that differs. Throws Error if there is nothing to compare.
//
// Which figure of the reference stands beside which: reference_metric.h. A session that was
// disturbed shows it in most of the reference's times, but not in all of them: a median may stand
// still while tails move. So every time is allowed the upper quartile of what all times of the
// reference drifted that say which way is better, if the figure it stands beside drifted less.
//
// Metrics: those that both sides have, in the same unit, and that say which way is better; others
// of those are named in `unpaired`, and those that have a value in no repetition of either in
// `without_value`.
std::vector<VerdictTable> pair_sessions(const RecordedResult& baseline,
                                        const RecordedResult& subject,
                                        const std::set<std::string>& allowed);

// Leaves the metrics of each table that match any of the patterns, in which * stands for anything;
// without patterns all. Throws Error (wrong usage) of a pattern that matches none of any table:
// what a misspelt one was to guard would go unjudged.
void keep_wanted(const std::vector<std::vector<MetricSamples>*>& tables,
                 const std::vector<std::string>& patterns);

// Whether it has no value in any repetition of either side, as a share of nothing has none.
bool is_without_value(const MetricSamples& metric);

}  // namespace replay
