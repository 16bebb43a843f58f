#include "replay/trace/block_codec.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "replay/trace/format.h"
#include "replay/trace/varint.h"

namespace replay {
namespace {

using format::payload::Column;
using format::payload::column_count;
using format::payload::columns_at;
using format::payload::kMaxColumns;

std::uint32_t crc_of(const unsigned char* data, std::size_t size) {
  return static_cast<std::uint32_t>(crc32(0, data, static_cast<uInt>(size)));
}

// The values that stand where `take` is 1, else 0; without a branch.
std::uint64_t only_if(std::uint64_t take, std::uint64_t value) { return (0 - take) & value; }

}  // namespace

void encode_head(const BlockHead& head, unsigned char* to) {
  namespace at = format::block;
  std::memset(to, 0, at::kHeadSize);
  std::memcpy(to, format::kBlockMagic.data(), format::kBlockMagic.size());
  store_le<std::uint32_t>(to + at::kEventCount, head.event_count);
  store_le<std::uint64_t>(to + at::kFirstEvent, head.first_event);
  store_le<std::uint64_t>(to + at::kFirstTime, head.first_time);
  store_le<std::uint64_t>(to + at::kObjectsBefore, head.objects_before);
  store_le<std::uint32_t>(to + at::kCompressedSize, head.compressed_size);
  store_le<std::uint32_t>(to + at::kRawSize, head.raw_size);
  store_le<std::uint32_t>(to + at::kCrc, crc_of(to, at::kCrc));
}

std::string decode_head(const unsigned char* from, BlockHead* head, std::uint32_t features) {
  namespace at = format::block;
  if (std::memcmp(from, format::kBlockMagic.data(), format::kBlockMagic.size()) != 0) {
    return "expected the magic \"ABLK\" of a block";
  }
  const std::uint32_t stored = load_le<std::uint32_t>(from + at::kCrc);
  const std::uint32_t computed = crc_of(from, at::kCrc);
  if (stored != computed) {
    return fmt::format("block head checksum does not match (stored {:08x}, computed {:08x})",
                       stored, computed);
  }
  head->event_count = load_le<std::uint32_t>(from + at::kEventCount);
  head->first_event = load_le<std::uint64_t>(from + at::kFirstEvent);
  head->first_time = load_le<std::uint64_t>(from + at::kFirstTime);
  head->objects_before = load_le<std::uint64_t>(from + at::kObjectsBefore);
  head->compressed_size = load_le<std::uint32_t>(from + at::kCompressedSize);
  head->raw_size = load_le<std::uint32_t>(from + at::kRawSize);
  if (head->event_count < 1 || head->event_count > at::kMaxEvents) {
    return fmt::format("a block of {} events, expected 1 to {}", head->event_count, at::kMaxEvents);
  }
  const std::size_t max_raw = format::payload::max_raw_size(head->event_count, features);
  const std::size_t min_raw = columns_at(features);
  if (head->raw_size < min_raw || head->raw_size > max_raw) {
    return fmt::format("raw size {}, expected {} to {}", head->raw_size, min_raw, max_raw);
  }
  const std::size_t max_compressed = format::payload::max_compressed_size(head->raw_size);
  if (head->compressed_size > max_compressed) {
    return fmt::format("compressed size {}, expected at most {}", head->compressed_size,
                       max_compressed);
  }
  if (head->objects_before > head->first_event ||
      head->first_event > std::numeric_limits<std::uint64_t>::max() - head->event_count) {
    return fmt::format("{} objects born in {} events", head->objects_before, head->first_event);
  }
  return {};
}

// Encoding.

struct BlockEncoder::Columns {
  std::array<std::vector<unsigned char>, kMaxColumns> bytes;
  std::array<unsigned char*, kMaxColumns> end{};
  ZSTD_CCtx* zstd = ZSTD_createCCtx();

  explicit Columns(int zstd_level) {
    if (zstd == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, zstd_level);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
  }
  ~Columns() { ZSTD_freeCCtx(zstd); }
  Columns(const Columns&) = delete;
  Columns& operator=(const Columns&) = delete;

