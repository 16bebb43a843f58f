#include "replay/gen/parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cassert>
#include <cstring>

#include "replay/gen/quantity.h"
#include "replay/trace/error.h"

namespace replay::gen {
namespace {

// Is `word` one of those that "fifo|lifo|random" lists?
bool is_among(const std::string& word, const std::string& words) {
  return !word.empty() && word.find('|') == std::string::npos &&
         ("|" + words + "|").find("|" + word + "|") != std::string::npos;
}

}  // namespace

std::string domain_text(const ParameterSpec& spec) {
  switch (spec.kind) {
    case ParameterKind::kNumber:
      return fmt::format("{}, {} to {}", spec.unit, spec.least, spec.greatest);
    case ParameterKind::kPercent:
      return "percent, 0 to 100";
    case ParameterKind::kDistribution:
      return fmt::format("{}, as {}", spec.unit, kDistributionForms);
    default:
      return spec.unit;
  }
}

Parameters::Parameters(const char* generator, std::span<const ParameterSpec> specs,
                       const std::vector<std::string>& settings)
    : generator_(generator) {
  for (const ParameterSpec& spec : specs) values_.push_back({&spec, spec.value, 0, {}});
  for (const std::string& setting : settings) set(setting);
  for (Value& value : values_) evaluate(value);
}

void Parameters::set(const std::string& setting) {
  const std::size_t equals = setting.find('=');
  const std::string name = setting.substr(0, equals);
  std::string known;
  for (Value& value : values_) {
    if (equals != std::string::npos && name == value.spec->name) {
      value.text = setting.substr(equals + 1);
      return;
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", value.spec->name);
  }
  if (equals == std::string::npos) {
    throw Error(fmt::format("'{}' is no parameter; write NAME=VALUE", setting), ExitCode::kUsage);
  }
  throw Error(fmt::format("{} has no parameter '{}'; it has {}", generator_, name, known),
              ExitCode::kUsage);
}

void Parameters::evaluate(Value& value) const {
  const ParameterSpec& spec = *value.spec;
  bool good = false;
  if (spec.kind == ParameterKind::kDistribution) {
    const auto parsed = Distribution::parse(value.text);
    good = parsed.has_value();
    if (good) value.distribution.push_back(*parsed);
  } else if (spec.kind == ParameterKind::kChoice) {
    good = is_among(value.text, spec.unit);
  } else {
    const bool percent = spec.kind == ParameterKind::kPercent;
    const auto parsed = percent ? parse_percent(value.text) : parse_quantity(value.text);
    good = parsed && (percent || (*parsed >= spec.least && *parsed <= spec.greatest));
    if (good) value.number = *parsed;
  }
  if (good) return;
  throw Error(fmt::format("{}: {}={} is out of its domain; {} takes {}", generator_, spec.name,
                          value.text, spec.name, domain_text(spec)),
              ExitCode::kUsage);
}

const Parameters::Value& Parameters::find(const char* name,
                                          [[maybe_unused]] ParameterKind kind) const {
  for (const Value& value : values_) {
    if (std::strcmp(value.spec->name, name) != 0) continue;
    assert(value.spec->kind == kind);
    return value;
  }
  throw Error(fmt::format("{} was asked for '{}', which it does not have", generator_, name));
}

std::uint64_t Parameters::number(const char* name) const {
  return find(name, ParameterKind::kNumber).number;
}

std::uint64_t Parameters::share(const char* name) const {
  return find(name, ParameterKind::kPercent).number;
}

const Distribution& Parameters::distribution(const char* name) const {
  return find(name, ParameterKind::kDistribution).distribution.front();
}

const std::string& Parameters::choice(const char* name) const {
  return find(name, ParameterKind::kChoice).text;
}

void Parameters::require_ascending(const char* least, const char* greatest) const {
  if (number(least) <= number(greatest)) return;
  throw Error(fmt::format("{}: {}={} is beyond {}={}", generator_, least, number(least), greatest,
                          number(greatest)),
              ExitCode::kUsage);
}

void Parameters::require_one_whole(std::initializer_list<const char*> parts) const {
  std::uint64_t sum = 0;
  for (const char* part : parts) sum += share(part);
  if (sum <= kWhole) return;
  throw Error(fmt::format("{}: {} are {:g} % together; they are parts of 100 %", generator_,
                          fmt::join(parts, ", "), static_cast<double>(sum) / kWhole * 100),
              ExitCode::kUsage);
}

nlohmann::ordered_json Parameters::json() const {
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  for (const Value& value : values_) all[value.spec->name] = value.text;
  return all;
}

}  // namespace replay::gen
