#include "replay/trace/block_encoder.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "replay/trace/format.h"
#include "replay/trace/only_if.h"
#include "replay/trace/varint.h"

namespace replay {

using format::payload::Column;
using format::payload::column_count;
using format::payload::columns_at;
using format::payload::kMaxColumns;

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

// Hot, as the decoder's join() is. Most events have a size or a distance, and which cannot be
// predicted: it is encoded once, to the column that `ends` says.
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

}  // namespace replay
