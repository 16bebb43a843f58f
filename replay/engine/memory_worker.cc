#include "replay/engine/memory_worker.h"

#include "replay/engine/idle_worker.h"
#include "replay/engine/memory_pass.h"
#include "replay/engine/snapshot_pass.h"
#include "replay/engine/soak_pass.h"
#include "replay/engine/timer.h"

namespace replay {
namespace {

bool run_samples(const Stage& stage) {
#if defined(__x86_64__)
  if (stage.run->timer_is_tsc) return run_memory<TscTimer>(stage);
#endif
  return run_memory<ClockTimer>(stage);
}

}  // namespace

bool run_memory_pass(const Stage& stage) {
  switch (stage.run->pass) {
    case Pass::kSnapshot:
      return run_snapshot(stage);
    case Pass::kSoak:
      return run_soak(stage);
    default:
      if (!run_samples(stage)) return false;
      idle(stage);
      return true;
  }
}

}  // namespace replay
