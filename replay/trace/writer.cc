#include "replay/trace/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "replay/trace/block_encoder.h"
#include "replay/trace/block_index.h"
#include "replay/trace/error.h"
#include "replay/trace/header_codec.h"
#include "replay/trace/output_file.h"
#include "replay/trace/parse_json.h"
#include "replay/trace/trailer_codec.h"

namespace replay {
namespace {

constexpr std::size_t kPendingEvents = 512;

std::uint32_t checked_unit(const std::string& path, const TraceHeader& header) {
  if (header.time_unit_ns == 0) throw Error(path + ": time_unit_ns is 0, expected at least 1");
  return header.time_unit_ns;
}

TraceHeader unfinished(const TraceHeader& from, bool streamed) {
  TraceHeader header;
  header.streamed = streamed;
  header.time_unit_ns = from.time_unit_ns;
  header.start_unix_ns = from.start_unix_ns;
  header.has_sites = from.has_sites;
  header.has_touched = from.has_touched;
  header.provenance = from.provenance;
  return header;
}

}  // namespace

struct TraceWriter::Impl {
  Impl(const std::string& path_in, const TraceHeader& header_in, std::uint32_t block_events_in)
      : file(path_in),
        path(file.name()),
        header(unfinished(header_in, file.is_stream())),
        block_events(block_events_in),
        encoder(checked_unit(path, header_in), features_of(header),
                file.is_stream() ? kZstdFast : kZstdSmall) {
    pending.reserve(kPendingEvents);
    encoder.begin(0, 0);
    check_provenance();
    layout.header_size = roomy_header_size(header);
    write_header();
  }

  void check_provenance() const;
  void write_header();
  void check(const Event& event) const;
  bool take(std::span<const Event> events);
  void hand_on();
  std::uint32_t room() const;  // events until the block is full
  void end_block();
  void finish_file();
  void finish_stream();

