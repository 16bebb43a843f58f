// The spool: what the preloaded library leaves on disk and the merge reads. Layout only.
//
//   DIR/control      one page, made by the recorder before the program starts
//   DIR/image-0      one file per program image that ran in the recorded process (exec makes more)
//   DIR/drained-0    chunks that were full, copied from that image by the recorder
//   DIR/stacks-0     the call sites of that image, only if they are recorded
//
//   image:  | ImageHeader, 4 KiB | chunk 0, 64 KiB | chunk 1 | ...            (sparse beyond)
//   drained: | chunk | chunk | ...
//   chunk:  | state | kThread t | record | record | ... | kThread u | record | 0 ...
//   record: | head | a second word if the op has one |
//   head:   | 63 address / 8, or a number 20 | 19 ticks since the record before 4 | 3 op 0 |
//   of kMallocShort: | 63 size 48 | 47 address / 16, less its upper half 20 | ticks | op |
//
// A chunk belongs to one thread at a time. A kThread record says whose records follow and at which
// stamp; a thread's stamps never decrease. Most mallocs are kMallocShort, one word: small, aligned
// to 16, and the upper half of the address is that of the kMalloc before it (by the same kThread).
// A head of 0 was never written, nor was anything behind it in its chunk: whoever appends first
// stores a 0 behind the record, then its second word, then its head. So what chunks held before
// need not be wiped when they are used again.
//
// Chunks go round: a thread fills one, the recorder copies it to the drained file and gives it back
// (chunk_list.h). A new page of a file costs its writer more than all that is stored in it, so the
// program shall touch few, and those are in its caches. When the recorder is late, or the disk is
// full, threads take chunks from further on in the image.
//
// The file is written through MAP_SHARED, so the end of the process, by SIGKILL too, loses nothing.
// Atomics here are lock-free words in shared memory; nothing is called across the boundary.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace replay::spool {

inline constexpr char kDirectoryVariable[] = "ALLOCRECORD_SPOOL";
inline constexpr char kControlName[] = "control";
inline constexpr char kImagePrefix[] = "image-";

inline constexpr char kDrainedPrefix[] = "drained-";
inline constexpr char kStacksPrefix[] = "stacks-";

inline constexpr std::uint64_t kControlMagic = 0x344c5254434c4c41;  // "ALLCTRL4"
inline constexpr std::uint64_t kImageMagic = 0x34474d49434c4c41;    // "ALLCIMG4"
inline constexpr std::uint64_t kStacksMagic = 0x324b5453434c4c41;   // "ALLCSTK2"
inline constexpr std::size_t kHeaderBytes = 4096;
// Small, so that thousands of threads that each make a few calls stay cheap; large enough that a
// busy thread asks for the next one only every eight thousand records.
inline constexpr std::size_t kChunkBytes = std::size_t{64} * 1024;
inline constexpr std::size_t kChunkWords = kChunkBytes / sizeof(std::uint64_t);

inline constexpr std::uint64_t kNever = ~std::uint64_t{0};

enum class RawOp : std::uint8_t {
  kUnwritten,
  kMalloc,
  kCalloc,
  kAligned,
  kFree,
  kReallocRelease,  // the old address, stamped before the call; the next three end it
  kReallocBirth,    // the new address and size, stamped after the call
  kReallocKept,     // the call failed: the old address lives on
  kReallocFreed,    // the call freed the block: realloc(p, 0)
  kThread,          // number: the thread's; second word: the stamp
  kTime,            // second word: the stamp of the next record, where ticks are too few for it
  kAddress,         // second word: the address of the next record, where its head is too small
  kSite,            // number: the call site of the next record, a word of the stacks file
  kTouched,         // number: 1 + the touched pages of the block that the next record ends
  kMallocShort,     // a malloc in one word
};

// The second word of a birth: size | align_log2 << 48.
inline constexpr int kSizeBits = 48;  // more than any address space holds; larger calls fail anyway
inline constexpr unsigned kTicksShift = 4;
inline constexpr std::uint64_t kMaxTicks = 0xffff;
inline constexpr unsigned kNumberShift = 20;
inline constexpr std::uint64_t kMaxNumber = (std::uint64_t{1} << (64 - kNumberShift)) - 1;
inline constexpr unsigned kAddressShift = 3;
inline constexpr std::uint64_t kFittingAddress = kMaxNumber << kAddressShift;  // its bits
// What one call may take: kTime, kAddress, kSite, kTouched, the record, and the 0 behind it.
inline constexpr std::size_t kMaxCallWords = 9;

