#include "core/dropin/stats_report.h"

#include "core/base/bits.h"
#include "core/mem/size_class.h"

namespace mem {
namespace {

using Number = unsigned long long;

constexpr const char* kFitNames[] = {"small", "medium"};

struct Totals {
  std::uint64_t live_objects = 0;
  std::uint64_t live_bytes = 0;
};

Totals totals_of(const MemStats& stats) noexcept {
  Totals totals{stats.large_live, stats.large_live_bytes};
  for (const SlabStats& bin : stats.bins) {
    totals.live_objects += bin.live_objects;
    totals.live_bytes += bin.live_bytes;
  }
  for (const FitStats& fits : stats.fits) {
    totals.live_objects += fits.live_objects;
    totals.live_bytes += fits.live_bytes;
  }
  return totals;
}

}  // namespace

void write_stats_json(FILE* stream, const MemStats& stats) noexcept {
  const Totals totals = totals_of(stats);
  fprintf(stream,
          "{\"schema\": \"mem-stats\", \"schema_version\": 1,\n"
          " \"page_size_bytes\": %llu, \"total_allocated_bytes\": %llu, \"live_objects\": %llu,\n"
          " \"total_pages\": %llu, \"used_pages\": %llu, \"dirty_pages\": %llu,\n"
          " \"clean_pages\": %llu, \"metadata_pages\": %llu, \"longest_free_pages\": %llu,\n"
          " \"purged_pages\": %llu,\n"
          " \"large\": {\"live_objects\": %llu, \"live_bytes\": %llu, \"pages\": %llu},\n",
          Number{kPageBytes}, Number{totals.live_bytes}, Number{totals.live_objects},
          Number{held_pages(stats)}, Number{stats.used_pages}, Number{stats.dirty_pages},
          Number{stats.clean_pages}, Number{stats.metadata_pages}, Number{stats.longest_free_pages},
          Number{stats.purged_pages}, Number{stats.large_live}, Number{stats.large_live_bytes},
          Number{stats.large_pages});
  fprintf(stream, " \"fitted\": [");
  for (int area = 0; area < 2; ++area) {
    const FitStats& fits = stats.fits[area];
    fprintf(stream,
            "%s\n  {\"sizes\": \"%s\", \"spans\": %llu, \"live_objects\": %llu, "
            "\"live_bytes\": %llu, \"free_bytes\": %llu, \"discarded_pages\": %llu}",
            area == 0 ? "" : ",", kFitNames[area], Number{fits.spans}, Number{fits.live_objects},
            Number{fits.live_bytes}, Number{fits.free_bytes}, Number{fits.discarded_pages});
  }
  fprintf(stream, "],\n \"slabs\": [");
  const char* separator = "";
  for (unsigned bin = 0; bin < kBins; ++bin) {
    const SlabStats& slabs = stats.bins[bin];
    if (slabs.slabs == 0) continue;
    fprintf(stream,
            "%s\n  {\"max_bytes\": %llu, \"slabs\": %llu, \"live_objects\": %llu, "
            "\"live_bytes\": %llu, \"free_bytes\": %llu, \"uncarved_bytes\": %llu}",
            separator, Number{bin_bytes(bin)}, Number{slabs.slabs}, Number{slabs.live_objects},
            Number{slabs.live_bytes}, Number{slabs.free_bytes}, Number{slabs.uncarved_bytes});
    separator = ",";
  }
  fprintf(stream, "]}\n");
}

void write_stats_table(FILE* stream, const MemStats& stats) noexcept {
  const Totals totals = totals_of(stats);
  fprintf(stream,
          "mem: total_allocated %llu bytes in %llu blocks, total_pages %llu\n"
          "mem: pages: used %llu (large %llu), dirty %llu, clean %llu, own %llu, purged %llu\n",
          Number{totals.live_bytes}, Number{totals.live_objects}, Number{held_pages(stats)},
          Number{stats.used_pages}, Number{stats.large_pages}, Number{stats.dirty_pages},
          Number{stats.clean_pages}, Number{stats.metadata_pages}, Number{stats.purged_pages});
  for (int area = 0; area < 2; ++area) {
    const FitStats& fits = stats.fits[area];
    fprintf(stream,
            "mem: fitted %s: %llu bytes in %llu, %llu free in %llu spans, %llu pages discarded\n",
            kFitNames[area], Number{fits.live_bytes}, Number{fits.live_objects},
            Number{fits.free_bytes}, Number{fits.spans}, Number{fits.discarded_pages});
  }
  fprintf(stream, "mem: slabs:\n%8s %8s %10s %12s %12s %12s\n", "size", "slabs", "objects",
          "live bytes", "free bytes", "uncarved");
  for (unsigned bin = 0; bin < kBins; ++bin) {
    const SlabStats& slabs = stats.bins[bin];
    if (slabs.slabs == 0) continue;
    fprintf(stream, "%8zu %8llu %10llu %12llu %12llu %12llu\n", bin_bytes(bin), Number{slabs.slabs},
            Number{slabs.live_objects}, Number{slabs.live_bytes}, Number{slabs.free_bytes},
            Number{slabs.uncarved_bytes});
  }
}

}  // namespace mem
