#include "replay/cli/memory_runs.h"

#include "replay/metrics/heap_map.h"
#include "replay/metrics/held_split.h"
#include "replay/report/soak_series.h"

namespace replay::cli {

RunRequest MemoryRuns::request_of(Pass pass, const AllocatorResult& allocator) const {
  return {allocator.subject, pass, options_.touch, cpu_};
}

RunOutcome MemoryRuns::run(const Plan& plan, const RunRequest& request,
                           const AllocatorResult& allocator) {
  const auto done = static_cast<double>(&allocator - result_.allocators.data());
  return launcher_.run(plan, request, [&](double share) {
    progress_((done + share) / static_cast<double>(result_.allocators.size()),
              allocator.subject.name + ' ' + pass_name(request.pass));
  });
}

void MemoryRuns::split_held(const Plan& plan) {
  for (AllocatorResult& allocator : result_.allocators) {
    RunRequest request = request_of(Pass::kSnapshot, allocator);
    request.snapshot_at = allocator.memory.most_pages();
    allocator.held_at_peak =
        replay::held_split(plan, request.snapshot_at, run(plan, request, allocator));
  }
}

void MemoryRuns::map_heaps(const Plan& plan, std::size_t checkpoint, const std::string& moment) {
  for (AllocatorResult& allocator : result_.allocators) {
    RunRequest request = request_of(Pass::kSnapshot, allocator);
    request.snapshot_at = checkpoint;
    request.maps_heap = true;
    allocator.heap_maps.push_back(
        heap_map(plan, checkpoint, moment, run(plan, request, allocator)));
  }
}

void MemoryRuns::soak(const Plan& closed, std::uint64_t recorded_events, std::uint64_t turns) {
  for (AllocatorResult& allocator : result_.allocators) {
    RunRequest request = request_of(Pass::kSoak, allocator);
    request.turns = turns;
    allocator.soak = soak_series(closed, recorded_events, run(closed, request, allocator));
  }
}

}  // namespace replay::cli