constexpr std::uint64_t pack_head(RawOp op, std::uint64_t ticks, std::uint64_t number) {
  return static_cast<std::uint64_t>(op) | ticks << kTicksShift | number << kNumberShift;
}
constexpr std::uint64_t pack_size(std::uint64_t size, unsigned align_log2) {
  constexpr std::uint64_t kMaxSize = (std::uint64_t{1} << kSizeBits) - 1;
  return (size < kMaxSize ? size : kMaxSize) | std::uint64_t{align_log2} << kSizeBits;
}
constexpr RawOp op_of(std::uint64_t head) { return static_cast<RawOp>(head & 15); }
constexpr std::uint64_t ticks_of(std::uint64_t head) { return head >> kTicksShift & kMaxTicks; }
constexpr std::uint64_t number_of(std::uint64_t head) { return head >> kNumberShift; }

// The upper half of an address, which kMallocShort leaves out.
inline constexpr int kUpperShift = 32;
constexpr std::uint64_t upper_of(std::uint64_t address) { return address >> kUpperShift; }
inline constexpr int kShortAddressShift = 4;
inline constexpr int kShortAddressBits = kUpperShift - kShortAddressShift;
inline constexpr int kShortSizeBits = 16;
static_assert(kNumberShift + kShortAddressBits + kShortSizeBits == 64);
// pre: `ticks` fit.
constexpr bool fits_short(std::uint64_t address, std::uint64_t size, std::uint64_t upper) {
  constexpr std::uint64_t kMisaligned = (1u << kShortAddressShift) - 1;
  return ((upper_of(address) ^ upper) | size >> kShortSizeBits | (address & kMisaligned)) == 0;
}
constexpr std::uint64_t pack_short(std::uint64_t ticks, std::uint64_t address, std::uint64_t size) {
  constexpr std::uint64_t kLower = (std::uint64_t{1} << kUpperShift) - 1;
  return pack_head(RawOp::kMallocShort, ticks,
                   (address & kLower) >> kShortAddressShift | size << kShortAddressBits);
}
constexpr std::uint64_t short_address_of(std::uint64_t head, std::uint64_t upper) {
  constexpr std::uint64_t kMask = (std::uint64_t{1} << kShortAddressBits) - 1;
  return upper << kUpperShift | (number_of(head) & kMask) << kShortAddressShift;
}
constexpr std::uint64_t short_size_of(std::uint64_t head) {
  return number_of(head) >> kShortAddressBits;
}

constexpr bool has_size_word(RawOp op) {
  return op == RawOp::kMalloc || op == RawOp::kCalloc || op == RawOp::kAligned ||
         op == RawOp::kReallocBirth;
}
constexpr bool is_birth(RawOp op) { return has_size_word(op) || op == RawOp::kMallocShort; }
constexpr std::size_t words_of(RawOp op) {
  const bool two =
      has_size_word(op) || op == RawOp::kThread || op == RawOp::kTime || op == RawOp::kAddress;
  return two ? 2 : 1;
}
// True for the record that stands for an event of the trace.
constexpr bool is_event(RawOp op) {
  return is_birth(op) || op == RawOp::kFree || op == RawOp::kReallocFreed;
}
// True for records that end an address's life; at equal stamps they come first.
constexpr bool is_release(RawOp op) { return op == RawOp::kFree || op == RawOp::kReallocRelease; }

// Where a chunk's records begin; word 0 is its state.
inline constexpr std::size_t kFirstWord = 1;
enum ChunkState : std::uint64_t {
  kChunkFresh = 0,
  kChunkOwned = 1,
  kChunkFull = 2,
  kChunkDrained = 3,  // what it holds has been copied
};

enum class ClockKind : std::uint32_t { kTsc = 0, kMonotonicRaw = 1 };

enum class StopReason : std::uint32_t {
  kNone = 0,
  kEventLimit = 1,
  kSpoolLimit = 2,
  kTimeLimit = 3,
  kSpoolFull = 4,  // the disk or the address space gave no more: calls were lost
  kSignal = 5,
};

// Of the whole recording; only forward.
enum class Phase : std::uint32_t { kWaiting = 0, kRecording = 1, kStopped = 2 };

// kUnwind loads kUnwinder.
enum class SitesMode : std::uint32_t { kOff = 0, kUnwind = 1, kFramePointers = 2 };
inline constexpr std::uint32_t kMaxSiteDepth = 128;
inline constexpr char kUnwinder[] = "libunwind.so.8";

