#include "replay/record/drain.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "replay/record/chunk_list.h"

namespace replay {

namespace {

// In the shorter one a thread at full speed fills some ten chunks, less than a cache holds.
constexpr std::uint64_t kShortPauseNs = 10'000'000;
constexpr std::uint64_t kLongPauseNs = 80'000'000;

constexpr std::uint64_t kRoomBytes = std::uint64_t{16} << 20;
static_assert(kRoomBytes % spool::kChunkBytes == 0);

spool::ImageHeader& header_of(std::byte* base) {
  return *reinterpret_cast<spool::ImageHeader*>(base);
}

}  // namespace

std::uint64_t Drain::run() {
  spool::Control& control = spool_.control();
  const auto places = control.drains.load() != 0 && attach() ? take_full() : Places{};
  for (const std::uint64_t place : places) {
    if (!copy(place)) {
      control.drains = 0;
      break;
    }
    spool::push_chunk(header_of(base_).drained, base_ + spool::kHeaderBytes, place,
                      spool::kChunkDrained);
  }
  pause_ns_ =
      places.empty() ? std::clamp(2 * pause_ns_, kShortPauseNs, kLongPauseNs) : kShortPauseNs;
  return pause_ns_;
}

Drain::Places Drain::take_full() {
  Places places;
  std::byte* const chunks = base_ + spool::kHeaderBytes;
  while (const auto place = spool::pop_chunk(header_of(base_).full, chunks)) {
    places.push_back(*place);
  }
  std::reverse(places.begin(), places.end());
  return places;
}

// The file's end stays that of a whole chunk. Over the limit of file sizes a write is a signal, and
// on some file systems a fallocate.
bool Drain::copy(std::uint64_t place) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0) limit.rlim_cur = RLIM_INFINITY;
  if (written_bytes_ + spool::kChunkBytes > limit.rlim_cur) return false;
  // Room that was made in one piece is written at half the cost. A file system without it is none
  // the worse, and a full one says so below.
  if (written_bytes_ % kRoomBytes == 0 && written_bytes_ + kRoomBytes <= limit.rlim_cur) {
    ::fallocate(fd_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(written_bytes_), off_t{kRoomBytes});
  }
  const auto* const from = spool::chunk_at(base_ + spool::kHeaderBytes, place);
  if (::write(fd_, from, spool::kChunkBytes) == ssize_t{spool::kChunkBytes}) {
    written_bytes_ += spool::kChunkBytes;
    return true;
  }
  [[maybe_unused]] const int cut = ::ftruncate(fd_, static_cast<off_t>(written_bytes_));
  return false;
}

bool Drain::attach() {
  const std::uint32_t images = spool_.control().images.load();
  if (images == 0) return false;
  if (index_ != images - 1) {
    detach();
    const int fd = ::open(spool_.image_path(images - 1).c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return false;
    struct stat status {};
    void* base = MAP_FAILED;
    if (::fstat(fd, &status) == 0 && status.st_size >= off_t{spool::kHeaderBytes}) {
      base = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_NORESERVE, fd, 0);
    }
    ::close(fd);
    if (base == MAP_FAILED) return false;
    base_ = static_cast<std::byte*>(base);
    size_bytes_ = static_cast<std::size_t>(status.st_size);
    index_ = images - 1;
    fd_ = ::open(spool_.drained_path(*index_).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                 0600);
  }
  // The program is there as soon as the file is, and the header a moment later.
  return fd_ >= 0 &&
         __atomic_load_n(&header_of(base_).magic, __ATOMIC_ACQUIRE) == spool::kImageMagic;
}

void Drain::detach() {
  if (base_ != nullptr) ::munmap(base_, size_bytes_);
  if (fd_ >= 0) ::close(fd_);
  base_ = nullptr;
  fd_ = -1;
  written_bytes_ = 0;
  index_.reset();
}

}  // namespace replay
