#include "replay/record/recording.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "replay/record/image.h"
#include "replay/record/provenance.h"
#include "replay/record/stamp.h"
#include "replay/trace/error.h"
#include "replay/trace/header.h"
#include "replay/trace/writer.h"

namespace replay {

using nlohmann::ordered_json;
using spool::StopReason;

namespace {

// The image whose calls become the trace: the last one that recorded any.
struct Choice {
  std::unique_ptr<Image> image;
  std::vector<ThreadStream> streams;
  ordered_json earlier = ordered_json::array();  // {program, events} of the images before it
};

std::uint64_t events_so_far(const Image& image) {
  return image.header().chunks.load() * spool::kChunkRecords;
}

void require_started(const SpoolDirectory& spool, const spool::Control& control,
                     const std::string& program) {
  if (control.images.load() == 0) {
    throw Error(
        fmt::format("{}: the recording library was never loaded, so there is nothing to "
                    "write; a statically linked or setuid program cannot be recorded, nor "
                    "one started with LD_PRELOAD taken away",
                    program));
  }
  if (control.failed_starts.load() == control.images.load()) {
    throw Error(
        fmt::format("{}: the recording library was loaded, but could not make its files in "
                    "{}; check the disk, ulimit -f and ulimit -v",
                    program, spool.path()));
  }
}

Choice choose_image(SpoolDirectory& spool, const std::string& program) {
  require_started(spool, spool.control(), program);
  Choice choice;
  for (std::uint32_t index = 0; index < spool.control().images.load(); ++index) {
    if (!std::filesystem::exists(spool.image_path(index))) continue;
    auto image = std::make_unique<Image>(spool.image_path(index));
    std::vector<ThreadStream> streams = image->streams();
    if (choice.image != nullptr && streams.empty()) continue;
    if (choice.image != nullptr) {
      choice.earlier.push_back(
          {{"program", choice.image->header().program}, {"events", count_events(choice.streams)}});
    }
    choice.image = std::move(image);
    choice.streams = std::move(streams);
  }
  return choice;
}

const char* stop_text(StopReason reason) {
  switch (reason) {
    case StopReason::kEventLimit:
      return "events";
    case StopReason::kSpoolLimit:
      return "bytes";
    case StopReason::kTimeLimit:
      return "seconds";
    default:
      return "none";
  }
}

// Which limit ended the recording, if one did.
StopReason stop_reason(const RecordRequest& request, const spool::ImageHeader& header,
                       const MergeCounts& counts) {
  const auto reason = static_cast<StopReason>(header.stop_reason.load());
  if (reason != StopReason::kNone || counts.cut_events == 0) return reason;
  return counts.events >= request.limits.events ? StopReason::kEventLimit : StopReason::kTimeLimit;
}

// Programs that the recorded process became, though nothing could be preloaded into them.
std::uint32_t execs_not_followed(const spool::Control& control) {
  const std::uint32_t followed = control.images.load() - 1;  // the first is the recorder's own exec
  const std::uint32_t execs = control.execs.load();
  return execs > followed ? execs - followed : 0;
}

ordered_json losses_of(const RecordRequest& request, const Choice& choice, spool::Control& control,
                       const MergeCounts& counts) {
  const spool::ImageHeader& header = choice.image->header();
  const StopReason reason = stop_reason(request, header, counts);
  const bool full = reason == StopReason::kSpoolFull;
  return {{"events_lost", header.lost_events.load() + (full ? counts.cut_events : 0)},
          {"unmatched_frees", counts.unmatched_frees},
          {"unmatched_reallocs", counts.unmatched_reallocs},
          {"synthesised_frees", counts.synthesised_frees},
          {"unfinished_reallocs", counts.unfinished_reallocs},
          {"failed_allocations", header.failed_allocations.load()},
          {"children_not_recorded", header.forked_children.load()},
          {"child_programs_not_recorded", control.child_programs.load()},
          {"failed_starts", control.failed_starts.load()},
          {"execs_not_followed", execs_not_followed(control)},
          {"earlier_images", choice.earlier},
          {"stopped_at_limit", stop_text(reason)},
          {"disk_full", full}};
}

ordered_json provenance_of(const RecordRequest& request, const Image& image, const Fate& fate) {
  const spool::ImageHeader& header = image.header();
  ordered_json host = request.host;
  host["distribution"] = distribution();
  const bool tsc = header.clock == spool::ClockKind::kTsc;
  return {{"command", request.command},
          {"ended", fate.json()},
          {"date", iso_8601_utc(header.start.unix_ns)},
          {"host", host},
          {"libraries", libraries_of(header)},
          {"recorder",
           {{"name", "allocreplay record"},
            {"version", request.version},
            {"stamp_source", tsc ? "rdtscp" : "clock_gettime(CLOCK_MONOTONIC_RAW)"},
            {"time_unit_ns", kRecordTimeUnitNs}}}};
}

MergeLimits merge_limits(const RecordRequest& request, const spool::ImageHeader& header) {
  return {request.limits.events, request.limits.time_ns, header.stop_stamp.load()};
}

void stop_if_interrupted(const SignalHold& signals) {
  if (signals.interrupted()) throw Error("interrupted while the trace was written; nothing kept");
}

}  // namespace

RecordOutcome record_program(const RecordRequest& request, const RecordProgress& progress) {
  const SignalHold signals;
  SpoolDirectory spool(request.trace_path, request.limits);
  RecordOutcome outcome;
  outcome.fate = run_program(request.command, request.library, spool, signals, [&] {
    const std::uint32_t images = spool.control().images.load();
    const std::string newest = images == 0 ? "" : spool.image_path(images - 1);
    // The newest image may be of this moment and not whole yet.
    if (images == 0 || !std::filesystem::exists(newest)) return progress("recording", 0);
    try {
      progress("recording", events_so_far(Image(newest)));
    } catch (const Error&) {
      progress("recording", 0);
    }
  });
  Choice choice = choose_image(spool, request.command[0]);
  const spool::ImageHeader& header = choice.image->header();
  const StampClock clock(header.start, spool::calibrate(header.clock));

  TraceHeader trace;
  trace.time_unit_ns = kRecordTimeUnitNs;
  trace.start_unix_ns = header.start.unix_ns;
  trace.provenance = provenance_of(request, *choice.image, outcome.fate);
  TraceWriter writer(request.trace_path, trace);
  constexpr std::uint64_t kEventsBetweenLooks = 1 << 16;
  outcome.counts =
      merge_streams(choice.streams, clock, merge_limits(request, header), [&](const Event& event) {
        writer.append(event);
        if (writer.events() % kEventsBetweenLooks != 0) return;
        stop_if_interrupted(signals);
        progress("merging", writer.events());
      });
  stop_if_interrupted(signals);
  outcome.losses = losses_of(request, choice, spool.control(), outcome.counts);
  outcome.lost_events = outcome.losses["events_lost"].get<std::uint64_t>();
  outcome.stopped_at_limit = outcome.losses["stopped_at_limit"] != "none";
  trace.provenance["losses"] = outcome.losses;
  writer.finish(outcome.lost_events, trace.provenance);
  outcome.trace_bytes = writer.bytes();
  return outcome;
}

}  // namespace replay
