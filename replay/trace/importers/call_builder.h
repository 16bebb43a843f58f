// From calls that name blocks by address (or by an id of the foreign format) to the valid events
// of a trace. What does not fit together is repaired and counted; what the format leaves open is
// collected. finish() puts both into the provenance, under "import".
//
// The repairs:
//   - a free, or a realloc, of a block that is not live is left out, or becomes a malloc;
//   - a birth at an address where a block is live frees that block first;
//   - two calls of different threads that the log has in the wrong order (a block is freed before
//     it was allocated, or allocated where the free follows a little later) change places;
//   - time that goes back stands still;
//   - a realloc to 0 bytes, which a trace does not have, leaves 1.
//
// Not thread-safe. O(1) a call on average; memory is O(live blocks) and a window of kWindow calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "replay/trace/event_sink.h"
#include "replay/trace/pointer_map.h"

namespace replay {

class CallBuilder {
 public:
  // How far apart two calls in the wrong order are looked for.
  static constexpr std::size_t kWindow = 256;

  explicit CallBuilder(EventSink& sink) : sink_(sink) {}

  // Facts of the whole input, before the first call.

  // The resolution of the format's times; events' times are rounded down to it. Default: 1 ns.
  void set_time_unit_ns(std::uint32_t unit) { header_.time_unit_ns = unit; }
  // The wall clock at time 0.
  void set_start_unix_ns(std::uint64_t start) { header_.start_unix_ns = start; }
  // Times are taken as they are. Otherwise the first time that is given becomes 0.
  void set_times_begin_at_zero() { time_origin_ns_ = 0; }
  // Times are those of the wall clock: the first one is also start_unix_ns.
  void set_times_are_unix() { times_are_unix_ = true; }
  // Blocks are named by numbers of which 0 is one like others; otherwise 0 is NULL.
  void set_names_are_ids() { names_are_ids_ = true; }

  // Calls say how much of a block was touched, or where they were made.
  void set_has_touched() { header_.has_touched = true; }
  void set_has_sites() { header_.has_sites = true; }
  bool has_touched() const { return header_.has_touched; }
  bool has_sites() const { return header_.has_sites; }

  // The input is a trace in other clothes: its provenance stays as it is unless repairs were
  // needed.
  void set_own_format() { own_format_ = true; }

  // What the following calls have in common, until it is given again. `id` is any number that the
  // format has for threads.
  void thread(std::uint64_t id);
  void time_ns(std::uint64_t time_ns);
  // As Event has them; 0: not known.
  void touched(std::uint32_t touched) { touched_ = touched; }
  void site(std::uint32_t site) { site_ = site; }

  // Calls that were made, with what they returned. Where names are addresses: a birth at NULL
  // failed and is counted; free(NULL) is nothing; realloc(NULL, n) is a malloc; realloc(p, n) that
  // returned NULL failed, or is a free where n is 0.
  void add_malloc(std::uint64_t name, std::uint64_t size);
  void add_calloc(std::uint64_t name, std::uint64_t total_size);
  void add_calloc(std::uint64_t name, std::uint64_t count, std::uint64_t size);
  // An alignment that is no power of two is rounded up to one, as malloc libraries do.
  void add_aligned(std::uint64_t name, std::uint64_t alignment, std::uint64_t size);
  void add_realloc(std::uint64_t old_name, std::uint64_t new_name, std::uint64_t size);
  void add_free(std::uint64_t name);

  // For the report. Each sentence counts once, however often it is given; both are short and have
  // no full stop: "which thread made a call", "sizes are those of malloc_usable_size".
  void cannot_say(std::string_view what);
  void assumed(std::string_view what);
  // Something that the importer itself put right or left out, by a name like "failed_calls".
  void repaired(std::string_view what, std::uint64_t count = 1);
  // Calls that were made and are not in the input, as far as it says.
  void lost(std::uint64_t count) { lost_ += count; }
  // The stacks that calls named. pre: set_has_sites().
  SiteTable& site_table() { return site_table_; }
  // What the input says of its origin, e.g. {"command": ["ls"]}; "import" joins it in finish().
  nlohmann::ordered_json& provenance() { return header_.provenance; }

  // Gives the rest of the events, and ends the sink. The last call.
  void finish(std::string_view format, std::string_view file);

  // Facts for messages.
  std::uint64_t events() const { return events_; }
  const nlohmann::ordered_json& report() const { return report_; }  // after finish()

 private:
  struct Call {
    std::uint64_t time_ns = 0;
    std::uint64_t thread = 0;
    std::uint64_t name = 0;      // of the block born, resized or freed; afterwards for a realloc
    std::uint64_t old_name = 0;  // of the block before a realloc
    std::uint64_t size = 0;
    std::uint32_t site = 0;
    std::uint32_t touched = 0;
    Op op = Op::kMalloc;
    std::uint8_t align_log2 = 0;
    bool moved = false;  // put in its place by swap_inverted()
  };

  void add(Call call);
  void drain(bool all);
  bool out_of_order(const Call& call) const;
  bool swap_inverted();
  void apply(const Call& call);
  void apply_birth(const Call& call);
  void apply_realloc(const Call& call);
  void release(std::uint64_t name, const Call& call);
  void vacate(std::uint64_t name, const Call& call);
  void emit(const Call& call, Op op, std::uint64_t object, std::uint64_t size);
  void begin();
  void write_report(std::string_view format, std::string_view file);

  EventSink& sink_;
  TraceHeader header_;
  std::optional<std::uint64_t> time_origin_ns_;
  bool times_are_unix_ = false;
  bool names_are_ids_ = false;
  bool own_format_ = false;
  bool threads_given_ = false;
  bool times_given_ = false;
  bool begun_ = false;

  std::uint64_t thread_ = 0;
  std::uint64_t time_ns_ = 0;
  std::uint32_t site_ = 0;
  std::uint32_t touched_ = 0;
  SiteTable site_table_;
  std::deque<Call> pending_;
  PointerMap live_;
  std::unordered_map<std::uint64_t, std::uint32_t> thread_numbers_;
  std::uint64_t last_time_ns_ = 0;
  std::uint64_t objects_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t lost_ = 0;

  std::vector<std::string> cannot_say_;
  std::vector<std::string> assumed_;
  std::map<std::string, std::uint64_t, std::less<>> repaired_;
  nlohmann::ordered_json report_;
};

}  // namespace replay
