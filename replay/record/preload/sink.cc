#include "replay/record/preload/sink.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "replay/record/chunk_list.h"
#include "replay/record/preload/next.h"
#include "replay/record/preload/start.h"

namespace replay::preload {

using spool::ImageHeader;
using spool::StopReason;

thread_local constinit ThreadBuffer t_buffer{};
Extras g_extras{};

// Who writes into which chunk, so that what a dead thread left of its chunk is used on: without
// this, ten thousand threads of three calls each would fill 640 MB. `owner` holds a thread id and a
// count of owners, so that a thread id used again by the kernel is not taken for its predecessor.
struct Slot {
  std::atomic<std::uint64_t> owner;
  std::atomic<std::uint64_t*> chunk;
};

namespace {

// More threads at once than this are recorded too; only their leftovers are not used on.
constexpr std::uint32_t kSlots = 4096;
// Bounds the cost of a thread's first call; the share of dead slots stays below one in so many.
constexpr std::uint32_t kSlotsToProbe = 16;

Slot g_slots[kSlots];
std::atomic<std::uint32_t> g_slots_used{0};
std::atomic<std::uint32_t> g_probe{0};

std::atomic<std::uint64_t> g_owned{0};    // chunks that threads have, dead ones included
std::atomic<std::uint64_t> g_retired{0};  // chunks that became full, to tell the oldest

class ErrnoScope {
 public:
  ErrnoScope() : saved_(errno) {}
  ~ErrnoScope() { errno = saved_; }
  ErrnoScope(const ErrnoScope&) = delete;
  ErrnoScope& operator=(const ErrnoScope&) = delete;

