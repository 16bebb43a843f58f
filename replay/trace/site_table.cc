#include "replay/trace/site_table.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>

#include "replay/trace/error.h"
#include "replay/trace/format.h"
#include "replay/trace/little_endian.h"
#include "replay/trace/varint.h"

namespace replay {
namespace {

namespace at = format::sites;

constexpr std::size_t kLists = 5;
constexpr int kZstdLevel = 9;
constexpr std::uint64_t kMax32 = std::numeric_limits<std::uint32_t>::max();

void put(std::string& to, std::uint64_t value) {
  unsigned char bytes[kMaxVarintBytes];
  const unsigned char* const end = put_varint(bytes, value);
  to.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(end - bytes));
}

void put(std::string& to, const std::string& text) {
  put(to, text.size());
  to += text;
}

std::uint32_t head_crc(const unsigned char* from) {
  return static_cast<std::uint32_t>(crc32(0, from, at::kCrc));
}

std::string payload_of(const SiteTable& table) {
  std::string raw(at::kMinRawSize, '\0');
  const std::size_t counts[kLists] = {table.strings.size(), table.modules.size(),
                                      table.frames.size(), table.nodes.size(), table.stacks.size()};
  for (std::size_t i = 0; i < kLists; ++i) {
    store_le<std::uint32_t>(reinterpret_cast<unsigned char*>(&raw[4 * i]),
                            static_cast<std::uint32_t>(counts[i]));
  }
  for (const std::string& text : table.strings) put(raw, text);
  for (const SiteTable::Module& module : table.modules) {
    put(raw, module.path);
    put(raw, module.build_id);
  }
  for (const SiteTable::Frame& frame : table.frames) {
    for (const std::uint64_t value :
         {std::uint64_t{frame.module}, frame.offset, std::uint64_t{frame.function},
          std::uint64_t{frame.file}, std::uint64_t{frame.line}}) {
      put(raw, value);
    }
  }
  for (const SiteTable::Node& node : table.nodes) {
    put(raw, node.parent);
    put(raw, node.frame);
  }
  for (const std::uint32_t node : table.stacks) put(raw, node);
  return raw;
}

// Reads a payload; once something does not fit, everything else reads as 0.
class Payload {
 public:
  explicit Payload(std::string_view raw)
      : from_(reinterpret_cast<const unsigned char*>(raw.data())), end_(from_ + raw.size()) {}

  bool good() const { return good_; }
  bool at_end() const { return from_ == end_; }
  std::uint32_t fixed() {
    const auto value = load_le<std::uint32_t>(from_);
    from_ += sizeof(value);
    return value;
  }
  std::uint64_t number(std::uint64_t most) {
    std::uint64_t value = 0;
    const unsigned char* const next = good_ ? get_varint(from_, end_, &value) : nullptr;
    good_ = next != nullptr && value <= most;
    if (!good_) return 0;
    from_ = next;
    return value;
  }
  std::uint32_t number32(std::uint64_t most) { return static_cast<std::uint32_t>(number(most)); }
  std::string text() {
    const std::uint64_t size = number(kMax32);
    if (size > static_cast<std::uint64_t>(end_ - from_)) good_ = false;
    if (!good_) return {};
    std::string text(reinterpret_cast<const char*>(from_), size);
    from_ += size;
    return text;
  }
  // A list of `count` entries, each of which takes at least a byte.
  template <class Entry, class Read>
  void list(std::vector<Entry>* list, std::uint32_t count, Read read,
            std::size_t most = at::kMaxEntries) {
    if (count > std::min(most, static_cast<std::size_t>(end_ - from_))) good_ = false;
    if (!good_) return;
    list->reserve(count);
    while (list->size() < count && good_) list->push_back(read());
  }

 private:
  const unsigned char* from_;
  const unsigned char* end_;
  bool good_ = true;
};

bool read_payload(std::string_view raw, SiteTable* table) {
  Payload from(raw);
  std::uint32_t counts[kLists];
  for (std::uint32_t& count : counts) count = from.fixed();
  const auto [strings, modules, frames, nodes, stacks] = counts;
  from.list(&table->strings, strings, [&] { return from.text(); });
  from.list(&table->modules, modules, [&] {
    std::string path = from.text();
    return SiteTable::Module{std::move(path), from.text()};
  });
  from.list(&table->frames, frames, [&, strings = strings, modules = modules] {
    SiteTable::Frame frame;
    frame.module = from.number32(modules);
    frame.offset = from.number(std::numeric_limits<std::uint64_t>::max());
    frame.function = from.number32(strings);
    frame.file = from.number32(strings);
    frame.line = from.number32(kMax32);
    return frame;
  });
  from.list(
      &table->nodes, nodes,
      [&, frames = frames] {
        SiteTable::Node node;
        node.parent = from.number32(table->nodes.size());
        node.frame = from.number32(frames == 0 ? 0 : frames - 1);
        return node;
      },
      at::kMaxNodes);
  from.list(&table->stacks, stacks, [&, nodes = nodes] { return from.number32(nodes); });
  return from.good() && from.at_end() && (nodes == 0 || frames != 0);
}

}  // namespace

