#include "replay/floor/class_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string_view>

#include "replay/trace/error.h"

namespace replay {
namespace {

// 4 GiB. So many objects as can be live of so large a class still have a sum.
constexpr unsigned kLastLog2 = 32;

// `per_doubling` classes from each power of two to the next, from 2^from to 2^to.
void add_doublings(std::vector<std::uint64_t>& sizes, unsigned from, unsigned to,
                   std::uint64_t per_doubling) {
  for (unsigned log2 = from; log2 < to; ++log2) {
    const std::uint64_t base = std::uint64_t{1} << log2;
    for (std::uint64_t i = 1; i <= per_doubling; ++i) {
      sizes.push_back(base + base / per_doubling * i);
    }
  }
}

// Steps of 16 bytes to 1 KiB, then 8 a doubling to 32 KiB; beyond, mem hands out whole pages.
std::vector<std::uint64_t> mem_sizes() {
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t size = 16; size <= 1024; size += 16) sizes.push_back(size);
  add_doublings(sizes, 10, 15, 8);
  return sizes;
}

std::vector<std::uint64_t> power_sizes() {
  std::vector<std::uint64_t> sizes = {16};
  add_doublings(sizes, 4, kLastLog2, 1);
  return sizes;
}

// 8, then steps of 16 to 64, then 4 a doubling (jemalloc(3), size classes; quantum of 16 bytes).
std::vector<std::uint64_t> jemalloc_sizes() {
  std::vector<std::uint64_t> sizes = {8, 16, 32, 48, 64};
  add_doublings(sizes, 6, kLastLog2, 4);
  return sizes;
}

struct NamedTable {
  const char* name;
  std::vector<std::uint64_t> (*sizes)();
};
constexpr NamedTable kTables[] = {
    {"mem", mem_sizes}, {"powers", power_sizes}, {"jemalloc", jemalloc_sizes}};
constexpr const char* kNames[] = {kTables[0].name, kTables[1].name, kTables[2].name};

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

std::uint64_t parse_size(std::string_view text, const std::string& where) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size() || size == 0 ||
      size > std::uint64_t{1} << kLastLog2) {
    throw Error(fmt::format("--classes: '{}' {} is no size in bytes from 1 to 2^{}", text, where,
                            kLastLog2),
                ExitCode::kUsage);
  }
  return size;
}

ClassTable table_of(const std::string& text, std::vector<std::uint64_t> sizes) {
  if (sizes.empty()) {
    throw Error(fmt::format("--classes {}: there are no sizes in it", text), ExitCode::kUsage);
  }
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return {text, std::move(sizes)};
}

ClassTable parse_list(const std::string& text) {
  std::vector<std::uint64_t> sizes;
  std::string_view rest = text;
  while (true) {
    const std::size_t comma = rest.find(',');
    sizes.push_back(parse_size(trimmed(rest.substr(0, comma)), "in " + text));
    if (comma == std::string_view::npos) return table_of(text, std::move(sizes));
    rest.remove_prefix(comma + 1);
  }
}

ClassTable read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw Error(fmt::format("--classes {}: neither one of {}, nor sizes such as 16,32,64, nor a "
                            "file that can be read: {}",
                            path, fmt::join(kNames, ", "), std::strerror(errno)),
                ExitCode::kUsage);
  }
  std::vector<std::uint64_t> sizes;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string_view text = trimmed(std::string_view(line).substr(0, line.find('#')));
    if (!text.empty()) sizes.push_back(parse_size(text, fmt::format("({}:{})", path, number)));
  }
  return table_of(path, std::move(sizes));
}

}  // namespace

ClassTable::ClassTable(std::string name, std::vector<std::uint64_t> sizes)
    : name_(std::move(name)), sizes_(std::move(sizes)), direct_(kDirectBytes + 1) {
  std::uint32_t index = 0;
  for (std::uint64_t bytes = 0; bytes <= kDirectBytes; ++bytes) {
    if (index < sizes_.size() && sizes_[index] < bytes) ++index;
    direct_[bytes] = index;
  }
}

std::size_t ClassTable::class_of(std::uint64_t bytes) const {
  if (bytes <= kDirectBytes) return direct_[bytes];
  return static_cast<std::size_t>(std::lower_bound(sizes_.begin(), sizes_.end(), bytes) -
                                  sizes_.begin());
}

std::span<const char* const> class_table_names() { return kNames; }

ClassTable parse_class_table(const std::string& text) {
  for (const NamedTable& table : kTables) {
    if (text == table.name) return {text, table.sizes()};
  }
  if (text.find_first_not_of("0123456789, ") == std::string::npos) return parse_list(text);
  return read_file(text);
}

}  // namespace replay
