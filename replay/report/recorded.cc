#include "replay/report/recorded.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>

#include "replay/report/json.h"
#include "replay/trace/error.h"
#include "replay/trace/parse_json.h"

namespace replay {
namespace {

using nlohmann::ordered_json;

constexpr const char* kMalformed = "an incomplete or malformed result";

std::string read_text(const std::string& path) {
  if (path == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream file(path, std::ios::binary);
  std::string text;
  bool whole = file.is_open();
  try {
    text.assign(std::istreambuf_iterator<char>(file), {});
  } catch (const std::ios_base::failure&) {  // of a directory
    whole = false;
  }
  if (!whole) throw system_error("cannot read " + path);
  return text;
}

double number(const ordered_json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

Better better_of(const std::string& name) {
  return name == "higher" ? Better::kHigher : name == "lower" ? Better::kLower : Better::kNone;
}

RecordedAllocator allocator_of(const ordered_json& document) {
  RecordedAllocator allocator{document.at("allocator"), document.at("binding"), {}, {}};
  for (const auto& [key, value] : document.at("metrics").items()) {
    Metric metric{key, value.at("unit"), better_of(value.at("better")), {}};
    for (const ordered_json& sample : value.at("samples")) {
      metric.samples.push_back(number(sample));
    }
    if (value.value("exact", false)) allocator.exact.insert(key);
    allocator.metrics.push_back(std::move(metric));
  }
  return allocator;
}

}  // namespace

const Metric* RecordedAllocator::find(const std::string& key) const {
  for (const Metric& metric : metrics) {
    if (metric.key == key) return &metric;
  }
  return nullptr;
}

std::string RecordedResult::schema_major() const {
  return schema_version.substr(0, schema_version.find('.'));
}

const RecordedAllocator* RecordedResult::find(const std::string& name,
                                              const std::string& binding) const {
  for (const RecordedAllocator& allocator : allocators) {
    if (allocator.name == name && allocator.binding == binding) return &allocator;
  }
  return nullptr;
}

RecordedResult read_result(const std::string& path) {
  const std::string name = path == "-" ? "standard input" : path;
  ordered_json document;
  try {
    document = parse_json(read_text(path));
  } catch (const JsonFault& fault) {
    throw Error(fmt::format("{}: {} at byte {}; expected a result of allocreplay --output", name,
                            fault.what(), fault.byte));
  }
  if (!document.is_object() || document.value("schema", ordered_json()) != kSchemaName) {
    throw Error(
        fmt::format("{}: not a result of allocreplay (no \"schema\": \"{}\")", name, kSchemaName));
  }
  try {
    RecordedResult result{name,
                          document.at("schema_version"),
                          document.at("context"),
                          document.at("trace"),
                          document.at("config"),
                          {}};
    for (const ordered_json* part : {&result.context, &result.trace, &result.config}) {
      if (!part->is_object()) throw Error(fmt::format("{}: {}", name, kMalformed));
    }
    for (const ordered_json& allocator : document.at("results")) {
      RecordedAllocator one = allocator_of(allocator);
      if (result.find(one.name, one.binding) != nullptr) {
        throw Error(fmt::format("{}: results of two allocators called {} ({}); expected one", name,
                                one.name, one.binding));
      }
      result.allocators.push_back(std::move(one));
    }
    return result;
  } catch (const ordered_json::exception& error) {
    const std::string_view what = error.what();  // "[json.exception.type_error.302] type must ..."
    throw Error(fmt::format("{}: {}: {}", name, kMalformed, what.substr(what.find("] ") + 2)));
  }
}

}  // namespace replay
