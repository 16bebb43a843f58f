#include "replay/record/preload/sink.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "replay/record/preload/next.h"
#include "replay/record/preload/start.h"

namespace replay::preload {

using spool::ImageHeader;
using spool::Record;
using spool::StopReason;

thread_local constinit ThreadBuffer t_buffer{};

// Who writes into which chunk, so that what a dead thread left of its chunk is used on: without
// this, ten thousand threads of three calls each would fill 640 MB. `owner` holds a thread id and a
// count of owners, so that a thread id used again by the kernel is not taken for its predecessor.
struct Slot {
  std::atomic<std::uint64_t> owner;
  std::atomic<Record*> chunk;
};

namespace {

// More threads at once than this are recorded too; only their leftovers are not used on.
constexpr std::uint32_t kSlots = 4096;
// Bounds the cost of a thread's first call; the share of dead slots stays below one in so many.
constexpr std::uint32_t kSlotsToProbe = 16;

Slot g_slots[kSlots];
std::atomic<std::uint32_t> g_slots_used{0};
std::atomic<std::uint32_t> g_probe{0};

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
  }
}

std::uint64_t events_in(const Record* chunk) {
  std::uint64_t events = 0;
  for (const Record* r = chunk; r != chunk + spool::kChunkRecords; ++r) {
    events += spool::is_event(spool::op_of(*r)) ? 1 : 0;
  }
  return events;
}

void retire_chunk(ThreadBuffer& buffer) {
  if (buffer.chunk == nullptr) return;
  if (g_image.control->limit_events != spool::kNever) {
    g_image.header->finished_events.fetch_add(events_in(buffer.chunk));
  }
  // The pages stay in the file; the recorded program's resident size need not carry them. Without
  // access, the kernel does not map them again along with a neighbour that shares their folio.
  mprotect(buffer.chunk, spool::kChunkBytes, PROT_NONE);
  madvise(buffer.chunk, spool::kChunkBytes, MADV_DONTNEED);
  buffer.chunk = buffer.next = buffer.end = nullptr;
}

StopReason limit_reached(std::uint64_t stamp) {
  const spool::Control& control = *g_image.control;
  const ImageHeader& header = *g_image.header;
  if (header.finished_events.load() >= control.limit_events) return StopReason::kEventLimit;
  if ((header.chunks.load() + 1) * spool::kChunkBytes > control.limit_spool_bytes) {
    return StopReason::kSpoolLimit;
  }
  return stamp >= control.limit_stamp ? StopReason::kTimeLimit : StopReason::kNone;
}

// A chunk never written before, or nullptr if disk or address space gave none.
Record* new_chunk() {
  const std::uint64_t index = g_image.header->chunks.fetch_add(1);
  if (index >= g_image.max_chunks) return nullptr;
  std::byte* chunk = g_image.chunks + index * spool::kChunkBytes;
  // Accessible only now: a program that locks all its memory must not lock the whole spool.
  if (mprotect(chunk, spool::kChunkBytes, PROT_READ | PROT_WRITE) != 0) return nullptr;
  // Says that the disk is full where a store would say it with SIGBUS.
  if (madvise(chunk, spool::kChunkBytes, MADV_POPULATE_WRITE) != 0 && errno != EINVAL) {
    return nullptr;
  }
  return reinterpret_cast<Record*>(chunk);
}

void use_chunk(ThreadBuffer& buffer, Record* chunk) {
  buffer.chunk = buffer.next = chunk;
  buffer.end = chunk + spool::kChunkRecords;
  if (buffer.slot != nullptr) buffer.slot->chunk.store(chunk, std::memory_order_release);
}

// First call of a thread. Returns with room for two records if a dead thread left it.
void enter_thread(ThreadBuffer& buffer) {
  buffer.thread = g_image.header->threads.fetch_add(1) + 1;
  buffer.slot = adopt_slot();
  if (buffer.slot == nullptr) {
    buffer.slot = new_slot();
    return;
  }
  Record* chunk = buffer.slot->chunk.load(std::memory_order_acquire);
  if (chunk == nullptr) return;
  use_chunk(buffer, chunk);
  while (buffer.next != buffer.end && buffer.next->stamp != 0) ++buffer.next;
  if (buffer.end - buffer.next < 2) retire_chunk(buffer);
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
  if (buffer.next == buffer.end) {
    StopReason reason = limit_reached(stamp);
    Record* chunk = reason == StopReason::kNone ? new_chunk() : nullptr;
    if (chunk == nullptr) {
      refuse(stamp, reason == StopReason::kNone ? StopReason::kSpoolFull : reason);
      return false;
    }
    use_chunk(buffer, chunk);
  }
  Record* marker = buffer.next++;
  marker->address = buffer.thread;
  marker->info = spool::pack(spool::RawOp::kThread, 0, 0);
  __atomic_store_n(&marker->stamp, stamp, __ATOMIC_RELEASE);
  return true;
}

void count_failed_allocation() {
  g_image.header->failed_allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace replay::preload
