// The workload (.wl) that trace2wl makes of a dj/malloc trace: a main script of byte codes, which
// starts one script a thread, at absolute offsets. Numbers are base 128, the most significant group
// first, bit 7 set on all bytes but the last.
//
// The scripts say of the order between threads only what their SYNC_W and SYNC_R demand. The events
// come in one such order: each thread that is not waiting makes one step in turn.
//
// Memory: the whole input, kMaxBytes at most.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "replay/trace/importers/formats.h"

namespace replay {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 30;
constexpr std::uint64_t kPageBytes = 4096;

enum Code : unsigned char {
  kNop = 0,
  kDone = 1,
  kMalloc = 2,
  kCalloc = 3,
  kRealloc = 4,
  kFree = 5,
  kSyncWrite = 6,
  kSyncRead = 7,
  kAllocPointers = 8,
  kAllocSyncs = 9,
  kThreads = 10,
  kStartThread = 11,
  kMemalign = 12,
  kValloc = 13,
  kPvalloc = 14,
  kPosixMemalign = 15,
};

// False where the number is cut short or does not fit 64 bits; then *at stands behind what is
// wrong.
bool read_number(std::string_view bytes, std::size_t* at, std::uint64_t* value) {
  *value = 0;
  while (*at < bytes.size()) {
    const auto byte = static_cast<unsigned char>(bytes[(*at)++]);
    if (*value >> 57 != 0) return false;
    *value = *value << 7 | (byte & 0x7f);
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

struct Thread {
  std::size_t start = 0;
  std::size_t at = 0;
  std::size_t end = 0;  // where the next script begins
};

class DjWorkloadImport {
 public:
  DjWorkloadImport(Source& source, CallBuilder& builder) : source_(source), builder_(builder) {}

  void run() {
    bytes_ = source_.take_rest(kMaxBytes);
    read_main_script();
    bound_scripts();
    builder_.cannot_say("the order of calls of different threads, beyond what its syncs demand");
    for (std::size_t i = 0; i < threads_.size(); ++i) ready_.push_back(i);
    while (!ready_.empty()) {
      const std::size_t thread = ready_.front();
      ready_.pop_front();
      if (step(thread)) ready_.push_back(thread);
    }
    if (waiting_.empty()) return;
    const auto& [sync, waiters] = *waiting_.begin();
    fail(threads_[waiters.front()].at, fmt::format("no thread gives sync {}, for which a thread "
                                                   "waits here",
                                                   sync));
  }

 private:
  [[noreturn]] void fail(std::size_t at, std::string_view what) { source_.fail_at(at, what); }

  std::uint64_t number(Thread* script, std::string_view what) {
    std::uint64_t value = 0;
    const std::size_t before = script->at;
    if (!read_number(std::string_view(bytes_).substr(0, script->end), &script->at, &value)) {
      fail(before, fmt::format("expected {}, a number of at most 64 bits", what));
    }
    return value;
  }

  unsigned char code(Thread* script) {
    if (script->at == script->end) fail(script->at, "a script ends without DONE");
    return static_cast<unsigned char>(bytes_[script->at++]);
  }

  void read_main_script() {
    Thread script{0, 0, bytes_.size()};
    for (;;) {
      const std::size_t at = script.at;
      switch (code(&script)) {
        case kNop:
          break;
        case kAllocPointers:
          pointers_ = number(&script, "the number of pointers");
          break;
        case kAllocSyncs:
          syncs_ = number(&script, "the number of syncs");
          break;
        case kThreads:
          number(&script, "the number of threads");
          break;
        case kStartThread: {
          const std::uint64_t start = number(&script, "the offset of a script");
          if (start >= bytes_.size()) fail(at, "a thread's script begins beyond the end");
          threads_.push_back({static_cast<std::size_t>(start), static_cast<std::size_t>(start), 0});
          break;
        }
        case kDone:
          main_end_ = script.at;
          return;
        default:
          fail(at, "expected a code of the main script: 0, 1 or 8 to 11");
      }
    }
  }

  // Scripts follow the main one and do not overlap.
  void bound_scripts() {
    std::vector<std::size_t> starts;
    for (const Thread& thread : threads_) starts.push_back(thread.start);
    std::sort(starts.begin(), starts.end());
    if (std::adjacent_find(starts.begin(), starts.end()) != starts.end()) {
      fail(0, "two threads have the same script");
    }
    if (!starts.empty() && starts.front() < main_end_) {
      fail(starts.front(), "a thread's script begins within the main script");
    }
    for (Thread& thread : threads_) {
      const auto next = std::upper_bound(starts.begin(), starts.end(), thread.start);
      thread.end = next == starts.end() ? bytes_.size() : *next;
    }
  }

  // One code of a thread's script. False if the thread ended or waits.
  bool step(std::size_t index) {
    Thread* const script = &threads_[index];
    const std::size_t at = script->at;
    builder_.thread(index);
    switch (const unsigned char what = code(script)) {
      case kNop:
        return true;
      case kDone:
        return false;
      case kSyncWrite:
        give_sync(sync(script, at));
        return true;
      case kSyncRead:
        return take_sync(sync(script, at), index, at);
      default:
        call(what, script, at);
        return true;
    }
  }

  void call(unsigned char what, Thread* script, std::size_t at) {
    if (what < kMalloc || what > kPosixMemalign || (what > kFree && what < kMemalign)) {
      fail(at, "expected a code of a thread's script: 0 to 7 or 12 to 15");
    }
    const std::uint64_t name = block(script, at);
    if (what == kFree) return builder_.add_free(name);
    if (what == kRealloc) {
      const std::uint64_t old_name = block(script, at);
      return builder_.add_realloc(old_name, name, number(script, "a size"));
    }
    if (what == kMemalign || what == kPosixMemalign) {
      const std::uint64_t alignment = number(script, "an alignment");
      return builder_.add_aligned(name, alignment, number(script, "a size"));
    }
    const std::uint64_t size = number(script, "a size");
    if (what == kMalloc) return builder_.add_malloc(name, size);
    if (what == kCalloc) return builder_.add_calloc(name, size);
    builder_.assumed("valloc and pvalloc align to 4096 bytes");
    builder_.add_aligned(name, kPageBytes, size);
  }

  std::uint64_t block(Thread* script, std::size_t at) {
    const std::uint64_t name = number(script, "the number of a pointer");
    if (name > pointers_) {
      fail(at, fmt::format("pointer {} of {} that the main script allots", name, pointers_));
    }
    return name;
  }

  std::uint64_t sync(Thread* script, std::size_t at) {
    const std::uint64_t name = number(script, "the number of a sync");
    if (name > syncs_) {
      fail(at, fmt::format("sync {} of {} that the main script allots", name, syncs_));
    }
    return name;
  }

  void give_sync(std::uint64_t sync) {
    given_.insert(sync);
    const auto found = waiting_.find(sync);
    if (found == waiting_.end()) return;
    ready_.insert(ready_.end(), found->second.begin(), found->second.end());
    waiting_.erase(found);
  }

  bool take_sync(std::uint64_t sync, std::size_t index, std::size_t at) {
    if (given_.contains(sync)) return true;
    threads_[index].at = at;
    waiting_[sync].push_back(index);
    return false;
  }

  Source& source_;
  CallBuilder& builder_;
  std::string bytes_;
  std::size_t main_end_ = 0;
  std::uint64_t pointers_ = 0;
  std::uint64_t syncs_ = 0;
  std::vector<Thread> threads_;
  std::deque<std::size_t> ready_;
  std::unordered_set<std::uint64_t> given_;
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> waiting_;
};

// trace2wl always begins with the three numbers and the first thread.
bool recognises(std::string_view head) {
  std::size_t at = 0;
  std::uint64_t value = 0;
  for (const unsigned char code : {kAllocPointers, kAllocSyncs, kThreads}) {
    if (at == head.size() || static_cast<unsigned char>(head[at++]) != code) return false;
    if (!read_number(head, &at, &value)) return false;
  }
  return at != head.size() && static_cast<unsigned char>(head[at]) == kStartThread && value != 0;
}

void import(Source& source, CallBuilder& builder) { DjWorkloadImport(source, builder).run(); }

}  // namespace

const Importer kDjWorkloadImporter{"dj-workload", "a workload (.wl) of glibc's malloc simulator",
                                   recognises, import};

}  // namespace replay
