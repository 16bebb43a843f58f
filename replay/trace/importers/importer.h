// What an importer is: one format of another tool, recognised by content and turned into calls.
//
// A new format is one new file that defines an Importer, its declaration in formats.h and its row
// in list.cc; `convert`, `list`, the fuzzer and the tests take it from there.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "replay/trace/importers/call_builder.h"
#include "replay/trace/importers/source.h"

namespace replay {

struct Importer {
  std::string_view name;     // of --from: kebab-case
  std::string_view summary;  // the tool or function that writes it
  // Whether an input can be of this format that begins with `head`: up to Source::kHeadBytes, all
  // of it if it is shorter. Must be sure of itself: two that say yes are an error for the user.
  bool (*recognises)(std::string_view head);
  // Gives every call to the builder; Source::fail for what is not of the format. Neither hangs nor
  // allocates more than in proportion to what it read, whatever the input.
  void (*import)(Source& source, CallBuilder& builder);
};

// Every importer, sorted by name.
std::span<const Importer* const> importers();

// Throw Error (usage), which names what there is.
const Importer& importer_of_name(std::string_view name);
const Importer& importer_of_content(Source& source);

}  // namespace replay
