#include "replay/report/side_by_side.h"

#include <algorithm>
#include <limits>
#include <random>

#include "replay/report/sessions.h"

namespace replay {
namespace {

const Metric* find(const std::vector<Metric>& metrics, const std::string& key) {
  const auto found = std::find_if(metrics.begin(), metrics.end(),
                                  [&](const Metric& metric) { return metric.key == key; });
  return found == metrics.end() ? nullptr : &*found;
}

// Sorts out what is to be judged, by the first repetition.
void choose_metrics(const OneRepetition& first, const std::vector<std::string>& patterns,
                    SideBySide& result) {
  for (const Metric& metric : first.subject) {
    const Metric* other = find(first.baseline, metric.key);
    if (metric.better == Better::kNone || other == nullptr) continue;
    if (is_without_value(
            {metric.key, metric.unit, metric.better, metric.samples, other->samples})) {
      result.without_value.push_back(metric.key);
    } else {
      result.samples.push_back({metric.key, metric.unit, metric.better, {}, {}});
    }
  }
  keep_wanted({&result.samples}, patterns);
}

std::vector<std::string> unpaired_metrics(const OneRepetition& first) {
  std::vector<std::string> keys;
  const auto note = [&](const std::vector<Metric>& metrics, const std::vector<Metric>& others) {
    for (const Metric& metric : metrics) {
      if (metric.better != Better::kNone && find(others, metric.key) == nullptr) {
        keys.push_back(metric.key);
      }
    }
  };
  note(first.baseline, first.subject);
  note(first.subject, first.baseline);
  return keys;
}

void append(std::vector<MetricSamples>& samples, const OneRepetition& repetition) {
  for (MetricSamples& metric : samples) {
    const Metric* subject = find(repetition.subject, metric.key);
    const Metric* baseline = find(repetition.baseline, metric.key);
    const double none = std::numeric_limits<double>::quiet_NaN();
    metric.subject.push_back(subject == nullptr ? none : subject->samples.front());
    metric.baseline.push_back(baseline == nullptr ? none : baseline->samples.front());
  }
}

// A metric that would need so many times the repetitions that are allowed is given up, but not
// before half of them: early estimates are too rough to go by.
constexpr int kHopeless = 4;

// Whether going on to `most` repetitions cannot be expected to tell anything more.
bool is_clear(const std::vector<MetricVerdict>& verdicts, int repetitions, int most) {
  return std::all_of(verdicts.begin(), verdicts.end(), [&](const MetricVerdict& verdict) {
    if (verdict.verdict != Verdict::kCannotTell) return true;
    if (2 * repetitions < most) return false;
    return !verdict.more_repetitions || repetitions + *verdict.more_repetitions > kHopeless * most;
  });
}

}  // namespace

SideBySide run_side_by_side(const SideBySideOptions& options, const MeasureRepetition& measure) {
  std::mt19937_64 random(options.seed);
  Trial trial(Design::kPaired, options.rules);
  SideBySide result;
  Turn turn;
  std::size_t next_look = 0;
  while (result.repetitions < options.most_repetitions) {
    turn.repetition = result.repetitions;
    turn.subject_first = (random() >> 63U) != 0;
    const OneRepetition repetition = measure(turn);
    if (result.repetitions == 0) {
      choose_metrics(repetition, options.metrics, result);
      for (const MetricSamples& metric : result.samples) turn.keys.push_back(metric.key);
      result.unpaired = unpaired_metrics(repetition);
      result.looks =
          plan_looks(options.most_repetitions, result.samples.size(), options.rules.alpha);
    }
    append(result.samples, repetition);
    ++result.repetitions;
    if (result.repetitions < result.looks[next_look].repetitions) continue;
    trial.look(result.samples, result.looks[next_look].weight);
    ++next_look;
    if (is_clear(trial.verdicts(false), result.repetitions, options.most_repetitions)) break;
  }
  result.verdicts = trial.verdicts(options.intervals);
  return result;
}

}  // namespace replay
