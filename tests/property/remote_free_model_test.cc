// A model of how objects freed by other threads come back to their owner (slab_heap_threads_impl.h:
// send, push_pending, collect, abandon, steal), and a walk through all orders in which the atomic
// steps of its threads can happen, as if memory were sequentially consistent.
//
// One slab, whose owner is heap A at first. Two threads free an object of it each. A's thread
// collects once and ends; another thread, if there is one, then steals the slab for its heap B,
// collects, and may end as well. A thread waits for the registry's lock by not being able to step.
//
//   send        1 remote += count     2 owner = slab.owner   3 slab.pending = owner.pending
//               4 owner.pending: compare and swap, else 3    5 orphan? lock, collect, unlock
//   collect     1 list = heap.pending, pending = none    2 mine? else push on to slab.owner
//               3 freed += remote, remote = 0
//   abandon     1 collect   2 lock   3 orphan = true   4 collect   5 unlock
//   steal       1 orphan? lock   2 collect(A)   3 slab.owner = B   4 unlock
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <vector>

namespace mem {
namespace {

enum : std::uint8_t { kA, kB, kHeaps };
constexpr std::uint8_t kNobody = 9;

// What a step does to a model that has been broken on purpose; the walk has to notice each.
struct Rules {
  bool push_always = false;         // not only who finds the remote list empty pushes the slab
  bool never_push = false;          // nobody does
  bool lose_old_head = false;       // send forgets what was in the list
  bool collect_after_mark = true;   // abandon collects after the mark, too
  bool sender_checks_mark = true;   // who sends looks whether the owner is an orphan
  bool passes_on = true;            // who finds a slab that is not its own passes it on
  bool frees_count_as_live = true;  // objects in the remote list keep the slab from being released
};

struct Thread {
  std::uint8_t pc = 0;
  std::uint8_t heap = kNobody;  // that it is collecting for, or pushing to
  std::uint8_t seen = 0;        // the head of a pending list that it read
  std::uint8_t taken = 0;       // pending list that it took
  std::uint8_t back = 0;        // where to go on after the part it is in
};

struct State {
  std::uint8_t remote = 0;  // objects in the slab's remote list
  std::uint8_t live = 2;    // that the owner counts as live
  std::uint8_t owner = kA;
  std::uint8_t released = 0;
  std::uint8_t pending[kHeaps] = {};  // whether the slab is in the list: there is but one
  std::uint8_t orphan[kHeaps] = {};
  std::uint8_t lock = 0;  // who holds it, +1
  std::uint8_t fault = 0;
  Thread threads[4];
  bool operator<(const State& other) const { return memcmp(this, &other, sizeof(State)) < 0; }
};
static_assert(std::has_unique_object_representations_v<State>);

enum : std::uint8_t {
  kStart,  // send
  kOwner,
  kRead,
  kSwap,
  kMark,
  kLocked,
  kUnlock,
  kDone,
  kTake,  // collect, then on to `back`
  kWalk,
  kPassOwner,
  kPassRead,
  kPassSwap,
  kGather,
  kEnd,  // abandon
  kSetMark,
  kThief,  // steal
  kSteal,
};

enum class Thief : std::uint8_t { kNone, kStays, kEnds };

class Walk {
 public:
  explicit Walk(const Rules& rules) : rules_(rules) {}

  // "" or what went wrong in one of the orders.
  std::string run(Thief thief) {
    thief_ends_ = thief == Thief::kEnds;
    State first;
    first.threads[2] = Thread{kTake, kA, 0, 0, kEnd};
    first.threads[3].pc = thief == Thief::kNone ? kDone : kThief;
    visit(first);
    while (!open_.empty() && found_.empty()) {
      const State state = open_.back();
      open_.pop_back();
      bool is_stuck = true;
      for (std::uint8_t t = 0; t < 4; ++t) {
        State next = state;
        if (!step(next, t)) continue;
        is_stuck = false;
        if (next.fault != 0) found_ = "a slab was released while an object of it was under way";
        visit(next);
      }
      if (is_stuck) judge(state);
    }
    return found_;
  }
  std::size_t states() const { return seen_.size(); }

 private:
  void visit(const State& state) {
    if (seen_.insert(state).second) open_.push_back(state);
  }

  // A final state: every freed object has reached whoever owns the slab now, or will.
  void judge(const State& state) {
    for (const Thread& thread : state.threads) {
      if (thread.pc != kDone) found_ = "a thread waits for ever";
    }
    if (state.released != 0) return;
    if (state.remote == 0) {
      if (state.live != 0) found_ = "an object was lost";
      return;
    }
    // Left in the list of B it is found by B's next collect(). That B may have become an orphan
    // between a sender's look at the owner and the passing on of the slab: then the next who steals
    // from, adopts or sends to B collects it, which is late but not lost.
    if (state.pending[kA] + state.pending[kB] == 0) found_ = "a slab is in nobody's list";
    if (state.orphan[kA] != 0 && state.pending[kA] != 0) found_ = "an orphan's list is not empty";
  }

