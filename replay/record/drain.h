// The recorder's side of the chunks' round: copies those that are full into the drained file, and
// gives them back to the program's threads.
//
// Only the newest image is drained: one before it belonged to a program that is gone. Where a copy
// fails, as on a full disk, draining ends, and what is full stays in the image, where the merge
// finds it. Not thread-safe; the threads of the program go on meanwhile. Never throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "replay/record/spool_directory.h"

namespace replay {

class Drain {
 public:
  explicit Drain(SpoolDirectory& spool) : spool_(spool) {}
  ~Drain() { detach(); }
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  // Copies what is full now. Returns how long the next call may wait: short while there is much to
  // do, so that the chunks which go round stay few, and longer when the program is idle.
  std::uint64_t run();
  // Gives the image's mapping back; run() makes it anew if there is to be drained still.
  void detach();

 private:
  using Places = std::vector<std::uint64_t>;
  bool attach();  // to the newest image
  bool copy(std::uint64_t place);
  Places take_full();  // the oldest first

  SpoolDirectory& spool_;
  std::optional<std::uint32_t> index_;  // of the image that is mapped
  std::byte* base_ = nullptr;
  std::size_t size_bytes_ = 0;
  int fd_ = -1;  // the drained file
  std::uint64_t written_bytes_ = 0;
  std::uint64_t pause_ns_ = 0;
};

}  // namespace replay
