// Streaming reader of trace format v1 (traces/README.md): bounded memory however long the trace.
// Reads either form, of a file or of a pipe; "-" is standard input.
//
// Not thread-safe; several readers may read one file. Throws Error, with the file and the byte
// offset, on anything that is not as the specification says.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "replay/trace/block_decoder.h"
#include "replay/trace/event.h"
#include "replay/trace/header.h"
#include "replay/trace/site_table.h"

namespace replay {

struct ReadOptions {
  bool allow_truncated = false;   // stop quietly at the first block that is not whole
  std::string already_read = {};  // the first bytes of a pipe, if they were read before
};

class TraceReader {
 public:
  explicit TraceReader(const std::string& path, ReadOptions options = {});
  ~TraceReader();
  TraceReader(TraceReader&&) noexcept;
  TraceReader& operator=(TraceReader&&) noexcept;

  // Of a streamed trace in a pipe, the counts, losses and the final provenance are known (and
  // complete is true) only after next_block() gave the end.
  const TraceHeader& header() const;
  const std::string& path() const;  // "standard input" for "-"

  // The events of the next block, valid until the next call; empty at the end of the trace.
  std::span<const Event> next_block();

  // The same, but tells only which threads made the block's events: several times as fast.
  std::span<const ThreadRun> next_threads();

  // The next block is the one that holds event `index` (or the end). O(log blocks) with the index,
  // else by skipping blocks without decoding them. Returns the index of that block's first event.
  // Throws Error if that lies before what was read of a pipe.
  std::uint64_t seek(std::uint64_t index);

  // The call sites that events name; they stand behind the last block, so they are here only after
  // next_block() or seek() came to the end. Empty for a trace without (header().has_sites).
  const SiteTable& sites() const;

  // Events and bytes before the next block, and all bytes if that is known; for progress.
  std::uint64_t events_read() const;
  std::uint64_t bytes_read() const;
  std::optional<std::uint64_t> bytes_total() const;

  // True after the end was reached early in a truncated trace; says where and why.
  bool truncated() const;
  const std::string& truncation() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace replay
