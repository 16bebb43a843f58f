// The corpus of traces: what it holds, and whether the files are what its manifest says.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "replay/cli/command.h"
#include "replay/cli/progress_bar.h"
#include "replay/engine/subject.h"
#include "replay/trace/corpus.h"
#include "replay/trace/error.h"

namespace replay::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kWhere =
    "The corpus is the folder of --traces; else the first folder \"traces\" with a MANIFEST.json\n"
    "in the current folder or in one above the program.\n\n";

constexpr const char* kListExamples =
    "Examples:\n"
    "  allocreplay corpus list\n"
    "  allocreplay corpus list --tsv | cut -f 1,3\n"
    "  allocreplay corpus list --json --traces my/traces\n";

constexpr const char* kVerifyExamples =
    "Each trace's size and SHA-256, its header, the order and sense of every event, and the "
    "figures\n"
    "of the manifest are checked; a trace without an entry is a fault too.\n\n"
    "Examples:\n"
    "  allocreplay corpus verify\n"
    "  allocreplay corpus verify redis.trace small.trace\n"
    "  allocreplay corpus verify --json > verdicts.json\n\n"
    "Exit status: 0 all is well; 1 a fault, or the manifest cannot be used; 2 wrong usage.\n";

struct CorpusListOptions {
  std::string folder;
  bool json = false;
  bool tsv = false;
  bool markdown = false;
};

struct VerifyOptions {
  std::string folder;
  std::vector<std::string> names;
  bool json = false;
};

std::string find_folder() {
  std::vector<fs::path> candidates = {"traces"};
  for (fs::path at = program_directory(); at.has_relative_path(); at = at.parent_path()) {
    candidates.push_back(at / "traces");
  }
  for (const fs::path& candidate : candidates) {
    if (fs::exists(candidate / kManifestName)) return candidate.string();
  }
  throw Error(
      fmt::format("no folder \"traces\" with a {} here or above {}; name it with --traces DIR",
                  kManifestName, program_directory()));
}

Corpus corpus_of(const std::string& folder) {
  return read_corpus(folder.empty() ? find_folder() : folder);
}

double millions(std::uint64_t count) { return static_cast<double>(count) / 1e6; }

std::string share_text(const CorpusEntry& entry) {
  return entry.cross_thread_frees == 0 ? "-"
                                       : fmt::format("{:.1f} %", 100 * entry.cross_thread_share());
}

void print_table(const Corpus& corpus) {
  constexpr const char* kLine = "{:<20} {:>9} {:>7} {:>10} {:>12} {:>9}  {}\n";
  fmt::print(kLine, "trace", "events/M", "threads", "peak/MB", "cross-thread", "B/event",
             "program");
  std::uint64_t bytes = 0;
  std::uint64_t events = 0;
  for (const CorpusEntry& entry : corpus.entries) {
    fmt::print(kLine, entry.file, fmt::format("{:.2f}", millions(entry.events)), entry.threads,
               fmt::format("{:.1f}", millions(entry.peak_live_bytes)), share_text(entry),
               fmt::format("{:.2f}", entry.bytes_per_event()), entry.program);
    bytes += entry.bytes;
    events += entry.events;
  }
  fmt::print("{} traces, {:.1f} million events, {:.1f} MB in {}\n", corpus.entries.size(),
             millions(events), millions(bytes), corpus.folder);
}

void print_tsv(const Corpus& corpus) {
  fmt::print(
      "file\tbytes\tevents\tobjects\tthreads\tpeak_live_bytes\tfrees\tcross_thread_frees\t"
      "bytes_per_event\tsha256\tprogram\tpackages\n");
  for (const CorpusEntry& entry : corpus.entries) {
    fmt::print("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{:.4f}\t{}\t{}\t{}\n", entry.file, entry.bytes,
               entry.events, entry.objects, entry.threads, entry.peak_live_bytes, entry.frees,
               entry.cross_thread_frees, entry.bytes_per_event(), entry.sha256, entry.program,
               fmt::join(entry.packages, ", "));
  }
}

// The table of traces/README.md.
void print_markdown(const Corpus& corpus) {
  fmt::print(
      "| trace | program | millions of events | threads | most bytes live | freed by another "
      "thread | bytes per event | recorded from |\n|---|---|---:|---:|---:|---:|---:|---|\n");
  for (const CorpusEntry& entry : corpus.entries) {
    fmt::print("| `{}` | {} | {:.2f} | {} | {:.1f} MB | {} | {:.2f} | {} |\n", entry.file,
               entry.program, millions(entry.events), entry.threads,
               millions(entry.peak_live_bytes), share_text(entry), entry.bytes_per_event(),
               fmt::join(entry.packages, ", "));
  }
}

Json list_document(const Corpus& corpus) {
  Json traces = Json::array();
  for (const CorpusEntry& entry : corpus.entries) {
    traces.push_back(entry.row);
    traces.back()["bytes_per_event"] = entry.bytes_per_event();
  }
  return {{"schema", "allocreplay-corpus"},
          {"schema_version", "1.0"},
          {"folder", corpus.folder},
          {"traces", traces}};
}

