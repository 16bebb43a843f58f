// The malloc trace that the tracing build of gperftools writes (branch wip-malloc-tracing), not
// compressed. All of it is numbers: the count of low zero bits of the first byte says how many
// bytes follow, the bits above the lowest one set are the number, little-endian; a first byte of 0
// stands before 8 bytes. The low 3 bits of a word are its type; if they are 7, the low 8 bits.
//
//     maybe 4 bytes of magic
//     3 buffer: thread, time, size, then so many bytes of the thread's events
//     007 a thread ends: time      017 the end      047 a barrier: time
//
// A thread's events count sizes (in units of 8) and tokens from its event before, zigzag:
//
//     0 malloc: size      1, 4 free: token      027 realloc: size; old token
//     037 memalign: size; alignment            2 token: number of the next birth; time
//
// Between two barriers, threads are merged by their times; a call on a block waits for its birth.
// Memory: the live blocks, and the bytes between two barriers or of waiting threads, at most
// kMaxPendingBytes.
#include <fmt/format.h>

#include <bit>
#include <deque>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "replay/trace/importers/formats.h"
#include "replay/trace/little_endian.h"

namespace replay {
namespace {

enum Type : std::uint64_t {
  kMalloc = 0,
  kFree = 1,
  kToken = 2,
  kBuffer = 3,
  kSizedFree = 4,
  kDeath = 007,
  kEnd = 017,
  kRealloc = 027,
  kMemalign = 037,
  kBarrier = 047,
};
constexpr std::size_t kMaxNumberBytes = 9;
constexpr std::size_t kMagicBytes = 4;
constexpr std::uint64_t kTimeUnitNs = 1024;  // the bits below are the processor
constexpr std::uint64_t kMaxBufferBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kMaxPendingBytes = std::uint64_t{1} << 26;

std::uint64_t type_of(std::uint64_t word) { return (word & 7) == 7 ? word & 0xff : word & 7; }

std::uint64_t without_processor(std::uint64_t time) { return time - time % kTimeUnitNs; }

std::uint64_t unzigzag(std::uint64_t value) { return (value >> 1) ^ (0 - (value & 1)); }

std::size_t number_bytes(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte == 0 ? kMaxNumberBytes : static_cast<std::size_t>(std::countr_zero(byte)) + 1;
}

// pre: as many bytes as number_bytes() says.
std::uint64_t number_of(std::string_view bytes) {
  const bool is_long = bytes.front() == '\0';
  const std::size_t count = number_bytes(bytes.front());
  std::uint64_t value = 0;
  for (std::size_t i = is_long ? 1 : 0; i < count; ++i) {
    const std::uint64_t byte = static_cast<unsigned char>(bytes[i]);
    value |= byte << (8 * (is_long ? i - 1 : i));
  }
  return is_long ? value : value >> count;
}

std::optional<std::uint64_t> take_number(std::string_view* bytes) {
  if (bytes->empty() || bytes->size() < number_bytes(bytes->front())) return std::nullopt;
  const std::uint64_t value = number_of(*bytes);
  bytes->remove_prefix(number_bytes(bytes->front()));
  return value;
}

struct Event {
  std::uint64_t type = kMalloc;
  std::uint64_t token = 0;      // of the block born or freed; of a realloc's new block
  std::uint64_t old_token = 0;  // of a realloc
  std::uint64_t size = 0;
  std::uint64_t alignment = 0;

  bool is_birth() const { return type == kMalloc || type == kMemalign; }
  std::uint64_t needs() const { return type == kRealloc ? old_token : token; }  // if no birth
};

struct Buffer {
  std::string bytes;
  std::uint64_t offset = 0;  // in the input
  std::uint64_t time = 0;    // of its end

  // Of memory, while it waits: an empty one takes some too.
  std::uint64_t cost() const { return bytes.size() + sizeof(Buffer); }
};

// A thread's events, decoded one by one as its buffers come.
class Thread {
 public:
  explicit Thread(std::uint64_t id) : id_(id) {}

  std::uint64_t id() const { return id_; }
  std::uint64_t time() const { return time_; }
  const Event& event() const { return event_; }

  void add(Buffer buffer) { buffers_.push_back(std::move(buffer)); }
  bool idle = true;  // neither ready nor waiting

