// What one subcommand is to main.cc. Each replay/cli/X.cc has an options struct, setup_X(app),
// which declares the options, and run_X(options), which does the work and returns the exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

namespace replay::cli {

struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

// parent.add_subcommand, compiled once: command.cc.
CLI::App* add_subcommand(CLI::App& parent, const char* name, const char* summary);

// As document_text() has it.
void print_json(std::FILE* to, const nlohmann::ordered_json& document);

Command setup_replay(CLI::App& root);    // replay.cc: the tool's own, without a subcommand's name
Command setup_record(CLI::App& root);    // record.cc
Command setup_convert(CLI::App& root);   // convert.cc
Command setup_inspect(CLI::App& root);   // inspect.cc
Command setup_floor(CLI::App& root);     // floor.cc
Command setup_corpus(CLI::App& root);    // corpus.cc
Command setup_generate(CLI::App& root);  // generate.cc
Command setup_list(CLI::App& root);      // list.cc

Command setup_compare(CLI::App& root);  // compare.cc
Command setup_ab(CLI::App& root);       // ab.cc

Command setup_validate(CLI::App& root);   // validate.cc
Command setup_repair(CLI::App& root);     // repair.cc
Command setup_slice(CLI::App& root);      // slice.cc
Command setup_filter(CLI::App& root);     // filter.cc
Command setup_merge(CLI::App& root);      // merge.cc
Command setup_anonymise(CLI::App& root);  // anonymise.cc
Command setup_diff(CLI::App& root);       // diff.cc

}  // namespace replay::cli