// What the recorder tells every image, and what images tell it. Limits of kNever are none.
struct Control {
  std::uint64_t magic;
  ClockKind clock;
  std::int32_t root_pid;         // the recorded process, by its number
  std::uint64_t root_namespace;  // in this namespace; 0: not known
  std::uint64_t limit_events;
  std::uint64_t limit_spool_bytes;
  std::uint64_t limit_ticks;  // since the window opened, and some more: the merge cuts exactly
  std::uint64_t keep_chunks;  // the oldest are used again when there are so many; 0 = never
  std::uint64_t start_after_calls;  // of all threads together; 0 = not by calls
  std::uint64_t start_stamp;        // the window opens then; kNever = not by time
  SitesMode sites;
  std::uint32_t site_depth;
  std::uint32_t residency;                  // 1: on
  std::atomic<std::uint32_t> drains;        // 1: the recorder drains chunks that are full
  std::atomic<Phase> phase;                 // whether the window is open
  std::atomic<std::uint64_t> window_stamp;  // when it opened; 0 = with the program
  std::atomic<std::uint64_t> window_end;    // when a signal closed it; kNever = none did
  std::atomic<std::uint64_t> limit_stamp;
  std::atomic<std::uint64_t> waited_calls;    // before the window, as far as they were counted
  std::atomic<std::uint32_t> images;          // images of the recorded process that started
  std::atomic<std::uint32_t> child_programs;  // images that started in other processes
  std::atomic<std::uint32_t> failed_starts;   // images that could not open their spool
  std::atomic<std::uint32_t> execs;           // of the recorded process, seen by the library
  // Of the newest image: the object whose malloc or free comes before the library's, so that what
  // the program calls does not come here; "" if there is none.
  char own_allocator[1024];
};
static_assert(sizeof(Control) <= kHeaderBytes);
static_assert(std::atomic<Phase>::is_always_lock_free);

// The namespace that numbers the calling process; 0 where there is no /proc.
inline std::uint64_t own_pid_namespace() {
  struct stat status {};
  return ::stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

// Opens the window if it was not open yet: by whoever finds that it is time.
inline bool open_window(Control& control, std::uint64_t stamp) {
  std::uint64_t none = 0;
  if (control.phase.load() != Phase::kWaiting) return false;
  if (!control.window_stamp.compare_exchange_strong(none, stamp)) return false;
  if (control.limit_ticks != kNever) control.limit_stamp.store(stamp + control.limit_ticks);
  Phase waiting = Phase::kWaiting;
  return control.phase.compare_exchange_strong(waiting, Phase::kRecording);
}

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
  std::atomic<std::uint64_t> chunks;           // handed out, those that were used again included
  std::atomic<std::uint64_t> places;           // of chunks in the file that have been used
  std::atomic<std::uint64_t> full;             // lists of chunks (chunk_list.h): to be drained,
  std::atomic<std::uint64_t> drained;          // and drained, to be used again
  std::atomic<std::uint64_t> dropped_chunks;   // used again
  std::atomic<std::uint64_t> dropped_events;   // that they held
  std::atomic<std::uint64_t> dropped_stamp;    // the last of them
  std::atomic<std::uint64_t> unknown_sites;    // calls whose stack found no room
  std::atomic<std::uint64_t> finished_events;  // in chunks that are full; kept only under a limit
  std::atomic<std::uint64_t> stop_stamp;       // least stamp that found no room; kNever = none
  std::atomic<std::uint64_t> lost_events;      // calls not recorded though they should have been
  std::atomic<std::uint64_t> failed_allocations;
  std::atomic<std::uint32_t> threads;
  std::atomic<std::uint32_t> stop_reason;      // StopReason
  std::atomic<std::uint32_t> forked_children;  // that went on to call the allocator
  std::atomic<std::uint32_t> sites_failed;     // 1: they were asked for, and could not be had
  char program[1024];
  char allocator[1024];  // the object that the program's malloc resolves to behind the library
  char libc_version[64];
};
static_assert(sizeof(ImageHeader) <= kHeaderBytes);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// The stacks file: a header of this, then entries, each written once, its first word last. An entry
// is named by the number of its first word in the file.
//   module: kStacksModule | bytes << 8, the bytes, filled up to a word: its path, a 0, its build id
//           in hexadecimal if it has one
//   stack:  kStacksStack | frames << 8, hash, then of each frame, the innermost first: its module
//           (0 = none) and the return address, less the module's load address
struct StacksHeader {
  std::uint64_t magic;
  std::atomic<std::uint64_t> words;  // handed out, this header's included
};
inline constexpr std::size_t kStacksHeaderWords = kHeaderBytes / sizeof(std::uint64_t);
inline constexpr std::uint64_t kStacksModule = 1;
inline constexpr std::uint64_t kStacksStack = 2;

}  // namespace replay::spool
