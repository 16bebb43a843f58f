// What babeltrace prints of the events of LTTng's libc wrapper (lttng_ust_libc:malloc and so on),
// with the names of fields, in any of its forms of a time stamp. Other events are passed over.
//
//     [03:39:30.263341883] (+0.000012819) host lttng_ust_libc:malloc: { cpu_id = 1 },
//         { vtid = 12837, vpid = 12837 }, { size = 24, ptr = 0x562355FA0B30 }     (on one line)
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "replay/trace/importers/formats.h"
#include "replay/trace/importers/lines.h"
#include "replay/trace/importers/scanner.h"

namespace replay {
namespace {

constexpr std::string_view kProvider = "ust_libc:";
constexpr std::string_view kDiscarded = " discarded ";
constexpr std::uint64_t kNsPerS = 1000000000;
constexpr std::uint64_t kSPerDay = 86400;
constexpr std::uint64_t kMaxSeconds = UINT64_MAX / kNsPerS - kSPerDay;

// The function's name, and where it ends in the line; "" if the event is none of the wrapper.
std::string_view function_of(std::string_view line, std::size_t* end) {
  const std::size_t at = line.find(kProvider);
  if (at == std::string_view::npos) return "";
  const std::size_t start = at + kProvider.size();
  *end = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", start);
  if (*end == std::string_view::npos) return "";
  return line[*end] == ':' || line[*end] == ',' ? line.substr(start, *end - start) : "";
}

struct Time {
  std::uint64_t ns = 0;
  bool is_of_day = false;  // without a date
  bool is_unix = false;
  bool is_cycles = false;
};

// HH:MM:SS.N, with or without YYYY-MM-DD before; SECONDS.N; or a number of cycles.
std::optional<Time> read_time(std::string_view text) {
  Scanner scan(text);
  auto first = scan.decimal();
  std::uint64_t days = 0;
  Time time{.is_of_day = true};
  if (first && scan.literal("-")) {
    const auto month = scan.decimal();
    if (!month || !scan.literal("-")) return std::nullopt;
    const auto day = scan.decimal();
    if (!day || !scan.blanks() || *first > 9999 || *month > 12 || *day > 31) return std::nullopt;
    const auto date = std::chrono::year_month_day(std::chrono::year(static_cast<int>(*first)),
                                                  std::chrono::month(static_cast<unsigned>(*month)),
                                                  std::chrono::day(static_cast<unsigned>(*day)));
    if (!date.ok()) return std::nullopt;
    const auto since = std::chrono::sys_days(date).time_since_epoch().count();
    if (since < 0) return std::nullopt;
    days = static_cast<std::uint64_t>(since);
    time.is_of_day = false;
    first = scan.decimal();
  }
  if (!first) return std::nullopt;
  std::uint64_t seconds = *first;
  if (scan.literal(":")) {
    const auto minutes = scan.decimal();
    if (!minutes || !scan.literal(":")) return std::nullopt;
    const auto rest = scan.decimal();
    if (!rest || *first > 23 || *minutes > 59 || *rest > 60) return std::nullopt;
    seconds = days * kSPerDay + *first * 3600 + *minutes * 60 + *rest;
  } else if (days != 0) {
    return std::nullopt;
  } else if (scan.done()) {
    return Time{.ns = *first, .is_cycles = true};
  } else {
    time = {.is_unix = seconds >= kNsPerS};  // else it is the time since the machine started
  }
  if (seconds > kMaxSeconds || !scan.literal(".")) return std::nullopt;
  const std::size_t digits = scan.rest().size();
  const auto nanoseconds = scan.decimal();
  if (!nanoseconds || !scan.done() || digits != 9) return std::nullopt;
  time.ns = seconds * kNsPerS + *nanoseconds;
  return time;
}

class LttngImport {
 public:
  LttngImport(Source& source, CallBuilder& builder) : source_(source), builder_(builder) {}

  void run() {
    builder_.cannot_say("calls of aligned_alloc, valloc and pvalloc");
    for_each_line(source_, builder_, [this](std::string_view line) { read(line); });
    if (!seen_) source_.fail_at(0, "expected events of lttng_ust_libc, as babeltrace prints them");
  }

