// A server: requests come in bursts to a pool of threads; what a request allocates is scratch
// (freed at once, last in first out), the request's own (freed at its end), a session's (freed many
// requests later), or cached (thrown out when the cache is full).
#include <algorithm>
#include <deque>
#include <vector>

#include "replay/gen/agenda.h"
#include "replay/gen/generator.h"

namespace replay::gen {
namespace {

constexpr ParameterSpec kParameters[] = {
    events_parameter("1M"),
    number_parameter("threads", "4", "threads", "that serve requests", 1, 4096),
    distribution_parameter("burst", "exp:16", "requests", "that come together"),
    distribution_parameter("pause", "exp:1M", "ns", "between bursts"),
    distribution_parameter("objects", "exp:60", "objects", "that a request allocates"),
    distribution_parameter("size", "mix:log:16:512=94,log:512:64Ki=6", "bytes", "sizes"),
    percent_parameter("scratch", "60", "objects that are scratch"),
    percent_parameter("session", "2", "objects of sessions"),
    distribution_parameter("session-length", "exp:2k", "requests", "that a session lasts"),
    percent_parameter("cached", "2", "objects that go to the cache"),
    number_parameter("cache", "20k", "objects", "that the cache holds", 1, 100'000'000),
};

class Server {
 public:
  Server(const Parameters& parameters, Random& random, Emitter& out)
      : parameters_(parameters),
        sizes_(parameters.distribution("size")),
        events_(parameters.number("events")),
        scratch_(parameters.share("scratch")),
        session_(scratch_ + parameters.share("session")),
        cached_(session_ + parameters.share("cached")),
        random_(random),
        out_(out) {}

  bool full() const { return out_.events() >= events_; }

  // All requests of a burst at once, a few calls of each in turn.
  void burst() {
    out_.advance(parameters_.distribution("pause").draw(random_));
    std::uint64_t waiting = parameters_.distribution("burst").draw(random_);
    std::vector<Request> served;
    while ((waiting > 0 || !served.empty()) && !full()) {
      while (waiting > 0 && served.size() < parameters_.number("threads")) {
        served.push_back(begin());
        --waiting;
      }
      const auto which = static_cast<std::size_t>(random_.below(served.size()));
      if (go_on(served[which])) continue;
      idle_.push_back(served[which].thread);
      served.erase(served.begin() + static_cast<std::ptrdiff_t>(which));
    }
    for (Request& request : served) end(request);
  }

 private:
  struct Request {
    std::uint32_t thread;
    std::uint64_t to_allocate;
    std::vector<std::uint64_t> scratch;
    std::vector<std::uint64_t> own;
  };

  Request begin() {
    if (idle_.empty()) idle_.push_back(threads_++);
    const std::uint32_t thread = idle_.back();
    idle_.pop_back();
    return {thread, parameters_.distribution("objects").draw(random_), {}, {}};
  }

  // False once the request has ended.
  bool go_on(Request& request) {
    constexpr std::uint64_t kTurn = 8;  // objects before another thread's turn
    out_.set_thread(request.thread);
    const std::uint64_t turn = std::min(kTurn, request.to_allocate);
    for (std::uint64_t i = 0; i < turn && !full(); ++i) allocate(request);
    request.to_allocate -= turn;
    free_scratch(request);
    if (request.to_allocate > 0) return true;
    end(request);
    return false;
  }

  void allocate(Request& request) {
    const std::uint64_t object = out_.malloc(sizes_.draw(random_));
    const std::uint64_t kind = random_.below(kWhole);
    if (kind < scratch_) {
      request.scratch.push_back(object);
      if (request.scratch.size() > 3 && !full()) {
        out_.free(request.scratch.back());
        request.scratch.pop_back();
      }
    } else if (kind < session_) {
      sessions_.put(requests_ + parameters_.distribution("session-length").draw(random_), object);
    } else if (kind < cached_) {
      cache_.push_back(object);
      if (cache_.size() > parameters_.number("cache") && !full()) {
        out_.free(cache_.front());
        cache_.pop_front();
      }
    } else {
      request.own.push_back(object);
    }
  }

  void free_scratch(Request& request) {
    for (; !request.scratch.empty() && !full(); request.scratch.pop_back()) {
      out_.free(request.scratch.back());
    }
  }

  void end(Request& request) {
    free_scratch(request);
    for (std::size_t i = 0; i < request.own.size() && !full(); ++i) out_.free(request.own[i]);
    sessions_.run_to(++requests_, [this](std::uint64_t object) {
      if (!full()) out_.free(object);
    });
  }

  const Parameters& parameters_;
  const Distribution& sizes_;
  std::uint64_t events_;
  std::uint64_t scratch_;  // cumulative shares
  std::uint64_t session_;
  std::uint64_t cached_;
  Random& random_;
  Emitter& out_;
  std::uint32_t threads_ = 0;
  std::vector<std::uint32_t> idle_;
  std::uint64_t requests_ = 0;
  Agenda<std::uint64_t> sessions_;
  std::deque<std::uint64_t> cache_;
};

void run(const Parameters& parameters, Random& random, Emitter& out) {
  parameters.require_one_whole({"scratch", "session", "cached"});
  out.expect(parameters.number("events"));
  Server server(parameters, random, out);
  while (!server.full()) server.burst();
}

}  // namespace

const Generator kRequests{
    "requests",
    1,
    "a server: bursts of requests; scratch, request, session and cache lifetimes",
    "none",
    kParameters,
    run};

}  // namespace replay::gen
