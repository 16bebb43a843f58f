#include "replay/trace/tools/renumber.h"

namespace replay {

std::uint32_t Renumbering::thread_of(std::uint32_t thread) {
  if (thread == last_from_ && !threads_.empty()) return last_to_;
  const auto [found, is_new] = threads_.try_emplace(thread, next_->thread);
  if (is_new) ++next_->thread;
  last_from_ = thread;
  last_to_ = found->second;
  return last_to_;
}

bool Renumbering::apply(Event* event) {
  if (is_birth(event->op)) {
    *objects_.insert(event->object) = next_->object;
    event->object = next_->object++;
  } else {
    const std::uint64_t* const found = objects_.find(event->object);
    if (found == nullptr) return false;
    const std::uint64_t number = *found;
    if (event->op == Op::kFree) objects_.erase(event->object);
    event->object = number;
  }
  event->thread = thread_of(event->thread);
  return true;
}

}  // namespace replay
