#include <fmt/format.h>

#include <array>

#include "replay/trace/error.h"
#include "replay/trace/exporters/formats.h"

namespace replay {
namespace {

constexpr std::array kExporters = {
    &kAndroidExporter, &kCsvExporter, &kNpyExporter, &kRepExporter, &kTextExporter, &kTraceExporter,
};

std::string known() {
  std::string text;
  for (const Exporter* exporter : exporters()) {
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", exporter->name, exporter->extension);
  }
  return text;
}

}  // namespace

std::span<const Exporter* const> exporters() { return kExporters; }

const Exporter& exporter_of_name(std::string_view name) {
  for (const Exporter* exporter : exporters()) {
    if (exporter->name == name) return *exporter;
  }
  throw Error(fmt::format("no format '{}' can be written; there are: {}", name, known()),
              ExitCode::kUsage);
}

const Exporter& exporter_of_path(const std::string& path) {
  for (const Exporter* exporter : exporters()) {
    if (path.ends_with(exporter->extension)) return *exporter;
  }
  throw Error(fmt::format("{}: the name does not say which format is wanted; give it an extension "
                          "or --to NAME, of: {}",
                          path, known()),
              ExitCode::kUsage);
}

}  // namespace replay
