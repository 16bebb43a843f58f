// Where recorded calls go: the calling thread's chunk of the spool.
//
// Hot path: one load of the gate, one rdtscp, three stores into memory that only this thread
// writes; no lock, no shared counter, no system call. Every 2,729 records a new chunk is taken
// (one atomic add, three system calls). Never allocates; keeps errno. Thread-safe.
#pragma once

#include <cstdint>

#include "replay/record/spool.h"
#include "replay/record/stamp.h"

namespace replay::preload {

struct Slot;

// One per thread, zero at first, never destroyed: a call made from the last destructor of a thread
// finds it as any other call does.
struct ThreadBuffer {
  spool::Record* next;
  spool::Record* end;
  spool::Record* chunk;
  Slot* slot;
  std::uint64_t thread;  // 1-based; 0 = has not recorded yet
  std::uint64_t births;
  std::uint64_t last_birth;
  bool busy;  // inside the allocator behind, or inside the library: calls are not the program's
};
extern thread_local constinit ThreadBuffer t_buffer;

// On a page that the kernel wipes in a forked child, however it was forked: there the gate is shut
// before the child can write into its parent's chunk.
struct Gate {
  std::uint32_t open;
  spool::ClockKind clock;
};
extern const volatile Gate* g_gate;

enum class Mode {
  kRecord,   // forward the call and record it
  kForward,  // forward it only
  kArena,    // there is nothing to forward to yet
};

Mode cold_mode();

inline Mode current_mode() {
  if (g_gate->open == 0) [[unlikely]]
    return cold_mode();
  return t_buffer.busy ? Mode::kForward : Mode::kRecord;
}

// While one lives, calls on this thread are forwarded and not recorded.
class BusyScope {
 public:
  BusyScope() : was_(t_buffer.busy) { t_buffer.busy = true; }
  ~BusyScope() { t_buffer.busy = was_; }
  BusyScope(const BusyScope&) = delete;
  BusyScope& operator=(const BusyScope&) = delete;

 private:
  bool was_;
};

// Gives the thread room for one more record, or refuses: the recording has stopped.
bool refill(ThreadBuffer& buffer, std::uint64_t stamp);
void count_failed_allocation();

inline std::uint64_t stamp_now() { return spool::read_stamp(g_gate->clock); }

inline void append(std::uint64_t stamp, const void* address, std::uint64_t info) {
  ThreadBuffer& buffer = t_buffer;
  if (buffer.next == buffer.end && !refill(buffer, stamp)) [[unlikely]]
    return;
  spool::Record* record = buffer.next++;
  record->address = reinterpret_cast<std::uint64_t>(address);
  record->info = info;
  // Release: whoever finds the stamp, in this process or after its death, finds the rest.
  __atomic_store_n(&record->stamp, stamp, __ATOMIC_RELEASE);
}

inline void record_birth(spool::RawOp op, const void* p, std::uint64_t size,
                         unsigned align_log2 = 0) {
  if (p == nullptr) [[unlikely]]
    return count_failed_allocation();
  append(stamp_now(), p, spool::pack(op, align_log2, size));
  ++t_buffer.births;
  t_buffer.last_birth = reinterpret_cast<std::uint64_t>(p);
}

// To be called before the release.
inline void record_release(spool::RawOp op, const void* p) {
  append(stamp_now(), p, spool::pack(op, 0, 0));
}

}  // namespace replay::preload
