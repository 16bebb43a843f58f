#include "replay/gen/emitter.h"

#include <algorithm>
#include <utility>

namespace replay::gen {

Emitter::Emitter(Sink sink, std::uint64_t tick_ns) : sink_(std::move(sink)), tick_ns_(tick_ns) {
  block_.resize(kBlock);
}

void Emitter::change_thread(std::uint32_t thread) {
  wanted_ = thread;
  if (thread >= numbers_.size()) numbers_.resize(thread + std::size_t{1}, kNone);
  thread_ = numbers_[thread];
}

void Emitter::number_thread() {
  if (wanted_ == kNone) change_thread(0);
  if (thread_ == kNone) thread_ = numbers_[wanted_] = threads_++;
}

void Emitter::advance_to(std::uint64_t ns) { time_ns_ = std::max(time_ns_, ns); }

void Emitter::flush() {
  if (used_ != 0) sink_(std::span(block_).first(used_));
  used_ = 0;
}

}  // namespace replay::gen
