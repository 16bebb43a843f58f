#include "replay/record/recording.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <memory>

#include "replay/record/account.h"
#include "replay/record/drain.h"
#include "replay/record/image.h"
#include "replay/record/stacks.h"
#include "replay/record/stamp.h"
#include "replay/record/symbolise.h"
#include "replay/trace/error.h"
#include "replay/trace/header.h"
#include "replay/trace/writer.h"

namespace replay {

using nlohmann::ordered_json;

namespace {

// The image whose calls become the trace: the last one that recorded any.
struct Choice {
  std::unique_ptr<Image> image;
  std::uint32_t index = 0;
  std::vector<ThreadStream> streams;
  ordered_json earlier = ordered_json::array();  // {program, events} of the images before it
};

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

// One that could not be started may have left a file or none.
std::unique_ptr<Image> open_image(const SpoolDirectory& spool, std::uint32_t index,
                                  std::string& problem) {
  try {
    return std::make_unique<Image>(spool.image_path(index), spool.drained_path(index));
  } catch (const Error& error) {
    problem = error.what();
    return nullptr;
  }
}

Choice choose_image(SpoolDirectory& spool, const std::string& program) {
  spool::Control& control = spool.control();
  require_started(spool, control, program);
  Choice choice;
  std::string problem;
  std::uint32_t failed = 0;
  for (std::uint32_t index = 0; index < control.images.load(); ++index) {
    auto image = open_image(spool, index, problem);
    if (image == nullptr) {
      ++failed;
      continue;
    }
    std::vector<ThreadStream> streams = image->streams();
    if (choice.image != nullptr && streams.empty()) continue;
    if (choice.image != nullptr) {
      choice.earlier.push_back(
          {{"program", choice.image->header().program}, {"events", count_events(choice.streams)}});
    }
    choice.image = std::move(image);
    choice.index = index;
    choice.streams = std::move(streams);
  }
  if (choice.image == nullptr) throw Error(problem);
  control.failed_starts = std::max(control.failed_starts.load(), failed);
  return choice;
}

MergeLimits merge_limits(const RecordRequest& request, const spool::Control& control,
                         const spool::ImageHeader& header, const StampClock& clock) {
  const std::uint64_t dropped = header.dropped_stamp.load();
  const std::uint64_t opened = control.window_stamp.load();
  MergeLimits limits;
  limits.from_stamp = std::max(opened, dropped == 0 ? 0 : dropped + 1);
  limits.events = request.options.limits.events;
  limits.stamp = std::min(header.stop_stamp.load(), control.window_end.load());
  if (const std::uint64_t most = request.options.limits.time_ns; most != spool::kNever) {
    // The limit counts from the window's opening, times from what was kept.
    const std::uint64_t gone = clock.nanoseconds(limits.from_stamp) -
                               clock.nanoseconds(std::min(opened, limits.from_stamp));
    limits.time_ns = most - std::min(most, gone);
  }
  return limits;
}

// One recording, from the program's start to its end.
class Recorder {
 public:
  Recorder(const RecordRequest& request, const RecordReports& reports)
      : request_(request),
        reports_(reports),
        signals_(request.signal),
        spool_(request.trace_path, request.options),
        drain_(spool_) {}

  Fate run() {
    reports_.ready();
    const Fate fate = run_program(request_.command, request_.library, spool_, signals_,
                                  {.drain = [this] { return drain_.run(); },
                                   .tick = [this] { tick(); },
                                   .command = [this] { take_command(); }});
    if (!written_) write(fate);
    return fate;
  }

 private:
  void take_command() {
    spool::Control& control = spool_.control();
    const std::uint64_t now = spool::read_stamp(control.clock);
    if (spool::open_window(control, now)) return;
    if (control.phase.load() != spool::Phase::kRecording) return;
    control.window_end = now;
    control.phase = spool::Phase::kStopped;
  }

  void tick() {
    spool::Control& control = spool_.control();
    // The library looks only when the program calls; a program that is idle may not for long.
    const std::uint64_t now = spool::read_stamp(control.clock);
    if (now >= control.start_stamp) spool::open_window(control, now);
    if (control.phase.load() == spool::Phase::kRecording && now >= control.limit_stamp.load()) {
      control.phase = spool::Phase::kStopped;
    }
    if (control.phase.load() != spool::Phase::kStopped) return report();
    if (written_) return reports_.progress("written, the program runs on", outcome_.counts.events);
    // Whoever took a stamp before the end has stored its record long ago when a second has gone.
    constexpr int kTicksToSettle = 4;
    if (++ticks_since_stop_ != kTicksToSettle) return report();
    spool_.control().drains = 0;
    try {
      write(std::nullopt);
      release_disk();
    } catch (const std::exception&) {
      // The program must not run on alone: at its end this is tried again, and told.
    }
  }

