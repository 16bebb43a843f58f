// `allocreplay record` run on a program with known calls, and the trace that it gives.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "replay/trace/reader.h"
#include "replay/trace/validate.h"
#include "tests/support/temp_folder.h"

namespace replay::test {

namespace fs = std::filesystem;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

inline const std::string kSubject = RECORDED_DIR "/recorded_subject";

struct Recording {
  int exit_code = -1;
  std::string text;  // what the tool said on stderr
  std::string path;
};

struct Trace {
  TraceHeader header;
  std::vector<Event> events;
  Validation validation;

  std::uint64_t loss(const char* key) const {
    return header.provenance.at("losses").at(key).get<std::uint64_t>();
  }
};

// An event with its object numbered from the first one of interest.
using Call = std::tuple<Op, std::uint64_t, std::uint64_t, int>;  // op, object, size, align log2

class Record : public ::testing::Test {
 protected:
  Recording record(const std::string& command, const std::string& options = "",
                   const std::string& environment = "") {
    Recording result;
    result.path = output_;
    const std::string log = dir_ / "log";
    const int status =
        std::system(fmt::format("{} {} record -o {} {} -- {} > /dev/null 2> {}", environment,
                                BIN_DIR "/allocreplay", result.path, options, command, log)
                        .c_str());
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::stringstream text;
    text << std::ifstream(log).rdbuf();
    result.text = text.str();
    fs::remove(log);
    return result;
  }

  static Trace read(const Recording& recording) {
    Trace trace;
    TraceReader reader(recording.path);
    trace.header = reader.header();
    Validator validator;
    for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
      validator.feed(block);
      trace.events.insert(trace.events.end(), block.begin(), block.end());
    }
    validator.expect_counts(trace.header);
    trace.validation = validator.result();
    EXPECT_EQ(trace.validation.violation, "");
    EXPECT_TRUE(trace.header.complete);
    return trace;
  }

  static void expect_no_losses(const Trace& trace) {
    for (const char* key : {"events_lost", "unmatched_frees", "unmatched_reallocs",
                            "synthesised_frees", "unfinished_reallocs"}) {
      EXPECT_EQ(trace.loss(key), 0u) << key;
    }
  }

  // Records the subject, which must succeed and lose nothing.
  Trace good(const std::string& arguments, const std::string& environment = "") {
    const Recording recording = record(kSubject + ' ' + arguments, "", environment);
    EXPECT_EQ(recording.exit_code, 0) << recording.text;
    Trace trace = read(recording);
    expect_no_losses(trace);
    EXPECT_EQ(trace.header.provenance.at("ended").dump(), R"({"kind":"exited","code":0})");
    return trace;
  }

  // The calls between the two marks.
  static std::vector<Call> calls_of(const Trace& trace) {
    const auto size_is = [](std::uint64_t size) {
      return [size](const Event& e) { return e.op == Op::kMalloc && e.size == size; };
    };
    const auto begin = std::find_if(trace.events.begin(), trace.events.end(), size_is(424'242));
    const auto end = std::find_if(begin, trace.events.end(), size_is(424'243));
    std::vector<Call> calls;
    if (begin == trace.events.end()) return calls;
    for (auto event = begin + 2; event < end; ++event) {
      calls.emplace_back(event->op, event->object - begin->object, event->size, event->align_log2);
    }
    return calls;
  }

  bool left_over() const { return !fs::is_empty(fs::path(dir_ / "x").parent_path()); }

  test::TempFolder dir_;
  std::string output_ = dir_ / "out.trace";
};

inline std::size_t births_of(const Trace& trace, std::uint64_t size) {
  return static_cast<std::size_t>(
      std::count_if(trace.events.begin(), trace.events.end(),
                    [size](const Event& e) { return is_birth(e.op) && e.size == size; }));
}

inline std::size_t frees_of(const Trace& trace, std::uint64_t size) {
  std::vector<std::uint64_t> objects;
  for (const Event& e : trace.events) {
    if (is_birth(e.op) && e.size == size) objects.push_back(e.object);
  }
  return static_cast<std::size_t>(
      std::count_if(trace.events.begin(), trace.events.end(), [&objects](const Event& e) {
        return e.op == Op::kFree && std::binary_search(objects.begin(), objects.end(), e.object);
      }));
}

}  // namespace replay::test
