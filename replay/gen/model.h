// A model of a real trace, to generate others like it: a block bootstrap (Kuensch, 1989).
//
// The trace is cut into windows of equal numbers of events, and those into blocks of a few. A block
// holds its births, each with its whole fate: size, thread, what it is resized to and when, after
// how many events it is freed and by whom. A copy draws, for each window in turn, as many blocks as
// the window has, with replacement. So sizes, lifetimes, resizes and threads keep their joint
// distribution, a block keeps its order of calls, and the windows keep the phases. What is lost:
// any order over more than a block.
//
// Objects of at least 1/1024 of the most bytes ever live are landmarks if they outlive a window, or
// are few: they stay where they were in every copy, for drawing one twice or not at all would show
// in the live bytes.
//
// Not thread-safe. Fitting is O(events) in time; memory is 40 bytes a birth that is kept, 24 a
// resize, and of a long trace about kMostBirths are kept, by blocks drawn at random.
#pragma once

#include <cstdint>
#include <vector>

#include "replay/gen/emitter.h"
#include "replay/gen/marginals.h"
#include "replay/gen/random.h"
#include "replay/trace/event.h"
#include "replay/trace/reader.h"

namespace replay::gen {

inline constexpr std::uint64_t kNever = UINT64_MAX;

inline constexpr std::uint64_t kMostWindows = 256;
inline constexpr std::uint64_t kLeastBlocks = 16;  // in a window: fewer are no choice
inline constexpr std::uint64_t kBlockEvents = 256;
inline constexpr std::uint64_t kMostBirths = 4'000'000;

struct Model {
  // A resize.
  struct Step {
    std::uint64_t after;  // events since the object's birth
    std::uint64_t size;
    std::uint32_t thread;
    std::uint32_t next;  // index into steps, or kNoStep
  };
  static constexpr std::uint32_t kNoStep = UINT32_MAX;

  struct Birth {
    std::uint64_t size;
    std::uint64_t lifetime;  // in events; kNever
    std::uint32_t thread;
    std::uint32_t freed_by;
    std::uint32_t first_step;
    std::uint16_t offset;  // events since the block began
    Op op;
    std::uint8_t align_log2;
  };

  struct Block {
    std::uint64_t first_birth =
        0;                      // index into births; its births end where the next block's begin
    std::uint64_t time_ns = 0;  // that it lasts
  };

  struct Window {
    std::uint64_t first_block =
        0;  // index into blocks; its blocks end where the next window's begin
    std::uint64_t events = 0;
  };

  struct Landmark {
    std::uint64_t event;  // where it stands in the trace
    Birth birth;
  };

  std::uint64_t events = 0;
  std::uint64_t window_events = 0;  // of all windows but the last; a multiple of kBlockEvents
  std::uint64_t peak_bytes = 0;
  std::uint32_t threads = 0;
  std::uint32_t time_unit_ns = 1;
  std::vector<Birth> births;
  std::vector<Step> steps;
  std::vector<Block> blocks;    // and one more at the end
  std::vector<Window> windows;  // and one more at the end
  std::vector<Landmark> landmarks;
};

// What must be known of a trace before it is fitted.
struct TraceExtent {
  std::uint64_t events = 0;
  std::uint64_t births = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t few_bytes = 0;  // least size that few births have
};
TraceExtent extent_of(const Marginals& marginals);

// Reads the trace from its start. Throws Error for one that is damaged, not valid or empty.
Model fit_model(TraceReader& reader, const TraceExtent& extent, Random& random);

struct CopyOptions {
  std::uint64_t scale = 1;   // times the events: the same threads do that much more work
  std::uint64_t copies = 1;  // times the threads: so many programs side by side
};

// Lifetimes up to a window stay as they are, for the local order is the program's; what is beyond
// grows with the scale, for it hangs on how far the program gets.
constexpr std::uint64_t stretched(std::uint64_t lifetime, std::uint64_t window_events,
                                  std::uint64_t scale) {
  if (lifetime == kNever || lifetime <= window_events) return lifetime;
  return window_events + (lifetime - window_events) * scale;
}

inline constexpr int kModelVersion = 2;  // raised when other copies come out

// pre: `out` has a tick of 0; the model has the times.
void generate_copy(const Model& model, const CopyOptions& options, Random& random, Emitter& out);

}  // namespace replay::gen
