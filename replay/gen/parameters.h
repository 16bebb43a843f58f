// What a generator can be told: the declaration of each parameter and the values of one run.
//
// Not thread-safe. Errors are of usage and name the generator, the parameter and what it takes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "replay/gen/distribution.h"

namespace replay::gen {

enum class ParameterKind { kNumber, kPercent, kDistribution, kChoice };

struct ParameterSpec {
  const char* name;
  ParameterKind kind;
  const char* value;  // the default, as a user would write it
  const char* unit;   // "events", "bytes", ...; of a choice: its words, as "fifo|lifo"
  const char* summary;
  std::uint64_t least = 0;  // of a number
  std::uint64_t greatest = 0;
};

class Parameters {
 public:
  // `settings` are texts "name=value"; what is not among them has its default. Throws Error.
  Parameters(const char* generator, std::span<const ParameterSpec> specs,
             const std::vector<std::string>& settings);

  // pre: the generator has a parameter of this name and kind.
  std::uint64_t number(const char* name) const;
  std::uint64_t share(const char* name) const;  // of a percent, in parts per million
  const Distribution& distribution(const char* name) const;
  const std::string& choice(const char* name) const;

  // For pairs of numbers that are a range. Throws Error (usage) if `least` is beyond `greatest`.
  void require_ascending(const char* least, const char* greatest) const;
  // For percents that are parts of one whole. Throws Error (usage) if they are more than that.
  void require_one_whole(std::initializer_list<const char*> parts) const;

  // Every parameter with the value it has, defaults too, as text.
  nlohmann::ordered_json json() const;

 private:
  struct Value {
    const ParameterSpec* spec;
    std::string text;
    std::uint64_t number = 0;
    std::vector<Distribution> distribution;  // one if it is of that kind
  };

  const Value& find(const char* name, ParameterKind kind) const;
  void set(const std::string& setting);
  void evaluate(Value& value) const;

  std::string generator_;
  std::vector<Value> values_;
};

// What a parameter takes, for help and errors: "events, 1 to 1000000".
std::string domain_text(const ParameterSpec& spec);

}  // namespace replay::gen
