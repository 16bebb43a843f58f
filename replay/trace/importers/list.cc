#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "replay/trace/error.h"
#include "replay/trace/importers/formats.h"

namespace replay {
namespace {

constexpr std::array kImporters = {
    &kAndroidImporter,
    &kAppleReplayImporter,
    &kBytehoundImporter,
    &kChattymallocImporter,
    &kCmtImporter,
    &kCmtTextImporter,
    &kDjTraceImporter,
    &kDjWorkloadImporter,
    &kGperftoolsReplayImporter,
    &kGperftoolsTraceImporter,
    &kHeaptrackImporter,
    &kLogallocImporter,
    &kLtraceImporter,
    &kLttngImporter,
    &kMtraceImporter,
    &kRepImporter,
    &kTextImporter,
    &kValgrindImporter,
    &kWebkitOpsImporter,
};

template <typename Range>
std::string names_of(const Range& range) {
  std::string names;
  for (const Importer* importer : range) {
    names += names.empty() ? "" : ", ";
    names += importer->name;
  }
  return names;
}

}  // namespace

std::span<const Importer* const> importers() { return kImporters; }

const Importer& importer_of_name(std::string_view name) {
  for (const Importer* importer : importers()) {
    if (importer->name == name) return *importer;
  }
  throw Error(fmt::format("no format '{}' can be read; there are: {}", name, names_of(importers())),
              ExitCode::kUsage);
}

const Importer& importer_of_content(Source& source) {
  const std::string head(source.head());
  std::vector<const Importer*> found;
  for (const Importer* importer : importers()) {
    if (importer->recognises(head)) found.push_back(importer);
  }
  if (found.size() == 1) return *found.front();
  if (found.empty()) {
    throw Error(fmt::format(
        "{}: {}; --from NAME reads it all the same, with NAME one of: {}", source.name(),
        head.empty() ? "is empty" : "is of no format known by its content", names_of(importers())));
  }
  throw Error(fmt::format("{}: could be of several formats; say which by --from: {}", source.name(),
                          names_of(found)));
}

}  // namespace replay
