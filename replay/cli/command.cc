// The only file but main.cc that makes a CLI::App: its constructor alone has the compiler make all
// of CLI11, which is header-only, and that takes many times as long as a subcommand's own code.
#include "replay/cli/command.h"

#include <fmt/format.h>

#include "replay/report/json.h"

namespace replay::cli {

CLI::App* add_subcommand(CLI::App& parent, const char* name, const char* summary) {
  return parent.add_subcommand(name, summary);
}

void print_json(std::FILE* to, const nlohmann::ordered_json& document) {
  fmt::print(to, "{}", document_text(document));
}

}  // namespace replay::cli