  void put(Column column, std::uint64_t value) { end[column] = put_varint(end[column], value); }
  std::size_t size(std::size_t column) const {
    return static_cast<std::size_t>(end[column] - bytes[column].data());
  }
};

BlockEncoder::BlockEncoder(std::uint32_t time_unit_ns, std::uint32_t features, int zstd_level)
    : time_unit_ns_(time_unit_ns),
      features_(features),
      columns_(std::make_unique<Columns>(zstd_level)) {}

BlockEncoder::~BlockEncoder() = default;

void BlockEncoder::begin(std::uint64_t first_event, std::uint64_t objects_before) {
  head_ = {};
  head_.first_event = first_event;
  head_.objects_before = births_ = objects_before;
  run_length_ = 0;
  for (std::size_t i = 0; i < column_count(features_); ++i) {
    columns_->end[i] = columns_->bytes[i].data();
  }
}

void BlockEncoder::add(std::span<const Event> events) {
  if (events.empty()) return;
  if (head_.event_count == 0) {
    head_.first_time = events.front().time_ns / time_unit_ns_;
    unit_began_ns_ = head_.first_time * time_unit_ns_;
    run_thread_ = events.front().thread;
  }
  make_room(events.size());
  lay_out(events);
  if (format::payload::has_extra_columns(features_)) lay_out_extras(events);
  head_.event_count += static_cast<std::uint32_t>(events.size());
}

void BlockEncoder::make_room(std::size_t events) {
  Columns& columns = *columns_;
  const std::size_t wanted = (head_.event_count + events) * 2 * kMaxVarintBytes;
  for (std::size_t i = 0; i < column_count(features_); ++i) {
    if (columns.bytes[i].size() >= wanted) continue;
    const std::size_t used = columns.size(i);
    columns.bytes[i].resize(std::max(wanted, 2 * columns.bytes[i].size()));
    columns.end[i] = columns.bytes[i].data() + used;
  }
}

// Hot, as join() is. Most events have a size or a distance, and which cannot be predicted: it is
// encoded once, to the column that `ends` says.
void BlockEncoder::lay_out(std::span<const Event> events) {
  Columns& columns = *columns_;
  unsigned char* ops = columns.end[Column::kOps];
  unsigned char* ends[] = {columns.end[Column::kSizes], columns.end[Column::kDistances]};
  unsigned char* aligns = columns.end[Column::kAligns];
  unsigned char* times = columns.end[Column::kTimes];
  const std::uint64_t unit_ns = time_unit_ns_;
  std::uint64_t births = births_;
  std::uint64_t unit_began_ns = unit_began_ns_;
  std::uint32_t run_thread = run_thread_;
  std::uint64_t run_length = run_length_;
  for (const Event& event : events) {
    if (event.thread != run_thread) {
      columns.put(Column::kThreads, run_thread);
      columns.put(Column::kThreads, std::exchange(run_length, 0));
      run_thread = event.thread;
    }
    ++run_length;
    const auto op = static_cast<std::uint64_t>(event.op);
    const std::uint64_t named = op >> 2 | (op & op >> 1);  // kRealloc and kFree
    *ops++ = static_cast<unsigned char>(op);
    births += 1 - named;
    if (event.op == Op::kRealloc) [[unlikely]]
      ends[0] = put_varint(ends[0], event.size);
    const std::uint64_t value =
        only_if(named, births - event.object) | only_if(1 - named, event.size);
    ends[named] = put_varint(ends[named], value);
    *aligns = event.align_log2;
    aligns += event.op == Op::kAligned ? 1 : 0;
    const std::uint64_t since_ns = event.time_ns - unit_began_ns;
    const std::uint64_t units =
        since_ns < 2 * unit_ns ? (since_ns < unit_ns ? 0 : 1) : since_ns / unit_ns;
    if (units < 0x80) [[likely]] {
      *times++ = static_cast<unsigned char>(units);
    } else {
      times = put_varint(times, units);
    }
    unit_began_ns += units * unit_ns;
  }
  columns.end[Column::kOps] = ops;
  columns.end[Column::kSizes] = ends[0];
  columns.end[Column::kDistances] = ends[1];
  columns.end[Column::kAligns] = aligns;
  columns.end[Column::kTimes] = times;
  births_ = births;
  unit_began_ns_ = unit_began_ns;
  run_thread_ = run_thread;
  run_length_ = run_length;
}

void BlockEncoder::lay_out_extras(std::span<const Event> events) {
  Columns& columns = *columns_;
  for (const Event& event : events) {
    if ((features_ & format::kFeatureSites) != 0 && event.op != Op::kFree) {
      columns.put(Column::kSites, event.site);
    }
    if ((features_ & format::kFeatureTouched) != 0 && !is_birth(event.op)) {
      columns.put(Column::kTouched, event.touched);
    }
  }
}

// Each column is flushed, so that it has entropy tables of its own.
std::size_t BlockEncoder::compress(std::size_t raw_size, unsigned char* to, std::size_t capacity) {
  Columns& columns = *columns_;
  const std::size_t count = column_count(features_);
  std::array<unsigned char, 4 * kMaxColumns> sizes;
  for (std::size_t i = 0; i < count; ++i) {
    store_le<std::uint32_t>(&sizes[4 * i], static_cast<std::uint32_t>(columns.size(i)));
  }
  ZSTD_CCtx_reset(columns.zstd, ZSTD_reset_session_only);
  ZSTD_CCtx_setPledgedSrcSize(columns.zstd, raw_size);
  ZSTD_outBuffer out{to, capacity, 0};
  const auto feed = [&](const unsigned char* data, std::size_t size, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{data, size, 0};
    // Zero means that all is written; it is, because `capacity` is ZSTD's own bound and slack.
    if (ZSTD_compressStream2(columns.zstd, &out, &in, directive) != 0) throw std::bad_alloc();
  };
  feed(sizes.data(), columns_at(features_), ZSTD_e_flush);
  for (std::size_t i = 0; i < count; ++i) {
    feed(columns.bytes[i].data(), columns.size(i), i + 1 == count ? ZSTD_e_end : ZSTD_e_flush);
  }
  return out.pos;
}

std::span<const unsigned char> BlockEncoder::end() {
  columns_->put(Column::kThreads, run_thread_);
  columns_->put(Column::kThreads, run_length_);
  std::size_t raw_size = columns_at(features_);
  for (std::size_t i = 0; i < column_count(features_); ++i) raw_size += columns_->size(i);

  const std::size_t capacity = format::payload::max_compressed_size(raw_size);
  block_.resize(format::block::kHeadSize + capacity);
  const std::size_t compressed =
      compress(raw_size, block_.data() + format::block::kHeadSize, capacity);
  head_.compressed_size = static_cast<std::uint32_t>(compressed);
  head_.raw_size = static_cast<std::uint32_t>(raw_size);
  encode_head(head_, block_.data());
  return {block_.data(), format::block::kHeadSize + compressed};
}

// Decoding.

namespace {

struct OpCounts {
  std::size_t sized = 0;
  std::size_t named = 0;  // by an object distance
  std::size_t aligned = 0;
  bool valid = true;
};

OpCounts count_ops(std::span<const unsigned char> ops) {
  std::array<std::size_t, 256> counts{};
  for (const unsigned char op : ops) ++counts[op];
  const auto of = [&](Op op) { return counts[static_cast<std::size_t>(op)]; };
  const std::size_t births = of(Op::kMalloc) + of(Op::kCalloc) + of(Op::kAligned);
  return {.sized = births + of(Op::kRealloc),
          .named = of(Op::kRealloc) + of(Op::kFree),
          .aligned = of(Op::kAligned),
          .valid = births + of(Op::kRealloc) + of(Op::kFree) == ops.size()};
}

}  // namespace

struct BlockDecoder::Buffers {
  Buffers(std::uint32_t unit, std::uint32_t features_in)
      : time_unit_ns(unit), features(features_in) {
    if (zstd == nullptr) throw std::bad_alloc();
  }
  ~Buffers() { ZSTD_freeDCtx(zstd); }
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;