  // False if all buffers are done; adds the cost of those that are to *done.
  bool next(const Source& source, std::uint64_t* done) {
    while (!buffers_.empty()) {
      Buffer& buffer = buffers_.front();
      if (at_ != buffer.bytes.size()) {
        if (read(source, buffer)) return true;
        continue;
      }
      time_ = std::max(time_, buffer.time);
      *done += buffer.cost();
      buffers_.pop_front();
      at_ = 0;
    }
    return false;
  }

 private:
  std::uint64_t number(const Source& source, const Buffer& buffer) {
    std::string_view rest = std::string_view(buffer.bytes).substr(at_);
    const auto value = take_number(&rest);
    if (!value) source.fail_at(buffer.offset + at_, "a number is cut by the end of its buffer");
    at_ = buffer.bytes.size() - rest.size();
    return *value;
  }

  // False for what is no call.
  bool read(const Source& source, const Buffer& buffer) {
    const std::uint64_t start = buffer.offset + at_;
    const std::uint64_t word = number(source, buffer);
    event_ = {.type = type_of(word)};
    switch (event_.type) {
      case kToken:
        next_token_ = word >> 3;
        time_ = std::max(time_, without_processor(number(source, buffer)));
        return false;
      case kMalloc:
        event_.size = size(word >> 3);
        event_.token = next_token_++;
        return true;
      case kMemalign:
        event_.size = size(word >> 8);
        event_.token = next_token_++;
        event_.alignment = number(source, buffer);
        return true;
      case kRealloc:
        event_.size = size(word >> 8);
        event_.token = next_token_++;
        event_.old_token = token(number(source, buffer));
        return true;
      case kFree:
      case kSizedFree:
        event_.token = token(word >> 3);
        return true;
      default:
        source.fail_at(
            start, fmt::format("unknown type {:#o} of an event in a thread's buffer", event_.type));
    }
  }

  std::uint64_t size(std::uint64_t difference) {
    units_ += unzigzag(difference);
    return units_ << 3;
  }
  std::uint64_t token(std::uint64_t difference) { return token_ += unzigzag(difference); }

  std::uint64_t id_;
  std::deque<Buffer> buffers_;
  std::size_t at_ = 0;  // in the first buffer
  Event event_;
  std::uint64_t time_ = 0;
  std::uint64_t units_ = 0;
  std::uint64_t token_ = 0;
  std::uint64_t next_token_ = 0;
};

bool fits(std::string_view head);

class GperftoolsImport {
 public:
  GperftoolsImport(Source& source, CallBuilder& builder) : source_(source), builder_(builder) {}

  void run() {
    const std::string_view head = source_.head();
    if (!fits(head)) {
      if (head.size() < kMagicBytes || !fits(head.substr(kMagicBytes))) {
        source_.fail_at(0, "expected a thread's buffer at the start, or after 4 bytes of magic");
      }
      source_.take(kMagicBytes, "the magic number");
    }
    builder_.set_names_are_ids();
    builder_.set_time_unit_ns(kTimeUnitNs);
    builder_.cannot_say("sizes to the byte: they are rounded up to a multiple of 8");
    builder_.cannot_say("which mallocs were callocs");
    builder_.assumed("times are nanoseconds");
    while (read_word()) {
    }
    merge();
    finish_waiting();
  }

 private:
  std::uint64_t number(std::string_view what) {
    const std::string_view first = source_.take(1, what);
    const std::size_t rest = number_bytes(first.front()) - 1;
    std::string bytes(first);
    bytes += source_.take(rest, what);
    return number_of(bytes);
  }

  // False at the end.
  bool read_word() {
    const std::uint64_t start = source_.offset();
    if (source_.at_end()) {
      builder_.assumed("the input is whole, although its end mark is missing");
      builder_.repaired("missing_end_mark");
      return false;
    }
    const std::uint64_t word = number("the type of a record");
    switch (type_of(word)) {
      case kBuffer:
        read_buffer(word >> 3, start);
        return true;
      case kDeath:
        number("a time");
        return true;
      case kBarrier:
        number("a time");
        merge();
        return true;
      case kEnd:
        return false;
      default:
        source_.fail_at(start, fmt::format("unknown type {:#o} of a record, expected a thread's "
                                           "buffer or end, a barrier or the end",
                                           type_of(word)));
    }
  }

