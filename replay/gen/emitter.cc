#include "replay/gen/emitter.h"

#include <algorithm>
#include <utility>

namespace replay::gen {

Emitter::Emitter(Sink sink, std::uint64_t tick_ns) : sink_(std::move(sink)), tick_ns_(tick_ns) {
  block_.reserve(kBlock);
}

void Emitter::set_thread(std::uint32_t thread) {
  if (thread == wanted_) return;
  wanted_ = thread;
  if (thread >= numbers_.size()) numbers_.resize(thread + std::size_t{1}, kNone);
  if (numbers_[thread] == kNone) numbers_[thread] = threads_++;
  thread_ = numbers_[thread];
}

void Emitter::advance_to(std::uint64_t ns) { time_ns_ = std::max(time_ns_, ns); }

void Emitter::flush() {
  if (!block_.empty()) sink_(block_);
  block_.clear();
}

}  // namespace replay::gen