  std::string decompress(const BlockHead& head, std::span<const unsigned char> frame);
  std::string split(const BlockHead& head);
  std::string read_columns(const BlockHead& head);
  std::string join(const BlockHead& head);
  bool fill_threads();
  std::string fill_extras();

  std::uint32_t time_unit_ns;
  std::uint32_t features;
  ZSTD_DCtx* zstd = ZSTD_createDCtx();
  std::vector<unsigned char> raw;
  std::array<std::span<const unsigned char>, kMaxColumns> columns;
  // The columns, decoded; each with one value more than needed, as join() reads ahead.
  std::vector<std::uint64_t> sizes, distances, times, extras;
  std::size_t sized_events = 0;
  std::size_t named_events = 0;
  std::vector<std::uint8_t> aligns;
  std::vector<Event> events;
  std::uint64_t births = 0;
  std::uint32_t threads = 0;
};

std::string BlockDecoder::Buffers::decompress(const BlockHead& head,
                                              std::span<const unsigned char> frame) {
  constexpr std::size_t kDescriptorAt = 4;
  constexpr unsigned kHasChecksum = 4;
  if (frame.size() <= kDescriptorAt || (frame[kDescriptorAt] & kHasChecksum) == 0 ||
      ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size()) {
    return "expected one zstd frame with a checksum";
  }
  raw.resize(head.raw_size);
  const std::size_t size =
      ZSTD_decompressDCtx(zstd, raw.data(), raw.size(), frame.data(), frame.size());
  if (ZSTD_isError(size) != 0) {
    return fmt::format("block checksum does not match or its data is malformed (zstd: {})",
                       ZSTD_getErrorName(size));
  }
  if (size != head.raw_size) {
    return fmt::format("the block decompresses to {} bytes, expected {}", size, head.raw_size);
  }
  return {};
}

std::string BlockDecoder::Buffers::split(const BlockHead& head) {
  std::size_t at = columns_at(features);
  for (std::size_t i = 0; i < column_count(features); ++i) {
    const std::size_t size = load_le<std::uint32_t>(raw.data() + 4 * i);
    if (size > raw.size() - at) return fmt::format("column {} goes beyond the payload", i);
    columns[i] = std::span(raw).subspan(at, size);
    at += size;
  }
  if (at != raw.size()) return fmt::format("{} bytes after the last column", raw.size() - at);
  if (columns[Column::kOps].size() != head.event_count) {
    return fmt::format("{} ops for {} events", columns[Column::kOps].size(), head.event_count);
  }
  return {};
}

std::string BlockDecoder::Buffers::read_columns(const BlockHead& head) {
  const OpCounts counts = count_ops(columns[Column::kOps]);
  if (!counts.valid) return "an op above 4";
  sized_events = counts.sized;
  named_events = counts.named;
  const auto read = [this](Column column, std::size_t count, std::vector<std::uint64_t>* values) {
    const auto bytes = columns[column];
    values->resize(count + 1);
    const unsigned char* const end = bytes.data() + bytes.size();
    return get_varints(bytes.data(), end, count, values->data()) == end;
  };
  if (!read(Column::kSizes, counts.sized, &sizes)) return "the sizes do not add up";
  if (!read(Column::kDistances, counts.named, &distances)) return "the distances do not add up";
  if (!read(Column::kTimes, head.event_count, &times)) return "the times do not add up";
  if (times[0] != 0) return "the first time delta is not 0";
  const auto bytes = columns[Column::kAligns];
  if (bytes.size() != counts.aligned) return "the aligns do not add up";
  aligns.assign(bytes.begin(), bytes.end());
  aligns.push_back(0);
  for (const std::uint8_t align : aligns) {
    if (align > 63) return fmt::format("log2 of an alignment is {}, expected at most 63", align);
  }
  return {};
}

// Hot: no branch depends on the data, as ops in a row are hard to predict. What is out of bounds is
// collected and looked at once, after the loop; until then it is only ever a wrong number.
std::string BlockDecoder::Buffers::join(const BlockHead& head) {
  const auto ops = columns[Column::kOps];
  const std::uint8_t* align = aligns.data();
  const std::uint64_t* size = sizes.data();
  const std::uint64_t* distance = distances.data();
  std::uint64_t born = head.objects_before;
  std::uint64_t time = head.first_time;
  std::uint64_t bad_distance = 0;
  std::uint64_t bad_time = 0;
  events.resize(head.event_count);
  for (std::size_t i = 0; i < head.event_count; ++i) {
    const std::uint64_t op = ops[i];
    const std::uint64_t named = op >= static_cast<std::uint64_t>(Op::kRealloc);
    const std::uint64_t sized = op != static_cast<std::uint64_t>(Op::kFree);
    const std::uint64_t aligned = op == static_cast<std::uint64_t>(Op::kAligned);
    const std::uint64_t back = only_if(named, *distance);
    bad_distance |= named & static_cast<std::uint64_t>(back - 1 >= born);
    bad_time |= static_cast<std::uint64_t>(time + times[i] < time);
    time += times[i];
    Event& event = events[i];
    event.time_ns = time * time_unit_ns;
    event.object = born - back;
    event.size = only_if(sized, *size);
    event.op = static_cast<Op>(op);
    event.align_log2 = static_cast<std::uint8_t>(only_if(aligned, *align));
    distance += named;
    size += sized;
    align += aligned;
    born += 1 - named;
  }
  if (bad_distance != 0) return "a free or realloc of an object that is not born yet";
  if (bad_time != 0 || time > std::numeric_limits<std::uint64_t>::max() / time_unit_ns) {
    return "the time does not fit 64 bits";
  }
  births = born - head.objects_before;
  return {};
}

bool BlockDecoder::Buffers::fill_threads() {
  const auto bytes = columns[Column::kThreads];
  const unsigned char* at = bytes.data();
  const unsigned char* const end = at + bytes.size();
  Event* event = events.data();
  Event* const events_end = event + events.size();
  threads = 0;
  while (event != events_end) {
    std::uint64_t thread = 0;
    std::uint64_t run = 0;
    if ((at = get_varint(at, end, &thread)) == nullptr) return false;
    if ((at = get_varint(at, end, &run)) == nullptr) return false;
    if (thread >= std::numeric_limits<std::uint32_t>::max() || run < 1 ||
        run > static_cast<std::uint64_t>(events_end - event)) {
      return false;
    }
    const auto number = static_cast<std::uint32_t>(thread);
    threads = std::max(threads, number + 1);
    for (Event* const run_end = event + run; event != run_end; ++event) event->thread = number;
  }
  return at == end;
}

// After join(), which leaves alone what it writes here.
std::string BlockDecoder::Buffers::fill_extras() {
  const auto fill = [this](Column column, std::size_t count, std::uint32_t Event::*member,
                           auto has) {
    const auto bytes = columns[column];
    extras.resize(count);
    const unsigned char* const end = bytes.data() + bytes.size();
    if (get_varints(bytes.data(), end, count, extras.data()) != end) return false;
    std::uint64_t all = 0;
    const std::uint64_t* value = extras.data();
    for (Event& event : events) {
      const bool takes = count != 0 && has(event.op);
      event.*member = takes ? static_cast<std::uint32_t>(*value) : 0;
      if (takes) all |= *value++;
    }
    return all <= std::numeric_limits<std::uint32_t>::max();
  };
  const bool with_sites = (features & format::kFeatureSites) != 0;
  const bool with_touched = (features & format::kFeatureTouched) != 0;
  if (!fill(Column::kSites, with_sites ? sized_events : 0, &Event::site,
            [](Op op) { return op != Op::kFree; })) {
    return "the sites do not add up";
  }
  if (!fill(Column::kTouched, with_touched ? named_events : 0, &Event::touched,
            [](Op op) { return !is_birth(op); })) {
    return "the touched pages do not add up";
  }
  return {};
}

BlockDecoder::BlockDecoder(std::uint32_t time_unit_ns, std::uint32_t features)
    : buffers_(std::make_unique<Buffers>(time_unit_ns, features)) {}
BlockDecoder::~BlockDecoder() = default;
BlockDecoder::BlockDecoder(BlockDecoder&&) noexcept = default;
BlockDecoder& BlockDecoder::operator=(BlockDecoder&&) noexcept = default;

std::string BlockDecoder::decode(const BlockHead& head, std::span<const unsigned char> frame) {
  std::string problem = buffers_->decompress(head, frame);
  if (problem.empty()) problem = buffers_->split(head);
  if (problem.empty()) problem = buffers_->read_columns(head);
  if (problem.empty()) problem = buffers_->join(head);
  if (problem.empty() && !buffers_->fill_threads()) problem = "the threads do not add up";
  if (problem.empty() && format::payload::has_extra_columns(buffers_->features)) {
    problem = buffers_->fill_extras();
  }
  return problem;
}

std::span<const Event> BlockDecoder::events() const { return buffers_->events; }
std::uint64_t BlockDecoder::births() const { return buffers_->births; }
std::uint32_t BlockDecoder::threads() const { return buffers_->threads; }

}  // namespace replay
