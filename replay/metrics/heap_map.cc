#include "replay/metrics/heap_map.h"

#include <unistd.h>

#include <algorithm>

namespace replay {
namespace {

std::uint64_t address_of(const LiveObject& object) {
  return reinterpret_cast<std::uintptr_t>(object.address);
}

// Objects with bytes, ascending by address.
std::vector<LiveObject> sorted(std::vector<LiveObject> objects) {
  std::erase_if(objects, [](const LiveObject& object) { return object.size == 0; });
  std::sort(objects.begin(), objects.end(),
            [](const LiveObject& a, const LiveObject& b) { return address_of(a) < address_of(b); });
  return objects;
}

std::vector<HeapPage> pages_of(const std::vector<LiveObject>& objects, std::uint64_t page_bytes) {
  std::vector<HeapPage> pages;
  for (const LiveObject& object : objects) {
    const std::uint64_t end = address_of(object) + object.size;
    std::uint64_t at = address_of(object);
    while (at < end) {
      const std::uint64_t page = at / page_bytes * page_bytes;
      const std::uint64_t next = std::min(end, page + page_bytes);
      if (pages.empty() || pages.back().address != page) pages.push_back({page, 0, 0, false});
      pages.back().live_bytes += next - at;
      ++pages.back().objects;
      at = next;
    }
  }
  return pages;
}

// The pages of `runs`, one by one.
std::vector<std::uint64_t> pages_of(std::span<const PageRun> runs, std::uint64_t page_bytes) {
  std::vector<std::uint64_t> pages;
  for (const PageRun& run : runs) {
    for (std::uint64_t i = 0; i < run.pages; ++i) pages.push_back(run.address + i * page_bytes);
  }
  return pages;
}

void add_free_page(std::uint64_t address, HeapMap& map) {
  std::vector<PageRun>& runs = map.free_runs;
  if (!runs.empty() && runs.back().address + runs.back().pages * map.page_size_bytes == address) {
    ++runs.back().pages;
  } else {
    runs.push_back({address, 1});
  }
}

// pre: the objects are sorted and do not overlap, so that those on a page stand side by side.
std::vector<SparsePage> sparse_pages(const HeapMap& map, const std::vector<LiveObject>& objects) {
  std::vector<SparsePage> sparse;
  const double least = kSparseShare * static_cast<double>(map.page_size_bytes);
  for (const HeapPage& page : map.pages) {
    if (!page.resident || static_cast<double>(page.live_bytes) >= least) continue;
    SparsePage found{page.address, page.live_bytes, {}};
    auto at = std::partition_point(objects.begin(), objects.end(), [&](const LiveObject& object) {
      return address_of(object) + object.size <= page.address;
    });
    for (; at != objects.end() && address_of(*at) < page.address + map.page_size_bytes; ++at) {
      found.objects.push_back({address_of(*at), at->size, at->birth});
    }
    sparse.push_back(std::move(found));
  }
  return sparse;
}

}  // namespace

HeapMap heap_map(const Plan& plan, std::size_t checkpoint, const std::string& moment,
                 const RunOutcome& run) {
  HeapMap map;
  map.moment = moment;
  map.event = plan.checkpoints[checkpoint].event;
  map.page_size_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (!run.snapshot.backed) {
    map.why_absent = "no memory stands behind the allocator's blocks";
  } else if (run.snapshot.runs == 0) {
    map.why_absent = "the kernel does not tell which pages are resident";
  } else if (run.snapshot.runs > run.page_runs.size()) {
    map.why_absent = "the resident pages lie in too many runs";
  }
  if (!map.why_absent.empty()) return map;
  const std::vector<LiveObject> objects = sorted(run.live_objects);
  map.pages = pages_of(objects, map.page_size_bytes);
  const std::span<const PageRun> runs(run.page_runs);
  const auto before = pages_of(runs.first(run.snapshot.baseline_runs), map.page_size_bytes);
  const auto now = pages_of(runs.subspan(run.snapshot.baseline_runs), map.page_size_bytes);
  auto page = map.pages.begin();
  for (const std::uint64_t address : now) {
    while (page != map.pages.end() && page->address < address) ++page;
    if (page != map.pages.end() && page->address == address) {
      page->resident = true;
    } else if (!std::binary_search(before.begin(), before.end(), address)) {
      add_free_page(address, map);
    }
  }
  map.sparse = sparse_pages(map, objects);
  return map;
}

}  // namespace replay
