// Where recorded calls go: the calling thread's chunk of the spool.
//
// Hot path: two loads of what hardly ever changes, one rdtscp, two or three stores into memory that
// only this thread writes; no lock, no shared counter, no system call. Every eight thousand records
// another chunk is taken (a few atomic operations; two system calls if none has been drained).
// Never allocates; keeps errno. Thread-safe.
#pragma once

#include <sys/single_threaded.h>

#include <atomic>
#include <cstdint>

#include "replay/record/spool.h"
#include "replay/record/stamp.h"

namespace replay::preload {

struct Slot;

// One per thread, zero at first, never destroyed: a call made from the last destructor of a thread
// finds it as any other call does.
struct ThreadBuffer {
  std::uint64_t* next;
  std::uint64_t* end;  // the last place where a call may begin
  std::uint64_t* chunk;
  std::uint64_t last_stamp;
  std::uint64_t upper;  // of the last long malloc's address in this chunk; kNoUpper = none yet
  Slot* slot;
  std::uint64_t thread;  // 1-based; 0 = has not recorded yet
  std::uint64_t last_birth;
  std::uint64_t last_size;  // of that
  std::uint32_t waited;     // calls before the window that the shared count does not hold yet
  bool busy;  // inside the allocator behind, or inside the library: calls are not the program's
};
extern thread_local constinit ThreadBuffer t_buffer;
inline constexpr std::uint64_t kNoUpper = ~std::uint64_t{0};

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

// Whether the window is open; constant kRecording until the spool is there.
extern const std::atomic<spool::Phase>* g_phase;
// The mode of a call outside the window, which it may open.
Mode outside_mode();

inline Mode current_mode() {
  if (g_gate->open == 0) [[unlikely]]
    return cold_mode();
  if (g_phase->load(std::memory_order_relaxed) != spool::Phase::kRecording) [[unlikely]]
    return outside_mode();
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
// Puts what a record's head has no room for before it; `ticks` becomes what is left for the head.
std::uint64_t* put_prefix(std::uint64_t* to, std::uint64_t stamp, std::uint64_t address,
                          std::uint64_t* ticks);
void count_failed_allocation();

inline std::uint64_t stamp_now() {
  const spool::ClockKind clock = g_gate->clock;
  return __libc_single_threaded ? spool::read_stamp_alone(clock) : spool::read_stamp(clock);
}

// Stores one record, its head last: whoever finds that, in this process or after its death, finds
// the rest. Returns where the next one goes.
inline std::uint64_t* put(std::uint64_t* to, std::uint64_t head) {
  to[1] = 0;
  __atomic_store_n(to, head, __ATOMIC_RELEASE);
  return to + 1;
}
inline std::uint64_t* put(std::uint64_t* to, std::uint64_t head, std::uint64_t second) {
  to[2] = 0;
  __atomic_store_n(to + 1, second, __ATOMIC_RELEASE);
  __atomic_store_n(to, head, __ATOMIC_RELEASE);
  return to + 2;
}

// Where the next record goes, or nullptr: the recording has stopped. `ticks` becomes its ticks.
inline std::uint64_t* make_room(ThreadBuffer& buffer, std::uint64_t stamp, std::uint64_t address,
                                std::uint64_t* ticks) {
  if (buffer.next >= buffer.end && !refill(buffer, stamp)) [[unlikely]]
    return nullptr;
  std::uint64_t* const to = buffer.next;
  *ticks = stamp - buffer.last_stamp;
  buffer.last_stamp = stamp;
  if (*ticks > spool::kMaxTicks || (address & ~spool::kFittingAddress) != 0) [[unlikely]]
    return put_prefix(to, stamp, address, ticks);
  return to;
}

// Options of the whole recording that cost nothing but this look when they are off.
struct Extras {
  bool sites;
  bool residency;
};
extern Extras g_extras;  // constant once the gate is open

std::uint64_t* put_site(std::uint64_t* to);                    // sites.cc
std::uint64_t* put_touched(std::uint64_t* to, const void* p);  // residency.cc

[[gnu::always_inline]] inline void record_birth(spool::RawOp op, const void* p, std::uint64_t size,
                                                unsigned align_log2 = 0) {
  if (p == nullptr) [[unlikely]]
    return count_failed_allocation();
  ThreadBuffer& buffer = t_buffer;
  const auto address = reinterpret_cast<std::uint64_t>(p);
  std::uint64_t ticks = 0;
  std::uint64_t* to = make_room(buffer, stamp_now(), address, &ticks);
  buffer.last_birth = address;
  buffer.last_size = size;
  if (to == nullptr) [[unlikely]]
    return;
  if (g_extras.sites) [[unlikely]]
    to = put_site(to);
  if (op == spool::RawOp::kMalloc) {
    if (spool::fits_short(address, size, buffer.upper)) [[likely]] {
      buffer.next = put(to, spool::pack_short(ticks, address, size));
      return;
    }
    buffer.upper = spool::upper_of(address);
  }
  buffer.next = put(to, spool::pack_head(op, ticks, address >> spool::kAddressShift),
                    spool::pack_size(size, align_log2));
}

// To be called before the release. (Also after a realloc that freed or kept its block.)
[[gnu::always_inline]] inline void record_release(spool::RawOp op, const void* p) {
  ThreadBuffer& buffer = t_buffer;
  const auto address = reinterpret_cast<std::uint64_t>(p);
  std::uint64_t ticks = 0;
  std::uint64_t* to = make_room(buffer, stamp_now(), address, &ticks);
  if (to == nullptr) [[unlikely]]
    return;
  if (g_extras.residency && spool::is_release(op)) [[unlikely]]
    to = put_touched(to, p);
  buffer.next = put(to, spool::pack_head(op, ticks, address >> spool::kAddressShift));
}

}  // namespace replay::preload