int run_corpus_list(const CorpusListOptions& options) {
  const Corpus corpus = corpus_of(options.folder);
  if (options.json) {
    print_json(stdout, list_document(corpus));
  } else if (options.tsv) {
    print_tsv(corpus);
  } else if (options.markdown) {
    print_markdown(corpus);
  } else {
    print_table(corpus);
  }
  return static_cast<int>(ExitCode::kOk);
}

struct Verdict {
  std::string file;
  std::uint64_t events = 0;
  std::vector<std::string> faults;
};

void print_verdict(const Verdict& verdict) {
  if (verdict.faults.empty()) {
    fmt::print("ok     {}: {} events\n", verdict.file, verdict.events);
  }
  for (const std::string& fault : verdict.faults) {
    fmt::print("FAULT  {}: {}\n", verdict.file, fault);
  }
  std::fflush(stdout);
}

// The entries named, or all of them.
std::vector<CorpusEntry> chosen(const Corpus& corpus, const std::vector<std::string>& names) {
  if (names.empty()) return corpus.entries;
  std::vector<CorpusEntry> entries;
  for (const std::string& name : names) entries.push_back(corpus.entry(name));
  return entries;
}

std::vector<Verdict> verify(const Corpus& corpus, const VerifyOptions& options) {
  const std::vector<CorpusEntry> entries = chosen(corpus, options.names);
  double all = 0;
  for (const CorpusEntry& entry : entries) all += static_cast<double>(entry.events);
  std::vector<Verdict> verdicts;
  const auto add = [&](Verdict verdict) {
    if (!options.json) print_verdict(verdict);
    verdicts.push_back(std::move(verdict));
  };
  double before = 0;
  // One bar a trace, so that a verdict's line never meets a bar; the share is of the whole.
  for (const CorpusEntry& entry : entries) {
    std::vector<std::string> faults;
    {
      ProgressBar bar(true);
      faults = faults_of(corpus, entry, [&](std::uint64_t events) {
        bar.update((before + static_cast<double>(events)) / all, entry.file);
      });
    }
    before += static_cast<double>(entry.events);
    add({entry.file, entry.events, std::move(faults)});
  }
  if (options.names.empty()) {
    for (const std::string& file : strangers(corpus)) {
      add({file, 0, {fmt::format("has no entry in {}", kManifestName)}});
    }
  }
  return verdicts;
}

int run_verify(const VerifyOptions& options) {
  const Corpus corpus = corpus_of(options.folder);
  const std::vector<Verdict> verdicts = verify(corpus, options);
  const auto faulty = std::count_if(verdicts.begin(), verdicts.end(),
                                    [](const Verdict& verdict) { return !verdict.faults.empty(); });
  if (options.json) {
    Json traces = Json::array();
    for (const Verdict& verdict : verdicts) {
      traces.push_back({{"file", verdict.file},
                        {"ok", verdict.faults.empty()},
                        {"events", verdict.events},
                        {"faults", verdict.faults}});
    }
    const Json document = {{"schema", "allocreplay-corpus-verify"},
                           {"schema_version", "1.0"},
                           {"folder", corpus.folder},
                           {"traces", traces}};
    print_json(stdout, document);
  }
  if (faulty != 0) {
    throw Error(fmt::format("{}: {} of {} traces are not what {} says", corpus.folder, faulty,
                            verdicts.size(), kManifestName));
  }
  return static_cast<int>(ExitCode::kOk);
}

void add_folder_option(CLI::App* app, std::string* folder) {
  app->add_option("--traces", *folder, "The corpus: a folder with a MANIFEST.json")
      ->type_name("DIR");
}

}  // namespace

Command setup_corpus(CLI::App& root) {
  auto list = std::make_shared<CorpusListOptions>();
  auto verify_options = std::make_shared<VerifyOptions>();
  CLI::App* app = add_subcommand(root, "corpus", "List the corpus of recorded traces, or check it");
  app->require_subcommand(1);

  CLI::App* list_app = add_subcommand(*app, "list", "Show what the corpus holds");
  add_folder_option(list_app, &list->folder);
  CLI::Option* json = list_app->add_flag("--json", list->json, "All of the manifest, as JSON");
  CLI::Option* tsv = list_app->add_flag("--tsv", list->tsv, "As tab-separated text");
  CLI::Option* markdown =
      list_app->add_flag("--markdown", list->markdown, "As the table of traces/README.md");
  json->excludes(tsv)->excludes(markdown);
  tsv->excludes(markdown);
  list_app->footer(std::string(kWhere) + kListExamples);

  CLI::App* verify_app = add_subcommand(*app, "verify", "Check traces against the manifest");
  add_folder_option(verify_app, &verify_options->folder);
  verify_app->add_option("TRACE", verify_options->names, "Only these, by their names in the corpus")
      ->type_name("");
  verify_app->add_flag("--json", verify_options->json, "The verdicts as JSON");
  verify_app->footer(std::string(kWhere) + kVerifyExamples);

  return {app, [list, verify_options, list_app] {
            return list_app->parsed() ? run_corpus_list(*list) : run_verify(*verify_options);
          }};
}

}  // namespace replay::cli