  OutputFile file;
  std::string path;
  TraceHeader header;
  std::uint32_t block_events;
  FileLayout layout;
  BlockEncoder encoder;
  std::vector<Event> pending;  // of the block, not with the encoder yet
  BlockIndex index;            // none of a stream
  SiteTable sites;
  std::uint64_t last_time_ns = 0;
  bool finished = false;
};

// A reader must take it, or the new file, which may replace a good one, is lost.
void TraceWriter::Impl::check_provenance() const {
  nlohmann::ordered_json parsed;
  const std::string problem = parse_provenance(dump_provenance(header.provenance), &parsed);
  if (!problem.empty()) throw Error(fmt::format("{}: {}; nothing could read it", path, problem));
}

void TraceWriter::Impl::write_header() {
  if (!fits_header_size(header, layout.header_size)) {
    throw Error(path + ": the provenance is longer than a trace can hold (16 MiB)");
  }
  const std::string bytes = encode_header(header, layout);
  if (file.size() == 0) {
    file.append(bytes);
  } else {
    file.overwrite(0, bytes);
  }
}

void TraceWriter::Impl::check(const Event& event) const {
  const auto violated = [&](const std::string& what) {
    throw Error(fmt::format("{}: event {}: {}", path, header.event_count, what));
  };
  if (finished) violated("appended after finish()");
  if (event.op > Op::kFree) violated(fmt::format("unknown op {}", static_cast<int>(event.op)));
  if (event.time_ns < last_time_ns) {
    violated(
        fmt::format("time {} ns is before {} ns of the event before", event.time_ns, last_time_ns));
  }
  if (is_birth(event.op) && event.object != header.object_count) {
    violated(fmt::format("the next object is {}, not {}", header.object_count, event.object));
  }
  if (!is_birth(event.op) && event.object >= header.object_count) {
    violated(fmt::format("object {} is not born yet", event.object));
  }
  if (event.thread > header.thread_count) {
    violated(fmt::format("the next new thread is {}, not {}", header.thread_count, event.thread));
  }
  if (event.op == Op::kFree && event.size != 0) violated("a free has a size");
  if (event.align_log2 > 63 || (event.op != Op::kAligned && event.align_log2 != 0)) {
    violated(fmt::format("log2 of the alignment is {}", event.align_log2));
  }
}

// Appends events that are as they must be, all of one block, or none; without a branch an event.
bool TraceWriter::Impl::take(std::span<const Event> events) {
  std::uint64_t time_ns = last_time_ns;
  std::uint64_t objects = header.object_count;
  std::uint32_t threads = header.thread_count;
  bool bad = finished;
  for (const Event& event : events) {
    const bool birth = is_birth(event.op);
    bad |= event.op > Op::kFree;
    bad |= event.time_ns < time_ns;
    time_ns = event.time_ns;
    bad |= event.object > objects;
    bad |= (event.object == objects) != birth;
    objects += birth ? 1 : 0;
    bad |= event.thread > threads;
    threads += event.thread == threads ? 1 : 0;
    bad |= (event.op == Op::kFree) & (event.size != 0);
    bad |= event.align_log2 > (event.op == Op::kAligned ? 63 : 0);
  }
  if (bad) return false;
  last_time_ns = time_ns;
  header.object_count = objects;
  header.thread_count = threads;
  header.event_count += events.size();
  hand_on();
  encoder.add(events);
  if (room() == 0) end_block();
  return true;
}

// An encoder is fast with many events at once.
void TraceWriter::Impl::hand_on() {
  encoder.add(pending);
  pending.clear();
}

std::uint32_t TraceWriter::Impl::room() const {
  return block_events - static_cast<std::uint32_t>(encoder.events() + pending.size());
}

void TraceWriter::Impl::end_block() {
  hand_on();
  if (encoder.events() == 0) return;
  if (!header.streamed) {
    index.push_back({file.size(), header.event_count - encoder.events(), encoder.first_time()});
  }
  const auto bytes = encoder.end();
  file.append({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  encoder.begin(header.event_count, header.object_count);
}

void TraceWriter::Impl::finish_file() {
  if (!fits_header_size(header, layout.header_size)) {
    const std::uint32_t needed = roomy_header_size(header);
    const std::uint32_t growth = needed - layout.header_size;
    file.open_gap(layout.header_size, growth);
    for (IndexEntry& entry : index) entry.offset += growth;
    layout.header_size = needed;
  }
  layout.index_offset = file.size();
  layout.block_count = static_cast<std::uint32_t>(index.size());
  const auto bytes = encode_index(index);
  file.append({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  write_header();
}

void TraceWriter::Impl::finish_stream() {
  try {
    file.append(encode_trailer(header));
  } catch (const std::length_error& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
}

TraceWriter::TraceWriter(const std::string& path, const TraceHeader& header,
                         std::uint32_t block_events)
    : impl_(std::make_unique<Impl>(path, header, block_events)) {}

TraceWriter::~TraceWriter() = default;

void TraceWriter::append(const Event& event) {
  Impl& impl = *impl_;
  impl.check(event);
  impl.last_time_ns = event.time_ns;
  if (is_birth(event.op)) ++impl.header.object_count;
  if (event.thread == impl.header.thread_count) ++impl.header.thread_count;
  ++impl.header.event_count;
  impl.pending.push_back(event);
  if (impl.room() == 0) return impl.end_block();
  if (impl.pending.size() == kPendingEvents) impl.hand_on();
}

void TraceWriter::append(std::span<const Event> events) {
  Impl& impl = *impl_;
  while (!events.empty()) {
    const auto part = events.first(std::min<std::size_t>(events.size(), impl.room()));
    if (!impl.take(part)) {
      for (const Event& event : part) append(event);  // says which one is wrong
    }
    events = events.subspan(part.size());
  }
}

bool TraceWriter::has_sites() const { return impl_->header.has_sites; }
void TraceWriter::set_sites(SiteTable sites) { impl_->sites = std::move(sites); }

void TraceWriter::finish(std::uint64_t lost_events, const nlohmann::ordered_json& provenance) {
  Impl& impl = *impl_;
  if (impl.finished) throw Error(impl.path + ": finish() was called before");
  impl.end_block();
  if (impl.header.has_sites) impl.file.append(encode_site_table(impl.sites));
  impl.header.lost_events = lost_events;
  impl.header.provenance = provenance;
  impl.check_provenance();
  impl.header.complete = true;
  if (impl.header.streamed) {
    impl.finish_stream();
  } else {
    impl.finish_file();
  }
  impl.file.commit();
  impl.finished = true;
}

std::uint64_t TraceWriter::events() const { return impl_->header.event_count; }
std::uint64_t TraceWriter::bytes() const { return impl_->file.size(); }

}  // namespace replay