 private:
  void read(std::string_view line) {
    std::size_t end = 0;
    const std::string_view function = function_of(line, &end);
    if (function.empty()) return read_loss(line);
    seen_ = true;
    const std::size_t open = line.rfind('{');
    if (open == std::string_view::npos || open < end) {
      source_.fail("expected the fields of the event between braces");
    }
    fields_ = line.substr(open);
    const std::string_view context = line.substr(end, open - end);
    if (is_of_another_process(context)) return;
    if (const auto thread = find(context, "vtid")) builder_.thread(*thread);
    read_time_of(line);
    add(function);
  }

  // "Tracer discarded N events": babeltrace says so on stderr, which may have come along.
  void read_loss(std::string_view line) {
    const std::size_t at = line.find(kDiscarded);
    if (at == std::string_view::npos) return;
    Scanner scan(line.substr(at + kDiscarded.size()));
    if (const auto count = scan.decimal(); count && scan.literal(" events")) builder_.lost(*count);
  }

  bool is_of_another_process(std::string_view context) {
    const auto process = find(context, "vpid");
    if (!process) return false;
    if (!process_) process_ = process;
    if (*process == *process_) return false;
    builder_.assumed("the process of the first event is the one to import");
    builder_.repaired("calls_of_other_processes");
    return true;
  }

  void read_time_of(std::string_view line) {
    Scanner scan(line);
    std::optional<Time> time;
    if (scan.literal("[")) {
      time = read_time(scan.until(']'));
    } else if (scan.literal("timestamp = ")) {
      time = read_time(scan.until(','));
    } else {
      return;
    }
    if (!time) {
      source_.fail("expected a time stamp, [HH:MM:SS.NNNNNNNNN], [SECONDS.NNNNNNNNN] or [CYCLES]");
    }
    if (time->is_unix) builder_.set_times_are_unix();
    if (time->is_cycles) builder_.assumed("a clock cycle is a nanosecond");
    if (time->is_of_day) {
      constexpr std::uint64_t kHalfADay = kSPerDay / 2 * kNsPerS;
      if (time->ns + kHalfADay < last_of_day_ns_) midnights_ns_ += kSPerDay * kNsPerS;
      last_of_day_ns_ = time->ns;
    }
    builder_.time_ns(time->ns + midnights_ns_);
  }

  static std::optional<std::uint64_t> find(std::string_view text, std::string_view name) {
    const std::string words = fmt::format(" {} = ", name);
    const std::size_t at = text.find(words);
    if (at == std::string_view::npos) return std::nullopt;
    return Scanner(text.substr(at + words.size())).number();
  }

  std::uint64_t field(std::string_view name) {
    const auto value = find(fields_, name);
    if (!value) source_.fail(fmt::format("expected the field '{} = NUMBER' in the event", name));
    return *value;
  }

  void add(std::string_view function) {
    if (function == "malloc") {
      builder_.add_malloc(field("ptr"), field("size"));
    } else if (function == "calloc") {
      builder_.add_calloc(field("ptr"), field("nmemb"), field("size"));
    } else if (function == "realloc") {
      builder_.add_realloc(field("in_ptr"), field("ptr"), field("size"));
    } else if (function == "free") {
      builder_.add_free(field("ptr"));
    } else if (function == "memalign") {
      builder_.add_aligned(field("ptr"), field("alignment"), field("size"));
    } else if (function == "posix_memalign") {
      builder_.add_aligned(field("result") == 0 ? field("out_ptr") : 0, field("alignment"),
                           field("size"));
    } else {
      source_.fail(
          fmt::format("unknown event '{}' of lttng_ust_libc, expected malloc, calloc, "
                      "realloc, free, memalign or posix_memalign",
                      function));
    }
  }

  Source& source_;
  CallBuilder& builder_;
  std::string_view fields_;
  std::optional<std::uint64_t> process_;
  std::uint64_t last_of_day_ns_ = 0;
  std::uint64_t midnights_ns_ = 0;
  bool seen_ = false;
};

bool recognises(std::string_view head) {
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find('\n'));
    std::size_t end = 0;
    if (!function_of(line, &end).empty() && line.rfind('{') != std::string_view::npos) return true;
    head.remove_prefix(std::min(line.size() + 1, head.size()));
  }
  return false;
}

void import(Source& source, CallBuilder& builder) { LttngImport(source, builder).run(); }

}  // namespace

const Importer kLttngImporter{"lttng", "babeltrace's text of LTTng's libc wrapper", recognises,
                              import};

}  // namespace replay
