// What an exporter is: one format that a trace can be written in.
//
// A new format is one new file that defines an Exporter, its declaration in formats.h and its row
// in list.cc; `convert` and `list` take it from there.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "replay/trace/event_sink.h"

namespace replay {

struct Exporter {
  std::string_view name;       // of --to: kebab-case
  std::string_view extension;  // of a file that is to be of this format, with its dot
  std::string_view summary;
  std::string_view cannot_hold;  // of a trace; "" if it holds all
  // "-" is stdout. Throws Error, also where the format cannot be written to a stream.
  std::unique_ptr<EventSink> (*open)(const std::string& path);
};

// Every exporter, sorted by name.
std::span<const Exporter* const> exporters();

// Throw Error (usage), which names what there is.
const Exporter& exporter_of_name(std::string_view name);
const Exporter& exporter_of_path(const std::string& path);

}  // namespace replay
