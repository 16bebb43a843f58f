#include "replay/trace/block_decoder.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <vector>

#include "replay/trace/format.h"
#include "replay/trace/only_if.h"
#include "replay/trace/varint.h"

namespace replay {
namespace {

using format::payload::Column;
using format::payload::column_count;
using format::payload::columns_at;
using format::payload::kMaxColumns;

constexpr const char* kBadThreads = "the threads do not add up";

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
  bool read_threads(const BlockHead& head);
  void fill_threads();
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
  std::vector<ThreadRun> thread_runs;
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

bool BlockDecoder::Buffers::read_threads(const BlockHead& head) {
  const auto bytes = columns[Column::kThreads];
  const unsigned char* at = bytes.data();
  const unsigned char* const end = at + bytes.size();
  std::uint32_t left = head.event_count;
  thread_runs.clear();
  threads = 0;
  while (left > 0) {
    std::uint64_t thread = 0;
    std::uint64_t run = 0;
    if ((at = get_varint(at, end, &thread)) == nullptr) return false;
    if ((at = get_varint(at, end, &run)) == nullptr) return false;
    if (thread >= std::numeric_limits<std::uint32_t>::max() || run < 1 || run > left) return false;
    const auto number = static_cast<std::uint32_t>(thread);
    threads = std::max(threads, number + 1);
    thread_runs.push_back({number, static_cast<std::uint32_t>(run)});
    left -= thread_runs.back().events;
  }
  return at == end;
}

void BlockDecoder::Buffers::fill_threads() {
  Event* event = events.data();
  for (const ThreadRun& run : thread_runs) {
    for (Event* const end = event + run.events; event != end; ++event) event->thread = run.thread;
  }
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
  if (problem.empty() && !buffers_->read_threads(head)) problem = kBadThreads;
  if (problem.empty()) buffers_->fill_threads();
  if (problem.empty() && format::payload::has_extra_columns(buffers_->features)) {
    problem = buffers_->fill_extras();
  }
  return problem;
}

std::string BlockDecoder::decode_threads(const BlockHead& head,
                                         std::span<const unsigned char> frame) {
  std::string problem = buffers_->decompress(head, frame);
  if (problem.empty()) problem = buffers_->split(head);
  if (problem.empty() && !buffers_->read_threads(head)) problem = kBadThreads;
  return problem;
}

std::span<const Event> BlockDecoder::events() const { return buffers_->events; }
std::span<const ThreadRun> BlockDecoder::thread_runs() const { return buffers_->thread_runs; }
std::uint64_t BlockDecoder::births() const { return buffers_->births; }
std::uint32_t BlockDecoder::threads() const { return buffers_->threads; }

}  // namespace replay