  void report() {
    const spool::Control& control = spool_.control();
    const std::uint32_t images = control.images.load();
    const std::string newest = images == 0 ? "" : spool_.image_path(images - 1);
    const bool waits = control.phase.load() == spool::Phase::kWaiting;
    if (waits) return reports_.progress("waiting", control.waited_calls.load());
    // The newest image may be of this moment and not whole yet; most events have one word.
    reports_.progress("recording", Image::chunks_so_far(newest) * spool::kChunkWords);
  }

  void stop_if_interrupted() {
    if (!signals_.interrupted()) return;
    throw Error("interrupted while the trace was written; nothing kept");
  }

  void write(const std::optional<Fate>& fate);

  // The program still has the files mapped, so they are emptied and not cut.
  void release_disk() {
    for (std::uint32_t i = 0; i < spool_.control().images.load(); ++i) {
      const int fd = ::open(spool_.image_path(i).c_str(), O_RDWR | O_CLOEXEC);
      if (fd < 0) continue;
      const off_t end = ::lseek(fd, 0, SEEK_END);
      ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, spool::kHeaderBytes,
                  end - off_t{spool::kHeaderBytes});
      ::close(fd);
      [[maybe_unused]] const int cut = ::truncate(spool_.drained_path(i).c_str(), 0);
    }
  }

  const RecordRequest& request_;
  const RecordReports& reports_;
  SignalHold signals_;
  SpoolDirectory spool_;
  Drain drain_;
  RecordOutcome outcome_;
  bool written_ = false;
  int ticks_since_stop_ = 0;
};

void Recorder::write(const std::optional<Fate>& fate) {
  const RecordOptions& options = request_.options;
  drain_.detach();  // it maps all that the image may become, which no limit leaves room for twice
  const Choice choice = choose_image(spool_, request_.command[0]);
  spool::Control& control = spool_.control();
  const spool::ImageHeader& header = choice.image->header();
  const StampClock clock(header.start, spool::calibrate(header.clock));
  const MergeLimits limits = merge_limits(request_, control, header, clock);

  TraceHeader trace;
  trace.time_unit_ns = kRecordTimeUnitNs;
  trace.start_unix_ns = header.start.unix_ns + clock.nanoseconds(limits.from_stamp);
  trace.has_sites = options.sites != spool::SitesMode::kOff;
  trace.has_touched = options.residency;
  trace.provenance = provenance_of(request_, header, fate);
  TraceWriter writer(request_.trace_path, trace);
  constexpr std::uint64_t kEventsBetweenLooks = 1 << 16;
  std::vector<std::uint64_t> sites;
  outcome_.fate = fate;
  outcome_.counts = merge_streams(
      choice.streams, clock, limits,
      [&](const Event& event) {
        writer.append(event);
        if (writer.events() % kEventsBetweenLooks != 0) return;
        if (fate) stop_if_interrupted();
        reports_.progress("merging", writer.events());
      },
      trace.has_sites ? &sites : nullptr);
  if (!sites.empty()) {
    reports_.progress("reading symbols", writer.events());
    SiteTable table = read_stacks(spool_.stacks_path(choice.index), sites);
    symbolise(table);
    writer.set_sites(std::move(table));
  }
  if (fate) stop_if_interrupted();
  outcome_.losses = losses_of(request_, control, header, outcome_.counts, choice.earlier);
  const std::string stopped = outcome_.losses["stopped_at_limit"];
  outcome_.lost_events = outcome_.losses["events_lost"].get<std::uint64_t>();
  outcome_.stopped_at_limit = stopped != "none";
  outcome_.window = window_of(request_, control, header, clock, outcome_.counts, stopped);
  trace.provenance["recorder"] = recorder_of(request_, header, sites.size());
  trace.provenance["window"] = outcome_.window;
  trace.provenance["losses"] = outcome_.losses;
  writer.finish(outcome_.lost_events, trace.provenance);
  outcome_.trace_bytes = writer.bytes();
  written_ = true;
  reports_.written(outcome_);
}

// The program would run on without its sites, and the trace be useless.
void require_unwinder(const RecordOptions& options) {
  if (options.sites != spool::SitesMode::kUnwind) return;
  void* const library = ::dlopen(spool::kUnwinder, RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error(
        fmt::format("{}: cannot be loaded, and --sites needs it; install libunwind8, or use "
                    "--sites=fp for a program that keeps frame pointers",
                    spool::kUnwinder));
  }
  ::dlclose(library);
}

// A trace takes its name when it is whole, and that would be found to be taken only then.
void require_nameable(const std::string& trace_path) {
  if (std::filesystem::is_directory(trace_path)) {
    throw Error(trace_path + ": is a directory, expected the name of the trace to write");
  }
}

}  // namespace

Fate record_program(const RecordRequest& request, const RecordReports& reports) {
  require_nameable(request.trace_path);
  require_unwinder(request.options);
  return Recorder(request, reports).run();
}

}  // namespace replay