std::vector<SiteTable::Frame> SiteTable::stack(std::uint32_t site) const {
  std::vector<Frame> found;
  if (site == 0 || site > stacks.size()) return found;
  for (std::uint32_t node = stacks[site - 1]; node != 0; node = nodes[node - 1].parent) {
    found.push_back(frames[nodes[node - 1].frame]);
  }
  return found;
}

std::string SiteTable::text(const Frame& frame) const {
  const std::string module = frame.module == 0 ? "?" : modules[frame.module - 1].path;
  if (frame.function == 0) return fmt::format("{}+{:#x}", module, frame.offset);
  const std::string& function = strings[frame.function - 1];
  if (frame.file == 0) return fmt::format("{} ({})", function, module);
  return fmt::format("{} ({}:{})", function, strings[frame.file - 1], frame.line);
}

std::string encode_site_table(const SiteTable& table) {
  const std::string raw = payload_of(table);
  if (raw.size() > at::kMaxRawSize || table.nodes.size() > at::kMaxNodes ||
      std::max({table.strings.size(), table.modules.size(), table.frames.size(),
                table.stacks.size()}) > at::kMaxEntries) {
    throw Error(
        fmt::format("the table of call sites is larger than a trace can hold: {} bytes, {} "
                    "stacks",
                    raw.size(), table.stacks.size()));
  }
  std::string bytes(at::kHeadSize + ZSTD_compressBound(raw.size()), '\0');
  ZSTD_CCtx* const zstd = ZSTD_createCCtx();
  if (zstd == nullptr) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, kZstdLevel);
  ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
  const std::size_t size = ZSTD_compress2(zstd, &bytes[at::kHeadSize], bytes.size() - at::kHeadSize,
                                          raw.data(), raw.size());
  ZSTD_freeCCtx(zstd);
  if (ZSTD_isError(size) != 0) throw std::bad_alloc();
  bytes.resize(at::kHeadSize + size);
  auto* const to = reinterpret_cast<unsigned char*>(bytes.data());
  std::memcpy(to, format::kSitesMagic.data(), format::kSitesMagic.size());
  store_le<std::uint32_t>(to + at::kCompressedSize, static_cast<std::uint32_t>(size));
  store_le<std::uint32_t>(to + at::kRawSize, static_cast<std::uint32_t>(raw.size()));
  store_le<std::uint32_t>(to + at::kCrc, head_crc(to));
  return bytes;
}

std::string decode_site_head(const unsigned char* from, std::uint32_t* compressed_size,
                             std::uint32_t* raw_size) {
  if (std::memcmp(from, format::kSitesMagic.data(), format::kSitesMagic.size()) != 0) {
    return "expected the magic \"ASIT\" of the call sites";
  }
  if (load_le<std::uint32_t>(from + at::kCrc) != head_crc(from)) {
    return "the checksum of the call sites' head does not match";
  }
  *compressed_size = load_le<std::uint32_t>(from + at::kCompressedSize);
  *raw_size = load_le<std::uint32_t>(from + at::kRawSize);
  if (*raw_size < at::kMinRawSize || *raw_size > at::kMaxRawSize) {
    return fmt::format("raw size {} of the call sites, expected {} to {}", *raw_size,
                       at::kMinRawSize, at::kMaxRawSize);
  }
  if (*compressed_size > format::payload::max_compressed_size(*raw_size)) {
    return fmt::format("compressed size {} of the call sites, expected at most {}",
                       *compressed_size, format::payload::max_compressed_size(*raw_size));
  }
  return {};
}

std::string decode_site_table(std::span<const unsigned char> frame, std::uint32_t raw_size,
                              SiteTable* table) {
  if (ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size()) {
    return "expected one zstd frame of call sites";
  }
  std::string raw(raw_size, '\0');
  if (ZSTD_decompress(raw.data(), raw.size(), frame.data(), frame.size()) != raw_size) {
    return "the call sites' checksum does not match or their data is malformed";
  }
  *table = {};
  return read_payload(raw, table) ? "" : "the call sites do not add up";
}

}  // namespace replay