 private:
  int saved_;
};

bool thread_is_dead(std::uint64_t tid) {
  return syscall(SYS_tgkill, g_image.pid, static_cast<pid_t>(tid), 0) == -1 && errno == ESRCH;
}

std::uint64_t next_owner(std::uint64_t previous) {
  const auto tid = static_cast<std::uint64_t>(syscall(SYS_gettid));
  return ((previous >> 32) + 1) << 32 | tid;
}

// A slot whose thread has died, with its chunk, or nullptr.
Slot* adopt_slot() {
  const std::uint32_t used = std::min(g_slots_used.load(std::memory_order_acquire), kSlots);
  for (std::uint32_t i = 0; i < std::min(used, kSlotsToProbe); ++i) {
    Slot& slot = g_slots[g_probe.fetch_add(1, std::memory_order_relaxed) % used];
    std::uint64_t owner = slot.owner.load(std::memory_order_acquire);
    if (owner == 0 || !thread_is_dead(owner & 0xffffffffu)) continue;
    if (slot.owner.compare_exchange_strong(owner, next_owner(owner), std::memory_order_acq_rel)) {
      return &slot;
    }
  }
  return nullptr;
}

Slot* new_slot() {
  const std::uint32_t index = g_slots_used.fetch_add(1, std::memory_order_acq_rel);
  if (index >= kSlots) {
    g_slots_used.store(kSlots, std::memory_order_relaxed);
    return nullptr;
  }
  g_slots[index].owner.store(next_owner(0), std::memory_order_release);
  return &g_slots[index];
}

// Remembers the least stamp that was refused: up to there, and no further, the record is whole.
void refuse(std::uint64_t stamp, StopReason reason) {
  ImageHeader& header = *g_image.header;
  std::uint32_t none = 0;
  header.stop_reason.compare_exchange_strong(none, static_cast<std::uint32_t>(reason));
  std::uint64_t least = header.stop_stamp.load();
  while (stamp < least && !header.stop_stamp.compare_exchange_weak(least, stamp)) {
  }
  if (header.stop_reason.load() == static_cast<std::uint32_t>(StopReason::kSpoolFull)) {
    header.lost_events.fetch_add(1, std::memory_order_relaxed);
  } else {
    g_image.control->phase.store(spool::Phase::kStopped);  // further calls do not come here
  }
}

// Walks what a chunk holds: calls see(op) of each record; returns where it ends.
template <class See>
std::uint64_t* walk(std::uint64_t* chunk, See see) {
  std::uint64_t* word = chunk + spool::kFirstWord;
  while (word < chunk + spool::kChunkWords && *word != 0) {
    see(word);
    word += spool::words_of(spool::op_of(*word));
  }
  return word;
}

std::uint64_t events_in(std::uint64_t* chunk) {
  std::uint64_t events = 0;
  walk(chunk, [&](const std::uint64_t* w) { events += spool::is_event(spool::op_of(*w)) ? 1 : 0; });
  return events;
}

void set_state(std::uint64_t* chunk, std::uint64_t state) {
  __atomic_store_n(chunk, state, __ATOMIC_RELEASE);
}

void retire_chunk(ThreadBuffer& buffer) {
  if (buffer.chunk == nullptr) return;
  if (buffer.slot != nullptr) buffer.slot->chunk.store(nullptr, std::memory_order_release);
  const spool::Control& control = *g_image.control;
  if (control.limit_events != spool::kNever) {
    g_image.header->finished_events.fetch_add(events_in(buffer.chunk));
  }
  if (control.drains.load(std::memory_order_relaxed) != 0) {
    const auto offset = reinterpret_cast<std::byte*>(buffer.chunk) - g_image.chunks;
    spool::push_chunk(g_image.header->full, g_image.chunks,
                      static_cast<std::uint64_t>(offset) / spool::kChunkBytes, spool::kChunkFull);
  } else {
    const std::uint64_t number = g_retired.fetch_add(1, std::memory_order_relaxed);
    set_state(buffer.chunk, spool::kChunkFull | number << spool::kLinkShift);
  }
  g_owned.fetch_sub(1, std::memory_order_relaxed);
  buffer.chunk = buffer.next = buffer.end = nullptr;
}

StopReason limit_reached(std::uint64_t stamp) {
  const spool::Control& control = *g_image.control;
  const ImageHeader& header = *g_image.header;
  if (header.finished_events.load() >= control.limit_events) return StopReason::kEventLimit;
  if ((header.chunks.load() + 1) * spool::kChunkBytes > control.limit_spool_bytes) {
    return StopReason::kSpoolLimit;
  }
  return stamp >= control.limit_stamp.load() ? StopReason::kTimeLimit : StopReason::kNone;
}

std::uint64_t* chunk_at(std::uint64_t place) { return spool::chunk_at(g_image.chunks, place); }

// Accessible only when it is needed: a program that locks all its memory must not lock the whole
// spool. Some at a time, because each call stops the other threads' page faults.
bool make_accessible(std::uint64_t place) {
  constexpr std::uint64_t kStep = 32;
  static std::atomic<std::uint64_t> accessible{0};
  std::uint64_t end = accessible.load(std::memory_order_acquire);
  while (place >= end) {
    const std::uint64_t next = std::min(end + kStep, g_image.max_chunks);
    if (mprotect(chunk_at(end), (next - end) * spool::kChunkBytes, PROT_READ | PROT_WRITE) != 0) {
      return false;
    }
    if (accessible.compare_exchange_strong(end, next)) end = next;
  }
  return true;
}

// A chunk never written before, or nullptr if disk or address space gave none. Its place is counted
// when it can be looked at.
std::uint64_t* fresh_chunk() {
  std::atomic<std::uint64_t>& places = g_image.header->places;
  std::uint64_t place = places.load(std::memory_order_acquire);
  do {
    if (place >= g_image.max_chunks || !make_accessible(place)) return nullptr;
    // Says that the disk is full where a store would say it with SIGBUS.
    if (madvise(chunk_at(place), spool::kChunkBytes, MADV_POPULATE_WRITE) != 0 && errno != EINVAL) {
      return nullptr;
    }
  } while (!places.compare_exchange_strong(place, place + 1, std::memory_order_acq_rel));
  set_state(chunk_at(place), spool::kChunkOwned);
  return chunk_at(place);
}

// Notes what the chunk held, and empties it.
void drop(std::uint64_t* chunk) {
  ImageHeader& header = *g_image.header;
  std::uint64_t stamp = 0;
  std::uint64_t events = 0;
  walk(chunk, [&](const std::uint64_t* w) {
    const spool::RawOp op = spool::op_of(*w);
    const bool absolute = op == spool::RawOp::kThread || op == spool::RawOp::kTime;
    stamp = absolute ? w[1] : stamp + spool::ticks_of(*w);
    events += spool::is_event(op) ? 1 : 0;
  });
  header.dropped_chunks.fetch_add(1);
  header.dropped_events.fetch_add(events);
  std::uint64_t last = header.dropped_stamp.load();
  while (last < stamp && !header.dropped_stamp.compare_exchange_weak(last, stamp)) {
  }
  __atomic_store_n(chunk + spool::kFirstWord, 0, __ATOMIC_RELEASE);
}

// The oldest chunk that no thread writes into, emptied; nullptr if all have their threads. They go
// round, and the oldest is found among the next few.
std::uint64_t* oldest_chunk() {
  constexpr int kLook = 16;
  static std::atomic<std::uint64_t> hand{0};
  for (;;) {
    const std::uint64_t count = g_image.header->places.load(std::memory_order_acquire);
    const std::uint64_t begin = hand.load(std::memory_order_relaxed);
    std::uint64_t oldest = 0;
    std::uint64_t least = spool::kNever;
    int seen = 0;
    for (std::uint64_t place = begin; place != begin + count && seen != kLook; ++place) {
      const std::uint64_t state = __atomic_load_n(chunk_at(place % count), __ATOMIC_RELAXED);
      if (spool::state_of(state) != spool::kChunkFull) continue;
      ++seen;
      if (state >= least) continue;
      least = state;
      oldest = place % count;
    }
    if (seen == 0) return nullptr;
    if (__atomic_compare_exchange_n(chunk_at(oldest), &least, std::uint64_t{spool::kChunkOwned},
                                    false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
      hand.store(oldest + 1, std::memory_order_relaxed);
      drop(chunk_at(oldest));
      return chunk_at(oldest);
    }
  }
}

// Whether there are so many chunks that the oldest goes. However many threads have one, half of
// what is to be kept is full.
bool keeps_enough() {
  const std::uint64_t keep = g_image.control->keep_chunks;
  const std::uint64_t owned = g_owned.load(std::memory_order_relaxed);
  return keep != 0 && g_image.header->places.load() >= std::max(keep, owned + 1 + keep / 2);
}

// A chunk whose records the recorder has copied; nullptr if there is none.
std::uint64_t* drained_chunk() {
  const auto place = spool::pop_chunk(g_image.header->drained, g_image.chunks);
  if (!place) return nullptr;
  std::uint64_t* chunk = chunk_at(*place);
  __atomic_store_n(chunk + spool::kFirstWord, 0, __ATOMIC_RELEASE);
  set_state(chunk, spool::kChunkOwned);
  return chunk;
}

std::uint64_t* new_chunk() {
  g_image.header->chunks.fetch_add(1);
  std::uint64_t* chunk = keeps_enough() ? oldest_chunk() : drained_chunk();
  if (chunk == nullptr) chunk = fresh_chunk();
  if (chunk != nullptr) g_owned.fetch_add(1, std::memory_order_relaxed);
  return chunk;
}

void use_chunk(ThreadBuffer& buffer, std::uint64_t* chunk, std::uint64_t* next) {
  buffer.chunk = chunk;
  buffer.next = next;
  buffer.end = chunk + spool::kChunkWords - spool::kMaxCallWords;
  if (buffer.slot != nullptr) buffer.slot->chunk.store(chunk, std::memory_order_release);
}

// First call of a thread. Returns with room for a call if a dead thread left it.
void enter_thread(ThreadBuffer& buffer) {
  buffer.thread = g_image.header->threads.fetch_add(1) + 1;
  buffer.slot = adopt_slot();
  if (buffer.slot == nullptr) {
    buffer.slot = new_slot();
    return;
  }
  std::uint64_t* chunk = buffer.slot->chunk.load(std::memory_order_acquire);
  if (chunk == nullptr) return;
  use_chunk(buffer, chunk, walk(chunk, [](const std::uint64_t*) {}));
  if (buffer.end < buffer.next + 2) retire_chunk(buffer);
}

}  // namespace

bool refill(ThreadBuffer& buffer, std::uint64_t stamp) {
  const ErrnoScope keep_errno;
  ImageHeader& header = *g_image.header;
  if (const auto reason = header.stop_reason.load(std::memory_order_relaxed); reason != 0) {
    refuse(stamp, static_cast<StopReason>(reason));
    return false;
  }
  const BusyScope busy;
  if (buffer.thread == 0) {
    enter_thread(buffer);
  } else {
    retire_chunk(buffer);
  }
  if (buffer.chunk == nullptr) {
    StopReason reason = limit_reached(stamp);
    std::uint64_t* chunk = reason == StopReason::kNone ? new_chunk() : nullptr;
    if (chunk == nullptr) {
      refuse(stamp, reason == StopReason::kNone ? StopReason::kSpoolFull : reason);
      return false;
    }
    use_chunk(buffer, chunk, chunk + spool::kFirstWord);
  }
  buffer.next = put(buffer.next, spool::pack_head(spool::RawOp::kThread, 0, buffer.thread), stamp);
  buffer.last_stamp = stamp;
  buffer.upper = kNoUpper;
  return true;
}

std::uint64_t* put_prefix(std::uint64_t* to, std::uint64_t stamp, std::uint64_t address,
                          std::uint64_t* ticks) {
  if (*ticks > spool::kMaxTicks) {
    to = put(to, spool::pack_head(spool::RawOp::kTime, 0, 0), stamp);
    *ticks = 0;
  }
  if ((address & ~spool::kFittingAddress) == 0) return to;
  return put(to, spool::pack_head(spool::RawOp::kAddress, 0, 0), address);
}

Mode outside_mode() {
  spool::Control& control = *g_image.control;
  ThreadBuffer& buffer = t_buffer;
  if (control.phase.load() == spool::Phase::kStopped || buffer.busy) return Mode::kForward;
  // A thread adds what it counted only now and then, so that threads do not wait for one another.
  constexpr std::uint32_t kBatch = 64;
  const bool exact = control.start_after_calls < std::uint64_t{64} * kBatch;
  if (++buffer.waited >= (exact ? 1 : kBatch)) {
    const std::uint64_t calls = control.waited_calls.fetch_add(buffer.waited) + buffer.waited;
    buffer.waited = 0;
    const bool by_calls = control.start_after_calls != 0 && calls >= control.start_after_calls;
    const std::uint64_t stamp = stamp_now();
    if (by_calls || stamp >= control.start_stamp) spool::open_window(control, stamp);
  }
  return Mode::kForward;
}

void count_failed_allocation() {
  g_image.header->failed_allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace replay::preload
