#include "replay/trace/importers/call_builder.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace replay {
namespace {

void add_once(std::vector<std::string>* sentences, std::string_view sentence) {
  if (std::find(sentences->begin(), sentences->end(), sentence) == sentences->end()) {
    sentences->emplace_back(sentence);
  }
}

}  // namespace

void CallBuilder::thread(std::uint64_t id) {
  thread_ = id;
  threads_given_ = true;
}

void CallBuilder::time_ns(std::uint64_t time_ns) {
  times_given_ = true;
  if (!time_origin_ns_) {
    time_origin_ns_ = time_ns;
    if (times_are_unix_) header_.start_unix_ns = time_ns;
  }
  const std::uint64_t since = time_ns - std::min(time_ns, *time_origin_ns_);
  const std::uint64_t rounded = since - since % header_.time_unit_ns;
  if (rounded < time_ns_) {
    repaired("times_that_went_back");
  } else {
    time_ns_ = rounded;
  }
}

void CallBuilder::add_malloc(std::uint64_t name, std::uint64_t size) {
  add({.name = name, .size = size, .op = Op::kMalloc});
}

void CallBuilder::add_calloc(std::uint64_t name, std::uint64_t total_size) {
  add({.name = name, .size = total_size, .op = Op::kCalloc});
}

void CallBuilder::add_calloc(std::uint64_t name, std::uint64_t count, std::uint64_t size) {
  std::uint64_t total = 0;
  if (__builtin_mul_overflow(count, size, &total)) {
    repaired("callocs_that_overflow");
    total = std::numeric_limits<std::uint64_t>::max();
  }
  add_calloc(name, total);
}

void CallBuilder::add_aligned(std::uint64_t name, std::uint64_t alignment, std::uint64_t size) {
  if (!std::has_single_bit(alignment)) repaired("alignments_not_a_power_of_two");
  const auto log2 = alignment == 0 ? 0 : static_cast<int>(std::bit_width(alignment - 1));
  add({.name = name,
       .size = size,
       .op = Op::kAligned,
       .align_log2 = static_cast<std::uint8_t>(std::min(log2, 63))});
}

void CallBuilder::add_realloc(std::uint64_t old_name, std::uint64_t new_name, std::uint64_t size) {
  if (names_are_ids_) {
    if (size == 0) {
      repaired("reallocs_to_nothing");
      size = 1;
    }
    add({.name = new_name, .old_name = old_name, .size = size, .op = Op::kRealloc});
  } else if (old_name == 0) {
    add_malloc(new_name, size);
  } else if (new_name != 0) {
    // An allocator that answers realloc(p, 0) with a block gives the least that there is.
    size = std::max<std::uint64_t>(size, 1);
    add({.name = new_name, .old_name = old_name, .size = size, .op = Op::kRealloc});
  } else if (size == 0) {
    add_free(old_name);
  } else {
    repaired("failed_calls");
  }
}

void CallBuilder::add_free(std::uint64_t name) {
  if (name == 0 && !names_are_ids_) return;
  add({.name = name, .op = Op::kFree});
}

void CallBuilder::cannot_say(std::string_view what) { add_once(&cannot_say_, what); }
void CallBuilder::assumed(std::string_view what) { add_once(&assumed_, what); }

void CallBuilder::repaired(std::string_view what, std::uint64_t count) {
  const auto found = repaired_.find(what);
  if (found == repaired_.end()) {
    repaired_.emplace(what, count);
  } else {
    found->second += count;
  }
}

void CallBuilder::add(Call call) {
  if (is_birth(call.op) && call.name == 0 && !names_are_ids_) return repaired("failed_calls");
  call.thread = thread_;
  call.time_ns = time_ns_;
  call.site = site_;
  call.touched = touched_;
  pending_.push_back(call);
  drain(false);
}

// Applies what is pending from the front. A call that does not fit waits until the window after it
// is full, or `all` is.
void CallBuilder::drain(bool all) {
  while (!pending_.empty()) {
    if (threads_given_ && !pending_.front().moved && out_of_order(pending_.front())) {
      if (!all && pending_.size() <= kWindow) return;
      if (swap_inverted()) continue;
    }
    const Call call = pending_.front();
    pending_.pop_front();
    apply(call);
  }
}

bool CallBuilder::out_of_order(const Call& call) const {
  if (call.op == Op::kFree) return !live_.find(call.name);
  if (is_birth(call.op)) return live_.find(call.name).has_value();
  if (!live_.find(call.old_name)) return true;
  return call.old_name != call.name && live_.find(call.name);
}

