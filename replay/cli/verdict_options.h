// What `compare` and `ab` have in common on the command line, and how they end.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "replay/report/verdict_report.h"
#include "replay/trace/output_file.h"

namespace replay::cli {

struct VerdictOptions {
  std::vector<std::string> metrics;
  std::string threshold = "2%";
  std::string error_rate = "5%";
  std::string format = "text";
  std::string output;
};

void add_verdict_options(CLI::App& app, VerdictOptions& options);

// "2%" or "0.02". Throws Error (usage) for what is no number above 0 and below 100 %.
double parse_share(const std::string& text, const std::string& option);

Rules rules_of(const VerdictOptions& options);

// What to open for the report.
std::string target_of(const VerdictOptions& options);

// Writes the report, commits the file and returns the exit code: 0, 3 if a metric is worse, 4 if
// one cannot be told.
int write_report(const VerdictReport& report, const VerdictOptions& options, OutputFile& file);

inline constexpr const char* kVerdictExits =
    "Exit status: 0 better or the same, 3 a metric is worse, 4 none is worse but one cannot be\n"
    "told, 1 error, 2 wrong usage.";

}  // namespace replay::cli
