#include "replay/cli/standard_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include "replay/cli/progress_bar.h"
#include "replay/engine/unique_fd.h"
#include "replay/trace/error.h"
#include "replay/trace/format.h"

namespace replay::cli {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 20;

bool is_stream() {
  struct stat info {};
  if (::fstat(STDIN_FILENO, &info) != 0 || S_ISDIR(info.st_mode)) return false;
  if (::isatty(STDIN_FILENO) == 1) return false;
  return !S_ISREG(info.st_mode) || ::lseek(STDIN_FILENO, 0, SEEK_CUR) != 0;
}

// Fills `chunk` from standard input; returns how much there was.
std::size_t read_chunk(std::vector<char>& chunk) {
  std::size_t done = 0;
  while (done < chunk.size()) {
    const ssize_t got = ::read(STDIN_FILENO, chunk.data() + done, chunk.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw system_error("standard input: cannot read");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

void write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw system_error("standard input: no memory to hold it");
    data.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void make_standard_input_a_file(bool show_progress) {
  if (!is_stream()) return;
  const UniqueFd file(::memfd_create("allocreplay-input", MFD_CLOEXEC));
  if (file.get() < 0) throw system_error("standard input: cannot create a memory file for it");
  ProgressBar bar(show_progress);
  std::vector<char> chunk(kChunk);
  std::size_t bytes = 0;
  while (const std::size_t got = read_chunk(chunk)) {
    const std::string_view data(chunk.data(), got);
    write_all(file.get(), data);
    if (bytes == 0 && !data.starts_with(format::kFileMagic)) break;
    bytes += got;
    bar.update_open(fmt::format("standard input, {:.0f} MB", static_cast<double>(bytes) / 1e6));
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0 || ::dup2(file.get(), STDIN_FILENO) < 0) {
    throw system_error("standard input: cannot be replaced by a memory file");
  }
}

void make_trace_a_file(std::string& trace, bool show_progress) {
  struct stat info {};
  if (trace != "-" && ::stat(trace.c_str(), &info) == 0 && S_ISFIFO(info.st_mode)) {
    const UniqueFd pipe(::open(trace.c_str(), O_RDONLY | O_CLOEXEC));
    if (pipe.get() < 0 || ::dup2(pipe.get(), STDIN_FILENO) < 0) {
      throw system_error(trace + ": cannot open");
    }
    trace = "-";
  }
  if (trace == "-") make_standard_input_a_file(show_progress);
}

}  // namespace replay::cli