// The front call either frees what is not live, or is born where a block is live. If the next call
// on that address is one of another thread that would have made it fit, and after it the calls
// alternate as they should, that call comes first. Returns false if that is not so.
bool CallBuilder::swap_inverted() {
  const Call& front = pending_.front();
  const bool front_releases =
      !is_birth(front.op) && !live_.find(front.op == Op::kFree ? front.name : front.old_name);
  const std::uint64_t name =
      front.op == Op::kRealloc && front_releases ? front.old_name : front.name;
  const auto releases = [name](const Call& call) {
    return call.op == Op::kRealloc ? call.old_name == name
                                   : call.op == Op::kFree && call.name == name;
  };
  const auto bears = [name](const Call& call) {
    return call.op != Op::kFree && call.name == name &&
           !(call.op == Op::kRealloc && call.old_name == name);
  };
  const auto touches = [&](const Call& call) { return releases(call) || bears(call); };

  const auto partner = std::find_if(pending_.begin() + 1, pending_.end(), touches);
  if (partner == pending_.end() || partner->thread == front.thread || partner->moved) return false;
  if (front_releases ? !bears(*partner) : !releases(*partner)) return false;
  const auto next = std::find_if(partner + 1, pending_.end(), touches);
  if (next != pending_.end() && (front_releases ? !bears(*next) : !releases(*next))) return false;

  Call call = *partner;
  call.moved = true;
  call.time_ns = front.time_ns;
  pending_.erase(partner);
  pending_.push_front(call);
  repaired("inverted_calls");
  return true;
}

void CallBuilder::apply(const Call& call) {
  switch (call.op) {
    case Op::kFree:
      return release(call.name, call);
    case Op::kRealloc:
      return apply_realloc(call);
    case Op::kMalloc:
    case Op::kCalloc:
    case Op::kAligned:
      return apply_birth(call);
  }
}

// Whatever is live at `name` was freed without a record of it.
void CallBuilder::vacate(std::uint64_t name, const Call& call) {
  const auto object = live_.erase(name);
  if (!object) return;
  repaired("frees_put_in_before_reuse");
  Call free = call;
  free.touched = 0;
  emit(free, Op::kFree, *object, 0);
}

void CallBuilder::apply_birth(const Call& call) {
  vacate(call.name, call);
  live_.insert(call.name, objects_);
  emit(call, call.op, objects_++, call.size);
}

void CallBuilder::apply_realloc(const Call& call) {
  const auto object = live_.erase(call.old_name);
  if (!object) {
    repaired("reallocs_of_unknown_blocks");
    Call birth = call;
    birth.op = Op::kMalloc;
    return apply_birth(birth);
  }
  vacate(call.name, call);
  live_.insert(call.name, *object);
  emit(call, Op::kRealloc, *object, call.size);
}

void CallBuilder::release(std::uint64_t name, const Call& call) {
  if (const auto object = live_.erase(name)) {
    emit(call, Op::kFree, *object, 0);
  } else {
    repaired("frees_of_unknown_blocks");
  }
}

void CallBuilder::begin() {
  if (begun_) return;
  begun_ = true;
  sink_.begin(header_);
}

void CallBuilder::emit(const Call& call, Op op, std::uint64_t object, std::uint64_t size) {
  begin();
  const auto next = static_cast<std::uint32_t>(thread_numbers_.size());
  const std::uint32_t thread = thread_numbers_.try_emplace(call.thread, next).first->second;
  last_time_ns_ = std::max(last_time_ns_, call.time_ns);
  ++events_;
  sink_.event({.time_ns = last_time_ns_,
               .object = object,
               .size = size,
               .thread = thread,
               .op = op,
               .align_log2 = op == Op::kAligned ? call.align_log2 : std::uint8_t{0},
               .site = op == Op::kFree ? 0 : call.site,
               .touched = is_birth(op) ? 0 : call.touched});
}

void CallBuilder::finish(std::string_view format, std::string_view file) {
  drain(true);
  begin();
  write_report(format, file);
  if (header_.has_sites) sink_.sites(site_table_);
  nlohmann::ordered_json provenance = header_.provenance;
  if (!own_format_ || !repaired_.empty()) provenance["import"] = report_;
  sink_.finish(lost_, provenance);
}

void CallBuilder::write_report(std::string_view format, std::string_view file) {
  if (!times_given_ && events_ != 0) cannot_say("when a call was made");
  if (!threads_given_ && events_ != 0) cannot_say("which thread made a call");
  report_ = {
      {"format", format}, {"file", file}, {"cannot_say", cannot_say_}, {"assumed", assumed_}};
  report_["repaired"] = nlohmann::ordered_json::object();
  for (const auto& [what, count] : repaired_) report_["repaired"][what] = count;
}

}  // namespace replay
