// Streaming writer of trace format v1 (traces/README.md). The file gets its name in finish(), so a
// half-written trace never stands under it (output_file.h).
//
// What is no regular file, and "-" (standard output), gets the streamed form, compressed lightly:
// who reads at the other end waits for it.
//
// Not thread-safe. append is amortised O(1); memory is that of one block and, for the ordinary
// form, of the index (24 bytes a block).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "replay/trace/event.h"
#include "replay/trace/header.h"
#include "replay/trace/site_table.h"

namespace replay {

// Larger blocks compress hardly better, and a reader's buffers would outgrow the caches.
inline constexpr std::uint32_t kBlockEvents = 32768;

class TraceWriter {
 public:
  // Uses time_unit_ns, start_unix_ns, has_sites, has_touched and provenance of `header`. Throws
  // Error if the file cannot be made or no reader would take the provenance. pre: block_events is 1
  // to 65536; other sizes than the default are for tests.
  TraceWriter(const std::string& path, const TraceHeader& header,
              std::uint32_t block_events = kBlockEvents);
  ~TraceWriter();  // without finish(): nothing is left
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  // pre: time_ns does not decrease; a birth's object is the number of births before it; a free or
  // realloc names an object already born; a new thread is the number of threads before it; size is
  // 0 for a free, align_log2 is 0 for all but kAligned and at most 63; site and touched are
  // left out where the header says nothing of them. Throws Error where that is
  // violated or a write fails.
  void append(const Event& event);
  void append(std::span<const Event> events);

  // The stacks that the events' sites name; before finish(). pre: header.has_sites.
  void set_sites(SiteTable sites);
  bool has_sites() const;

  // Ends the file: last block, index, counts, provenance and losses; then renames it into place. Of
  // the streamed form: last block and trailer. Throws Error if a write fails or no reader would
  // take the provenance.
  void finish(std::uint64_t lost_events, const nlohmann::ordered_json& provenance);

  std::uint64_t events() const;
  std::uint64_t bytes() const;  // bytes of the file so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace replay