  bool take_lock(State& s, std::uint8_t t) {
    if (s.lock != 0) return false;
    s.lock = static_cast<std::uint8_t>(t + 1);
    return true;
  }
  static void go(Thread& thread, std::uint8_t pc) { thread.pc = pc; }
  static void collect(Thread& thread, std::uint8_t heap, std::uint8_t back) {
    thread.heap = heap;
    thread.back = back;
    thread.pc = kTake;
  }
  void touch(State& s) const {
    if (s.released != 0) s.fault = 1;
  }
  // Compare and swap of a heap's pending list: the slab goes in front of what was seen there.
  bool push(State& s, const Thread& thread) const {
    if (s.pending[thread.heap] != thread.seen) return false;
    if (thread.seen != 0) s.fault = 1;  // it would be in the list twice
    s.pending[thread.heap] = 1;
    return true;
  }

  // One atomic step of thread t; false = it cannot step.
  bool step(State& s, std::uint8_t t) {
    Thread& me = s.threads[t];
    switch (me.pc) {
      // --- send
      case kStart:
        touch(s);
        me.seen = s.remote;
        s.remote = static_cast<std::uint8_t>(rules_.lose_old_head ? 1 : s.remote + 1);
        if (!rules_.frees_count_as_live && --s.live == 0) s.released = 1;
        go(me, (me.seen == 0 || rules_.push_always) && !rules_.never_push ? kOwner : kDone);
        return true;
      case kOwner:
        touch(s);
        me.heap = s.owner;
        go(me, kRead);
        return true;
      case kRead:
        touch(s);  // what is read is written to slab.pending
        me.seen = s.pending[me.heap];
        go(me, kSwap);
        return true;
      case kSwap:
        touch(s);
        if (push(s, me)) {
          go(me, rules_.sender_checks_mark ? kMark : kDone);
        } else {
          go(me, kRead);
        }
        return true;
      case kMark:
        go(me, s.orphan[me.heap] != 0 ? kLocked : kDone);
        return true;
      case kLocked:
        if (!take_lock(s, t)) return false;
        if (s.orphan[me.heap] != 0) {
          collect(me, me.heap, kUnlock);
        } else {
          go(me, kUnlock);
        }
        return true;
      case kUnlock:
        s.lock = 0;
        go(me, kDone);
        return true;
      // --- collect
      case kTake:
        me.taken = s.pending[me.heap];
        s.pending[me.heap] = 0;
        me.pc = me.taken != 0 ? std::uint8_t{kWalk} : me.back;
        return true;
      case kWalk:
        touch(s);
        if (s.owner == me.heap) {
          go(me, kGather);
        } else {
          me.pc = rules_.passes_on ? std::uint8_t{kPassOwner} : me.back;
        }
        return true;
      case kPassOwner:
        me.heap = s.owner;
        go(me, kPassRead);
        return true;
      case kPassRead:
        me.seen = s.pending[me.heap];
        go(me, kPassSwap);
        return true;
      case kPassSwap:
        me.pc = push(s, me) ? me.back : std::uint8_t{kPassRead};
        return true;
      case kGather: {
        touch(s);
        const std::uint8_t frees = s.remote;
        s.remote = 0;
        if (rules_.frees_count_as_live) s.live = static_cast<std::uint8_t>(s.live - frees);
        if (s.live == 0) s.released = 1;
        go(me, me.back);
        return true;
      }
      // --- abandon, by the threads of A and of B
      case kEnd:
        if (!take_lock(s, t)) return false;
        go(me, kSetMark);
        return true;
      case kSetMark: {
        const std::uint8_t heap = t == 2 ? kA : kB;
        s.orphan[heap] = 1;
        if (rules_.collect_after_mark) {
          collect(me, heap, kUnlock);
        } else {
          go(me, kUnlock);
        }
        return true;
      }
      // --- steal; the thread that does it has heap B
      case kThief:
        if (s.orphan[kA] == 0) return false;  // nothing to steal yet
        if (!take_lock(s, t)) return false;
        collect(me, kA, kSteal);
        return true;
      case kSteal:
        if (s.released != 0 || s.live == 2) {  // given back, or without a free object
          s.lock = 0;
          go(me, kDone);
          return true;
        }
        s.owner = kB;
        s.lock = 0;
        collect(me, kB, thief_ends_ ? kEnd : kDone);
        return true;
      default:
        return false;
    }
  }

  Rules rules_;
  bool thief_ends_ = false;
  std::set<State> seen_;
  std::vector<State> open_;
  std::string found_;
};

std::string found_with(const Rules& rules) {
  for (const Thief thief : {Thief::kNone, Thief::kStays, Thief::kEnds}) {
    Walk walk(rules);
    if (std::string found = walk.run(thief); !found.empty()) return found;
  }
  return "";
}

TEST(RemoteFreeModelTest, NoOrderLosesAnObjectOrReleasesALiveOne) {
  for (const Thief thief : {Thief::kNone, Thief::kStays, Thief::kEnds}) {
    Walk walk({});
    EXPECT_EQ(walk.run(thief), "");
    EXPECT_GT(walk.states(), 100u);  // it did walk
  }
}

TEST(RemoteFreeModelTest, EachRuleIsNeeded) {
  const struct {
    const char* what;
    Rules rules;
  } cases[] = {
      {"pushed by each", {.push_always = true}},
      {"pushed by none", {.never_push = true}},
      {"old head lost", {.lose_old_head = true}},
      {"no collection after the mark", {.collect_after_mark = false}},
      {"senders ignore the mark", {.sender_checks_mark = false}},
      {"not passed on", {.passes_on = false}},
      {"remote objects not counted as live", {.frees_count_as_live = false}},
  };
  for (const auto& [what, rules] : cases) EXPECT_NE(found_with(rules), "") << what;
}

}  // namespace
}  // namespace mem
