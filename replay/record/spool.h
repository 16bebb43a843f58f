// The spool: what the preloaded library leaves on disk and the merge reads. Layout only.
//
//   DIR/control      one page, made by the recorder before the program starts
//   DIR/image-0      one file per program image that ran in the recorded process (exec makes more)
//
//   image:  | ImageHeader, 4 KiB | chunk 0, 64 KiB | chunk 1 | ...            (sparse beyond)
//   chunk:  | kThread t | record | record | ... | kThread u | record | 0 ...  | 16 spare bytes |
//
// A chunk belongs to one thread at a time. A kThread record says whose records follow; a thread's
// records lie in order of chunk number, and its stamps never decrease. A record whose stamp is 0
// was never written, nor was anything behind it in its chunk.
//
// The file is written through MAP_SHARED, so the end of the process, by SIGKILL too, loses nothing.
// Atomics here are lock-free words in shared memory; nothing is called across the boundary.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace replay::spool {

inline constexpr char kDirectoryVariable[] = "ALLOCRECORD_SPOOL";
inline constexpr char kControlName[] = "control";
inline constexpr char kImagePrefix[] = "image-";

inline constexpr std::uint64_t kControlMagic = 0x314c5254434c4c41;  // "ALLCTRL1"
inline constexpr std::uint64_t kImageMagic = 0x31474d49434c4c41;    // "ALLCIMG1"
inline constexpr std::size_t kHeaderBytes = 4096;
// Small, so that thousands of threads that each make a few calls stay cheap; large enough that a
// busy thread asks for the next one only every 2,729 records.
inline constexpr std::size_t kChunkBytes = std::size_t{64} * 1024;

struct Record {
  std::uint64_t stamp;    // written last; 0 = not written
  std::uint64_t address;  // kThread: the thread's number
  std::uint64_t info;     // size | align_log2 << 48 | op << 56
};
static_assert(sizeof(Record) == 24);
inline constexpr std::size_t kChunkRecords = kChunkBytes / sizeof(Record);

enum class RawOp : std::uint8_t {
  kMalloc,
  kCalloc,
  kAligned,
  kFree,
  kReallocRelease,  // the old address, stamped before the call; the next four end it
  kReallocBirth,    // the new address and size, stamped after the call
  kReallocKept,     // the call failed: the old address lives on
  kReallocFreed,    // the call freed the block: realloc(p, 0)
  kThread,
};

inline constexpr int kSizeBits = 48;  // more than any address space holds; larger calls fail anyway

constexpr std::uint64_t pack(RawOp op, unsigned align_log2, std::uint64_t size) {
  constexpr std::uint64_t kMaxSize = (std::uint64_t{1} << kSizeBits) - 1;
  return (size < kMaxSize ? size : kMaxSize) | std::uint64_t{align_log2} << kSizeBits |
         static_cast<std::uint64_t>(op) << 56;
}
constexpr RawOp op_of(const Record& r) { return static_cast<RawOp>(r.info >> 56); }
constexpr std::uint64_t size_of(const Record& r) {
  return r.info & ((std::uint64_t{1} << kSizeBits) - 1);
}
constexpr std::uint8_t align_log2_of(const Record& r) {
  return static_cast<std::uint8_t>(r.info >> kSizeBits);
}
// True for the record that stands for an event of the trace.
constexpr bool is_event(RawOp op) {
  return op <= RawOp::kFree || op == RawOp::kReallocBirth || op == RawOp::kReallocFreed;
}
// True for records that end an address's life; at equal stamps they come first.
constexpr bool is_release(RawOp op) { return op == RawOp::kFree || op == RawOp::kReallocRelease; }

enum class ClockKind : std::uint32_t { kTsc = 0, kMonotonicRaw = 1 };

enum class StopReason : std::uint32_t {
  kNone = 0,
  kEventLimit = 1,
  kSpoolLimit = 2,
  kTimeLimit = 3,
  kSpoolFull = 4,  // the disk or the address space gave no more: calls were lost
};

inline constexpr std::uint64_t kNever = ~std::uint64_t{0};

// What the recorder tells every image, and what images tell it. Limits of kNever are none.
struct Control {
  std::uint64_t magic;
  ClockKind clock;
  std::int32_t root_pid;  // the recorded process
  std::uint64_t limit_events;
  std::uint64_t limit_spool_bytes;
  std::uint64_t limit_stamp;
  std::atomic<std::uint32_t> images;          // images of the recorded process that started
  std::atomic<std::uint32_t> child_programs;  // images that started in other processes
  std::atomic<std::uint32_t> failed_starts;   // images that could not open their spool
  std::atomic<std::uint32_t> execs;           // of the recorded process, seen by the library
};
static_assert(sizeof(Control) <= kHeaderBytes);

struct Calibration {
  std::uint64_t stamp;
  std::uint64_t monotonic_raw_ns;
  std::uint64_t unix_ns;
};

struct ImageHeader {
  std::uint64_t magic;
  ClockKind clock;
  std::int32_t pid;
  Calibration start;
  std::atomic<std::uint64_t> chunks;           // handed out
  std::atomic<std::uint64_t> finished_events;  // in chunks that are full; kept only under a limit
  std::atomic<std::uint64_t> stop_stamp;       // least stamp that found no room; kNever = none
  std::atomic<std::uint64_t> lost_events;      // calls not recorded though they should have been
  std::atomic<std::uint64_t> failed_allocations;
  std::atomic<std::uint32_t> threads;
  std::atomic<std::uint32_t> stop_reason;      // StopReason
  std::atomic<std::uint32_t> forked_children;  // that went on to call the allocator
  char program[1024];
  char allocator[1024];  // the object that the program's malloc resolves to behind the library
  char libc_version[64];
};
static_assert(sizeof(ImageHeader) <= kHeaderBytes);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace replay::spool