  void read_buffer(std::uint64_t id, std::uint64_t start) {
    Buffer buffer;
    buffer.time = without_processor(number("a time"));
    const std::uint64_t size = number("the size of a buffer");
    if (size > kMaxBufferBytes) {
      source_.fail_at(start,
                      fmt::format("a buffer of {} bytes, the limit is {}", size, kMaxBufferBytes));
    }
    buffer.offset = source_.offset();
    pending_bytes_ += sizeof(Buffer) + size;
    if (pending_bytes_ > kMaxPendingBytes) {
      source_.fail_at(start, fmt::format("more than {} bytes without a barrier", kMaxPendingBytes));
    }
    buffer.bytes = source_.take(static_cast<std::size_t>(size), "a thread's buffer");
    Thread& thread = threads_.try_emplace(id, id).first->second;
    thread.add(std::move(buffer));
    if (thread.idle) advance(thread);
  }

  // To the thread's next event.
  void advance(Thread& thread) {
    std::uint64_t done = 0;
    thread.idle = !thread.next(source_, &done);
    pending_bytes_ -= done;
    if (!thread.idle) ready_.emplace(thread.time(), thread.id());
  }

  // All events that need not wait.
  void merge() {
    while (!ready_.empty()) {
      Thread& thread = threads_.at(ready_.top().second);
      ready_.pop();
      const Event& event = thread.event();
      if (!event.is_birth() && !live_.contains(event.needs())) {
        waiting_[event.needs()].push_back(thread.id());
        continue;
      }
      apply(thread);
    }
  }

  void apply(Thread& thread) {
    const Event event = thread.event();
    builder_.thread(thread.id());
    builder_.time_ns(thread.time());
    if (event.type == kMalloc) {
      builder_.add_malloc(event.token, event.size);
    } else if (event.type == kMemalign) {
      builder_.add_aligned(event.token, event.alignment, event.size);
    } else if (event.type == kRealloc) {
      builder_.add_realloc(event.old_token, event.token, std::max<std::uint64_t>(event.size, 1));
    } else {
      builder_.add_free(event.token);
    }
    if (!event.is_birth()) live_.erase(event.needs());
    if (event.is_birth() || event.type == kRealloc) bear(event.token);
    advance(thread);
  }

  void bear(std::uint64_t token) {
    live_.insert(token);
    const auto found = waiting_.find(token);
    if (found == waiting_.end()) return;
    for (const std::uint64_t id : found->second) {
      ready_.emplace(threads_.at(id).time(), id);
    }
    waiting_.erase(found);
  }

  // What they wait for never comes; the builder counts it. The lowest token goes first.
  void finish_waiting() {
    while (!waiting_.empty()) {
      const auto first = waiting_.begin();
      const std::vector<std::uint64_t> ids = std::move(first->second);
      waiting_.erase(first);
      for (const std::uint64_t id : ids) apply(threads_.at(id));
      merge();
    }
  }

  using Ready = std::pair<std::uint64_t, std::uint64_t>;  // time, thread

  Source& source_;
  CallBuilder& builder_;
  std::unordered_map<std::uint64_t, Thread> threads_;
  std::priority_queue<Ready, std::vector<Ready>, std::greater<>> ready_;
  std::map<std::uint64_t, std::vector<std::uint64_t>> waiting_;  // by token
  std::unordered_set<std::uint64_t> live_;
  std::uint64_t pending_bytes_ = 0;
};

// The first record is a buffer that begins with the thread's first token, and records follow one
// another as far as the head goes.
bool fits(std::string_view head) {
  bool first = true;
  for (; !head.empty(); first = false) {
    std::string_view rest = head;
    const auto word = take_number(&rest);
    if (!word) break;
    const std::uint64_t type = type_of(*word);
    if (first && type != kBuffer) return false;
    if (type == kEnd) return !first;
    if (type != kBuffer && type != kDeath && type != kBarrier) return false;
    if (!take_number(&rest)) break;
    if (type == kBuffer) {
      const auto size = take_number(&rest);
      if (!size) break;
      if (*size > kMaxBufferBytes) return false;
      if (first) {
        std::string_view events = rest;
        const auto token = take_number(&events);
        if (!token || type_of(*token) != kToken) return false;
      }
      if (*size > rest.size()) break;
      rest.remove_prefix(static_cast<std::size_t>(*size));
    }
    head = rest;
  }
  return !first;
}

bool recognises(std::string_view head) {
  return fits(head) || (head.size() > kMagicBytes && fits(head.substr(kMagicBytes)));
}

void import(Source& source, CallBuilder& builder) { GperftoolsImport(source, builder).run(); }

}  // namespace

const Importer kGperftoolsTraceImporter{
    "gperftools-trace", "a raw malloc trace of gperftools' tracing build", recognises, import};

}  // namespace replay
