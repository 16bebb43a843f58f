// What there is: registered allocators, metrics, and the formats of convert.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/alloc/registry.h"
#include "replay/cli/command.h"
#include "replay/engine/subject.h"
#include "replay/metrics/metric.h"
#include "replay/trace/exporters/exporter.h"
#include "replay/trace/importers/importer.h"

namespace replay::cli {
namespace {

struct ListOptions {
  bool json = false;
};

nlohmann::ordered_json as_json() {
  nlohmann::ordered_json allocators = nlohmann::ordered_json::array();
  for (const mem::AllocatorEntry& entry : mem::registered_allocators()) {
    allocators.push_back({{"name", entry.name},
                          {"binding", binding_name(entry.binding)},
                          {"summary", entry.summary}});
  }
  nlohmann::ordered_json metrics = nlohmann::ordered_json::array();
  for (const MetricGroup& group : metric_groups()) {
    metrics.push_back({{"name", group.name}, {"summary", group.summary}});
  }
  nlohmann::ordered_json imports = nlohmann::ordered_json::array();
  for (const Importer* importer : importers()) {
    imports.push_back({{"name", importer->name}, {"summary", importer->summary}});
  }
  nlohmann::ordered_json exports = nlohmann::ordered_json::array();
  for (const Exporter* exporter : exporters()) {
    exports.push_back({{"name", exporter->name},
                       {"extension", exporter->extension},
                       {"summary", exporter->summary},
                       {"cannot_hold", exporter->cannot_hold}});
  }
  return {{"allocators", allocators},
          {"metrics", metrics},
          {"importers", imports},
          {"exporters", exports}};
}

int run_list(const ListOptions& options) {
  const nlohmann::ordered_json all = as_json();
  if (options.json) {
    fmt::print("{}\n", all.dump(2));
    return 0;
  }
  fmt::print("Allocators (--allocator NAME, or the path of a .so to preload):\n");
  for (const auto& row : all["allocators"]) {
    fmt::print("  {:<14} {:<11} {}\n", row["name"].get<std::string>(),
               row["binding"].get<std::string>(), row["summary"].get<std::string>());
  }
  fmt::print("\nMetrics:\n");
  for (const auto& row : all["metrics"]) {
    fmt::print("  {:<14} {}\n", row["name"].get<std::string>(), row["summary"].get<std::string>());
  }
  fmt::print("\nFormats that convert reads, by content or --from NAME:\n");
  for (const auto& row : all["importers"]) {
    fmt::print("  {:<18} {}\n", row["name"].get<std::string>(), row["summary"].get<std::string>());
  }
  fmt::print("\nFormats that convert writes, by extension or --to NAME:\n");
  for (const auto& row : all["exporters"]) {
    fmt::print("  {:<8} {:<9} {}\n", row["name"].get<std::string>(),
               row["extension"].get<std::string>(), row["summary"].get<std::string>());
  }
  return 0;
}

}  // namespace

Command setup_list(CLI::App& root) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* app = add_subcommand(root, "list", "Show the allocators, the metrics and the formats");
  app->add_flag("--json", options->json, "As JSON");
  app->footer("Example:\n  allocreplay list --json");
  return {app, [options] { return run_list(*options); }};
}

}  // namespace replay::cli
