#include "replay/record/account.h"

#include <string>

#include "replay/record/provenance.h"

namespace replay {

using nlohmann::ordered_json;
using spool::StopReason;

namespace {

const char* stop_text(StopReason reason) {
  switch (reason) {
    case StopReason::kEventLimit:
      return "events";
    case StopReason::kSpoolLimit:
      return "bytes";
    case StopReason::kTimeLimit:
      return "seconds";
    case StopReason::kSignal:
      return "signal";
    default:
      return "none";
  }
}

// What ended the recording, if anything did before the program's end.
StopReason stop_reason(const RecordRequest& request, const spool::Control& control,
                       const spool::ImageHeader& header, const MergeCounts& counts) {
  const auto reason = static_cast<StopReason>(header.stop_reason.load());
  if (reason != StopReason::kNone) return reason;
  if (control.window_end.load() != spool::kNever) return StopReason::kSignal;
  if (counts.events >= request.options.limits.events) return StopReason::kEventLimit;
  const bool stopped = control.phase.load() == spool::Phase::kStopped;
  return stopped || counts.cut_events != 0 ? StopReason::kTimeLimit : StopReason::kNone;
}

// Programs that the recorded process became, though nothing could be preloaded into them.
std::uint32_t execs_not_followed(const spool::Control& control) {
  const std::uint32_t followed = control.images.load() - 1;  // the first is the recorder's own exec
  const std::uint32_t execs = control.execs.load();
  return execs > followed ? execs - followed : 0;
}

}  // namespace

ordered_json losses_of(const RecordRequest& request, const spool::Control& control,
                       const spool::ImageHeader& header, const MergeCounts& counts,
                       const ordered_json& earlier) {
  const StopReason reason = stop_reason(request, control, header, counts);
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
          {"own_allocator", control.own_allocator},
          {"sites_lost", header.unknown_sites.load()},
          {"sites_failed", header.sites_failed.load() != 0},
          {"earlier_images", earlier},
          {"stopped_at_limit", stop_text(reason)},
          {"disk_full", full}};
}

ordered_json window_of(const RecordRequest& request, const spool::Control& control,
                       const spool::ImageHeader& header, const StampClock& clock,
                       const MergeCounts& counts, const std::string& closed_by) {
  const RecordOptions& options = request.options;
  if (!options.start.waits() && options.keep_bytes == 0 && closed_by == "none") {
    return nullptr;
  }
  const std::uint64_t opened = control.window_stamp.load();
  const bool never = control.phase.load() == spool::Phase::kWaiting;
  return {{"opened", !never},
          {"opened_after_ns", clock.nanoseconds(opened)},
          {"calls_before", control.waited_calls.load()},
          {"closed_by", closed_by},
          {"kept_bytes", options.keep_bytes},
          {"segments_dropped", header.dropped_chunks.load()},
          {"events_dropped", header.dropped_events.load() + counts.earlier_events},
          {"frees_of_earlier_objects", counts.earlier_frees},
          {"reallocs_of_earlier_objects", counts.earlier_reallocs},
          {"events_after", counts.cut_events}};
}

ordered_json recorder_of(const RecordRequest& request, const spool::ImageHeader& header,
                         std::size_t stacks) {
  const bool tsc = header.clock == spool::ClockKind::kTsc;
  ordered_json recorder = {
      {"name", "allocreplay record"},
      {"version", request.version},
      {"stamp_source", tsc ? "rdtscp" : "clock_gettime(CLOCK_MONOTONIC_RAW)"},
      {"time_unit_ns", kRecordTimeUnitNs},
      {"spool_bytes", (header.chunks.load() - header.dropped_chunks.load()) * spool::kChunkBytes}};
  const RecordOptions& options = request.options;
  if (options.sites != spool::SitesMode::kOff) {
    const bool unwinds = options.sites == spool::SitesMode::kUnwind;
    recorder["sites"] = {{"method", unwinds ? spool::kUnwinder : "frame pointers"},
                         {"most_frames", options.site_depth},
                         {"stacks", stacks}};
  }
  if (options.residency) {
    recorder["residency"] = "pages that the kernel had memory for, of blocks of 16 KiB and more";
  }
  return recorder;
}

ordered_json provenance_of(const RecordRequest& request, const spool::ImageHeader& header,
                           const std::optional<Fate>& fate) {
  ordered_json host = request.host;
  host["distribution"] = distribution();
  return {{"command", request.command},
          {"ended", fate ? fate->json() : ordered_json{{"kind", "running"}}},
          {"usage", fate ? fate->usage_json() : ordered_json()},
          {"date", iso_8601_utc(header.start.unix_ns)},
          {"host", host},
          {"libraries", libraries_of(header)}};
}

}  // namespace replay
