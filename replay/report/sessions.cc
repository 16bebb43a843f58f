#include "replay/report/sessions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <cmath>

#include "replay/report/json.h"
#include "replay/report/reference_metric.h"

namespace replay {
namespace {

using nlohmann::ordered_json;

constexpr const char* kReference = "glibc";
constexpr const char* kNotSaid = "(not said)";

std::string shown(const ordered_json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// "a.b.c" -> value, for all that is no object itself.
void flatten(const std::string& prefix, const ordered_json& value,
             std::vector<std::pair<std::string, std::string>>& out) {
  if (!value.is_object()) {
    out.emplace_back(prefix, shown(value));
    return;
  }
  for (const auto& [key, inner] : value.items()) {
    flatten(prefix.empty() ? key : prefix + '.' + key, inner, out);
  }
}

std::string find_or(const std::vector<std::pair<std::string, std::string>>& facts,
                    const std::string& key) {
  for (const auto& [name, value] : facts) {
    if (name == key) return value;
  }
  return kNotSaid;
}

// A null says no more than a key that is not there, as in documents older than the key.
std::string fact(const ordered_json& object, const char* key) {
  const bool said = object.contains(key) && !object[key].is_null();
  return said ? shown(object[key]) : kNotSaid;
}

bool is_streamed(const RecordedResult& result) {
  return fact(result.config, "plan_streamed") == "true";
}

bool took_times(const RecordedResult& result) { return fact(result.config, "timer") != kNotSaid; }

std::string debug_build(const RecordedResult& result) {
  const ordered_json build = result.context.value("build", ordered_json::object());
  if (build.value("assertions", false)) return "with assertions";
  if (const std::string with = build.value("sanitizers", ""); !with.empty()) return "with " + with;
  const std::string type = build.value("build_type", "Release");
  return type == "Release" ? "" : "of type " + type;
}

int repetitions(const RecordedAllocator& allocator) {
  std::size_t most = 0;
  for (const Metric& metric : allocator.metrics) most = std::max(most, metric.samples.size());
  return static_cast<int>(most);
}

// How far the times of the reference went from one session to the other, as a logarithm: three
// quarters of them went less.
double session_drift(const RecordedAllocator& baseline, const RecordedAllocator& subject) {
  std::vector<double> drifts;
  for (const Metric& metric : subject.metrics) {
    const Metric* before = baseline.find(metric.key);
    if (!is_time(metric.unit) || metric.better == Better::kNone || before == nullptr) continue;
    const double drift = std::log(median(metric.samples) / median(before->samples));
    if (std::isfinite(drift)) drifts.push_back(std::abs(drift));
  }
  if (drifts.empty()) return 0;
  std::sort(drifts.begin(), drifts.end());
  return drifts[drifts.size() * 3 / 4];
}

VerdictTable pair(const RecordedAllocator& baseline, const RecordedAllocator& subject,
                  const RecordedAllocator* baseline_reference,
                  const RecordedAllocator* subject_reference) {
  VerdictTable table;
  table.subject = subject.name;
  table.baseline = baseline.name;
  table.binding = baseline.binding == subject.binding ? subject.binding
                                                      : baseline.binding + ", " + subject.binding;
  if (baseline_reference != nullptr && subject_reference != nullptr) table.reference = kReference;
  table.subject_repetitions = repetitions(subject);
  table.baseline_repetitions = repetitions(baseline);
  for (const Metric& metric : baseline.metrics) {
    if (metric.better != Better::kNone && subject.find(metric.key) == nullptr) {
      table.unpaired.push_back(metric.key);
    }
  }
  for (const Metric& metric : subject.metrics) {
    if (metric.better == Better::kNone) continue;
    const Metric* other = baseline.find(metric.key);
    if (other == nullptr || metric.unit != other->unit) {
      table.unpaired.push_back(metric.key);
      continue;
    }
    MetricSamples samples{metric.key, metric.unit, metric.better, metric.samples, other->samples};
    if (is_without_value(samples)) {
      table.without_value.push_back(metric.key);
      continue;
    }
    samples.exact = subject.exact.contains(metric.key) && baseline.exact.contains(metric.key);
    if (!table.reference.empty() && !samples.exact) {
      const ReferenceMetric reference =
          reference_metric(*other, metric, *baseline_reference, *subject_reference);
      if (reference.subject != nullptr) {
        samples.reference_key = reference.subject->key;
        samples.subject_reference = reference.subject->samples;
        samples.baseline_reference = reference.baseline->samples;
      }
    }
    table.samples.push_back(std::move(samples));
  }
  if (!table.reference.empty()) {
    const double drift = session_drift(*baseline_reference, *subject_reference);
    for (MetricSamples& samples : table.samples) {
      if (is_time(samples.unit)) samples.session_drift = drift;
    }
  }
  return table;
}

std::vector<const RecordedAllocator*> subjects_of(const RecordedResult& result) {
  std::vector<const RecordedAllocator*> found;
  for (const RecordedAllocator& allocator : result.allocators) {
    if (allocator.name != kReference) found.push_back(&allocator);
  }
  return found;
}

void require(bool holds, const std::string& objection, const std::set<std::string>& allowed,
             const std::string& text) {
  if (!holds && !allowed.contains(objection)) {
    throw Error(fmt::format("{}; --allow {} compares all the same", text, objection));
  }
}

}  // namespace

std::vector<Objection> objections(const RecordedResult& baseline, const RecordedResult& subject) {
  std::vector<Objection> found;
  for (const RecordedResult* result : {&baseline, &subject}) {
    const std::string known = std::string(kSchemaVersion).substr(0, 1);
    if (result->schema_major() != known) {
      found.push_back({"schema", fmt::format("{}: schema version {} is unknown, this reads {}.x",
                                             result->path, result->schema_version, known)});
    }
    if (const std::string how = debug_build(*result); !how.empty()) {
      found.push_back(
          {"debug", fmt::format("{}: measured with a build {}, whose times mean nothing",
                                result->path, how)});
    }
  }
  for (const char* key : {"sha256", "first_event", "last_event"}) {
    if (fact(baseline.trace, key) != fact(subject.trace, key)) {
      found.push_back({"trace", fmt::format("the traces differ: {} {} in {}, {} in {}", key,
                                            fact(baseline.trace, key), baseline.path,
                                            fact(subject.trace, key), subject.path)});
      break;
    }
  }
  std::vector<const char*> keys = {"cost", "touch", "threads_replayed", "concurrency", "pace"};
  if (took_times(baseline) && took_times(subject)) {
    keys.insert(keys.end(), {"timer", "percentiles"});
  }
  // Threads of a streamed plan meet at the end of each window; one alone does the same work anyway.
  if (baseline.config.value("threads_at_once", 1) > 1) {
    const bool both = is_streamed(baseline) && is_streamed(subject);
    keys.push_back(both ? "plan_window_bytes" : "plan_streamed");
  }
  for (const char* key : keys) {
    if (fact(baseline.config, key) != fact(subject.config, key)) {
      found.push_back(
          {"config", fmt::format("they were measured differently: {} {} in {}, {} in {}", key,
                                 fact(baseline.config, key), baseline.path,
                                 fact(subject.config, key), subject.path)});
    }
  }
  return found;
}

std::vector<ContextDifference> context_differences(const RecordedResult& baseline,
                                                   const RecordedResult& subject) {
  std::vector<std::pair<std::string, std::string>> before;
  std::vector<std::pair<std::string, std::string>> after;
  flatten("", baseline.context, before);
  flatten("", subject.context, after);
  std::vector<std::string> keys;
  for (const auto* facts : {&before, &after}) {
    for (const auto& [key, value] : *facts) {
      if (key != "date" && std::find(keys.begin(), keys.end(), key) == keys.end()) {
        keys.push_back(key);
      }
    }
  }
  std::vector<ContextDifference> found;
  for (const std::string& key : keys) {
    const std::string a = find_or(before, key);
    const std::string b = find_or(after, key);
    if (a != b) found.push_back({key, a, b});
  }
  return found;
}

std::vector<VerdictTable> pair_sessions(const RecordedResult& baseline,
                                        const RecordedResult& subject,
                                        const std::set<std::string>& allowed) {
  const auto before = subjects_of(baseline);
  const auto after = subjects_of(subject);
  std::vector<VerdictTable> tables;
  for (const RecordedAllocator* allocator : after) {
    const std::string& binding = allocator->binding;
    if (const RecordedAllocator* other = baseline.find(allocator->name, binding)) {
      tables.push_back(pair(*other, *allocator, baseline.find(kReference, binding),
                            subject.find(kReference, binding)));
    }
  }
  if (!tables.empty()) return tables;
  if (before.size() == 1 && after.size() == 1) {
    const RecordedAllocator& a = *before.front();
    const RecordedAllocator& b = *after.front();
    require(a.name == b.name, "allocator", allowed,
            fmt::format("{} is of {}, {} of {}", baseline.path, a.name, subject.path, b.name));
    require(a.binding == b.binding, "binding", allowed,
            fmt::format("{} was measured {}, {} {}", a.name, a.binding, b.name, b.binding));
    return {pair(a, b, baseline.find(kReference, a.binding), subject.find(kReference, b.binding))};
  }
  if (before.empty() && after.empty()) {
    for (const RecordedAllocator& allocator : subject.allocators) {
      if (const auto* other = baseline.find(allocator.name, allocator.binding)) {
        tables.push_back(pair(*other, allocator, nullptr, nullptr));
      }
    }
    if (!tables.empty()) return tables;
  }
  throw Error(fmt::format("{} and {} have no allocator under the same binding in common to compare",
                          baseline.path, subject.path));
}

void keep_wanted(const std::vector<std::vector<MetricSamples>*>& tables,
                 const std::vector<std::string>& patterns) {
  if (patterns.empty()) return;
  const auto matches = [](const std::string& pattern, const std::string& key) {
    return ::fnmatch(pattern.c_str(), key.c_str(), 0) == 0;
  };
  std::set<std::string> keys;
  for (const std::vector<MetricSamples>* table : tables) {
    for (const MetricSamples& metric : *table) keys.insert(metric.key);
  }
  for (const std::string& pattern : patterns) {
    if (std::none_of(keys.begin(), keys.end(),
                     [&](const std::string& key) { return matches(pattern, key); })) {
      throw Error(
          fmt::format("--metric {}: there is no such metric of both to judge; there are: {}",
                      pattern, fmt::join(keys, ", ")),
          ExitCode::kUsage);
    }
  }
  for (std::vector<MetricSamples>* table : tables) {
    std::erase_if(*table, [&](const MetricSamples& metric) {
      return std::none_of(patterns.begin(), patterns.end(),
                          [&](const std::string& pattern) { return matches(pattern, metric.key); });
    });
  }
}

bool is_without_value(const MetricSamples& metric) {
  const auto none = [](const std::vector<double>& samples) {
    return std::all_of(samples.begin(), samples.end(), [](double x) { return std::isnan(x); });
  };
  return none(metric.subject) && none(metric.baseline);
}

}  // namespace replay
