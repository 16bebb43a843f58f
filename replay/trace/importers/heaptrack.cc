// heaptrack, raw and interpreted: lines of one letter and hex numbers.
//
// Of a raw file "+ SIZE TRACE ADDRESS" and "- ADDRESS" are the calls; of an interpreted one "+ N"
// and "- N", where N counts the lines "a SIZE TRACE" from 0: which block is freed is not said.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "replay/trace/importers/formats.h"
#include "replay/trace/importers/scanner.h"

namespace replay {
namespace {

constexpr std::uint64_t kNewestFileVersion = 3;
constexpr std::uint64_t kNsPerMs = 1000000;

class HeaptrackImport {
 public:
  HeaptrackImport(Source& source, CallBuilder& builder) : source_(source), builder_(builder) {}

  void run() {
    builder_.set_time_unit_ns(kNsPerMs);
    builder_.set_times_begin_at_zero();
    builder_.time_ns(0);
    builder_.cannot_say("when a call was made, closer than 10 ms");
    builder_.cannot_say("whether memory was asked for by malloc, calloc or with an alignment");
    builder_.cannot_say("that a block was resized: a realloc is a free and a malloc");
    std::string_view line;
    while (source_.next_line(&line)) {
      if (line.size() == 1 || (line.size() > 1 && line[1] == ' ')) {
        read(line[0], Scanner(line.substr(std::min<std::size_t>(line.size(), 2))));
      }
    }
    if (mode_ == Mode::kInterpreted) {
      builder_.assumed(
          "of several live blocks of one size and call site, the one allocated last is freed");
    }
  }

 private:
  enum class Mode { kUnknown, kRaw, kInterpreted };

  void read(char kind, Scanner scan) {
    switch (kind) {
      case 'v':
        return version(scan);
      case 'X':
        builder_.provenance()["command_line"] = std::string(scan.rest());
        return;
      case 'A':
        return builder_.assumed(
            "the recording began in a running process, whose earlier blocks "
            "are unknown");
      case 'c':
        return builder_.time_ns(std::min(number(scan), UINT64_MAX / kNsPerMs) * kNsPerMs);
      case 'a':
        sizes_.push_back(number(scan));
        return;
      case '+':
        return allocate(scan);
      case '-':
        return release(scan);
      default:
        return;  // strings, modules, traces, comments, resident pages
    }
  }

  std::uint64_t number(Scanner& scan) {
    const auto value = scan.hex();
    if (!value || !(scan.blanks() || scan.done())) source_.fail("expected a hex number");
    return *value;
  }

  void version(Scanner scan) {
    number(scan);
    if (scan.done()) return;  // files of before there were versions
    const std::uint64_t file_version = number(scan);
    if (file_version > kNewestFileVersion) {
      builder_.assumed(fmt::format("file version {} means what version {} does", file_version,
                                   kNewestFileVersion));
    }
  }

  void allocate(Scanner scan) {
    const std::uint64_t first = number(scan);
    const bool raw = !scan.done();
    set_mode(raw ? Mode::kRaw : Mode::kInterpreted);
    if (raw) {
      number(scan);
      builder_.add_malloc(number(scan), first);
      return;
    }
    if (first >= sizes_.size()) {
      source_.fail(fmt::format("allocation {:x}, but only {:x} lines 'a' came before", first,
                               sizes_.size()));
    }
    // 0 is NULL to the builder.
    live_[first].push_back(++blocks_);
    builder_.add_malloc(blocks_, sizes_[first]);
  }

  void release(Scanner scan) {
    const std::uint64_t name = number(scan);
    if (mode_ != Mode::kInterpreted) return builder_.add_free(name);
    const auto found = live_.find(name);
    if (found == live_.end()) return builder_.repaired("frees_of_unknown_blocks");
    builder_.add_free(found->second.back());
    found->second.pop_back();
    if (found->second.empty()) live_.erase(found);
  }

  void set_mode(Mode mode) {
    if (mode_ == Mode::kUnknown) mode_ = mode;
    if (mode_ != mode) source_.fail("lines of raw and of interpreted files are mixed");
  }

  Source& source_;
  CallBuilder& builder_;
  Mode mode_ = Mode::kUnknown;
  std::vector<std::uint64_t> sizes_;                                    // of the lines 'a'
  std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> live_;  // by line 'a'
  std::uint64_t blocks_ = 0;
};

bool recognises(std::string_view head) {
  Scanner scan(head.substr(0, head.find('\n')));
  if (!scan.literal("v ") || !scan.hex()) return false;
  if (scan.done()) return true;
  return scan.blanks() && scan.hex() && scan.done();
}

void import(Source& source, CallBuilder& builder) { HeaptrackImport(source, builder).run(); }

}  // namespace

const Importer kHeaptrackImporter{"heaptrack", "heaptrack, raw or interpreted", recognises, import};

}  // namespace replay
