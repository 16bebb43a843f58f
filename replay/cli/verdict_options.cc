#include "replay/cli/verdict_options.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>

#include "replay/trace/error.h"

namespace replay::cli {

void add_verdict_options(CLI::App& app, VerdictOptions& options) {
  app.add_option("-m,--metric", options.metrics,
                 "Judge these metrics only; * stands for anything, may be given several times")
      ->type_name("NAME");
  app.add_option("--threshold", options.threshold, "A smaller difference is none that matters")
      ->type_name("SHARE")
      ->capture_default_str();
  app.add_option("--error-rate", options.error_rate,
                 "How often equal allocators may be called different, in any metric")
      ->type_name("SHARE")
      ->capture_default_str();
  std::vector<std::string> names;
  for (const VerdictFormat& format : verdict_formats()) names.emplace_back(format.name);
  app.add_option("-f,--format", options.format, "How to write the verdict")
      ->type_name(CLI::detail::join(names, "|"))
      ->capture_default_str()
      ->check(CLI::IsMember(names).description(""));
  app.add_option("-o,--output", options.output,
                 "Write it to this file, whole or not at all [standard output]")
      ->type_name("FILE");
}

double parse_share(const std::string& text, const std::string& option) {
  const bool percent = text.ends_with('%');
  const char* end = text.data() + text.size() - (percent ? 1 : 0);
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (percent) value /= 100;
  if (error != std::errc() || stop != end || !(value > 0) || !(value < 1)) {
    throw Error(fmt::format("{} {}: expected a share such as 2% or 0.02", option, text),
                ExitCode::kUsage);
  }
  return value;
}

Rules rules_of(const VerdictOptions& options) {
  Rules rules;
  rules.threshold = parse_share(options.threshold, "--threshold");
  rules.alpha = parse_share(options.error_rate, "--error-rate");
  return rules;
}

std::string target_of(const VerdictOptions& options) {
  return options.output.empty() ? "-" : options.output;
}

int write_report(const VerdictReport& report, const VerdictOptions& options, OutputFile& file) {
  for (const VerdictFormat& format : verdict_formats()) {
    if (options.format != format.name) continue;
    file.append(format.render(report));
    file.commit();
  }
  return static_cast<int>(report.exit_code());
}

}  // namespace replay::cli
