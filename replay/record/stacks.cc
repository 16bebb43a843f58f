#include "replay/record/stacks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include "replay/record/spool.h"
#include "replay/trace/error.h"

namespace replay {
namespace {

using Word = std::uint64_t;

class StacksFile {
 public:
  explicit StacksFile(const std::string& path) : path_(path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    Word words = 0;  // of the file, which is as long as it may ever become
    if (fd >= 0 && ::fstat(fd, &status) == 0 && status.st_size >= off_t{spool::kHeaderBytes} &&
        ::pread(fd, &words, sizeof(words), offsetof(spool::StacksHeader, words)) ==
            ssize_t{sizeof(words)}) {
      const auto size = static_cast<Word>(status.st_size);
      bytes_ = std::clamp(words, spool::kStacksHeaderWords, size / sizeof(Word)) * sizeof(Word);
      base_ = ::mmap(nullptr, bytes_, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
    }
    if (fd >= 0) ::close(fd);
    if (base_ == MAP_FAILED ||
        static_cast<const spool::StacksHeader*>(base_)->magic != spool::kStacksMagic) {
      if (base_ != MAP_FAILED) ::munmap(base_, bytes_);
      throw Error(path + ": not the call sites of a recording");
    }
  }
  ~StacksFile() { ::munmap(base_, bytes_); }
  StacksFile(const StacksFile&) = delete;
  StacksFile& operator=(const StacksFile&) = delete;

  // The words behind the head of an entry of `kind`, and the count in its head; `words_of` tells
  // how many words so much takes.
  std::pair<const Word*, Word> entry(Word at, Word kind, Word (*words_of)(Word)) const {
    const Word room = bytes_ / sizeof(Word);
    const Word* const words = static_cast<const Word*>(base_);
    const Word head = at < room ? __atomic_load_n(words + at, __ATOMIC_ACQUIRE) : 0;
    const Word count = head >> 8;
    if ((head & 0xff) != kind || count > room * sizeof(Word) || words_of(count) > room - at - 1) {
      throw Error(fmt::format("{}: word {} is not an entry of kind {}", path_, at, kind));
    }
    return {words + at + 1, count};
  }

 private:
  std::string path_;
  void* base_ = MAP_FAILED;
  std::size_t bytes_ = 0;
};

class Builder {
 public:
  explicit Builder(const std::string& path) : file_(path) {}

  void add(Word site) {
    const auto [words, frames] = file_.entry(
        site, spool::kStacksStack, [](Word frames_there) { return 1 + 2 * frames_there; });
    std::uint32_t node = 0;
    for (Word i = frames; i-- > 0;) node = child(node, frame(words[1 + 2 * i], words[2 + 2 * i]));
    table_.stacks.push_back(node);
  }
  SiteTable take() { return std::move(table_); }

 private:
  std::uint32_t module(Word entry) {
    if (entry == 0) return 0;
    const auto [found, is_new] =
        modules_.emplace(entry, static_cast<std::uint32_t>(table_.modules.size() + 1));
    if (is_new) {
      const auto [words, length] = file_.entry(entry, spool::kStacksModule, [](Word bytes) {
        return (bytes + sizeof(Word) - 1) / sizeof(Word);
      });
      const std::string text(reinterpret_cast<const char*>(words), length);
      const std::size_t end = std::min(text.find('\0'), text.size());
      table_.modules.push_back({text.substr(0, end), text.substr(std::min(end + 1, text.size()))});
    }
    return found->second;
  }

  std::uint32_t frame(Word module_entry, Word offset) {
    const auto [found, is_new] = frames_.emplace(std::pair(module_entry, offset),
                                                 static_cast<std::uint32_t>(table_.frames.size()));
    if (is_new) table_.frames.push_back({.module = module(module_entry), .offset = offset});
    return found->second;
  }

  std::uint32_t child(std::uint32_t parent, std::uint32_t frame) {
    const auto [found, is_new] = nodes_.emplace(
        std::pair(parent, frame), static_cast<std::uint32_t>(table_.nodes.size() + 1));
    if (is_new) table_.nodes.push_back({parent, frame});
    return found->second;
  }

  StacksFile file_;
  SiteTable table_;
  std::map<Word, std::uint32_t> modules_;
  std::map<std::pair<Word, Word>, std::uint32_t> frames_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> nodes_;
};

}  // namespace

SiteTable read_stacks(const std::string& path, const std::vector<std::uint64_t>& sites) {
  Builder builder(path);
  for (const std::uint64_t site : sites) builder.add(site);
  return builder.take();
}

}  // namespace replay
