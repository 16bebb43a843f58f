// The constants that were chosen by measurement; core/README.md has the figures. Each can be set from
// outside, as -DMEM_TUNE_NAME=value, so that an ablation is a build and not an edit.
#pragma once

#include <cstddef>
#include <cstdint>

#ifndef MEM_TUNE_FIRST_SLAB_KIB
#define MEM_TUNE_FIRST_SLAB_KIB 8
#endif
#ifndef MEM_TUNE_MAX_SLAB_KIB
#define MEM_TUNE_MAX_SLAB_KIB 64
#endif
#ifndef MEM_TUNE_HOT_USES
#define MEM_TUNE_HOT_USES 32
#endif
#ifndef MEM_TUNE_EXACT_USES
#define MEM_TUNE_EXACT_USES 8
#endif
#ifndef MEM_TUNE_BATCH
#define MEM_TUNE_BATCH 64
#endif
#ifndef MEM_TUNE_KEEP_EMPTY
#define MEM_TUNE_KEEP_EMPTY 1
#endif

namespace mem::tuning {

// A bin's first slab, doubled with every further one up to the largest.
inline constexpr std::size_t kFirstSlabBytes = std::size_t{MEM_TUNE_FIRST_SLAB_KIB} << 10;
inline constexpr std::size_t kMaxSlabBytes = std::size_t{MEM_TUNE_MAX_SLAB_KIB} << 10;
inline constexpr std::size_t kMaxSlabPages = 32;  // for sizes that would waste much of fewer

// Requests beyond 1 KiB come from the block heap until a bin had this many of them, halved every
// kColdEpoch such requests; then the bin gets slabs, of the largest size that it was asked for.
inline constexpr unsigned kHotUses = MEM_TUNE_HOT_USES;
inline constexpr unsigned kColdEpoch = 512;

// A step of 16 bytes that shares its bin gets one of its own once it had this many pages carved.
inline constexpr unsigned kExactUses = MEM_TUNE_EXACT_USES;

// Objects and bytes of one slab that wait in a thread's ring before they are sent to its owner.
inline constexpr std::uint32_t kBatchObjects = MEM_TUNE_BATCH;
inline constexpr std::size_t kBatchBytes = std::size_t{16} << 10;

// Whether a bin keeps one empty slab for its next need.
inline constexpr bool kKeepEmpty = MEM_TUNE_KEEP_EMPTY != 0;

}  // namespace mem::tuning
