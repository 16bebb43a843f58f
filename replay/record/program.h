// Runs the program that is recorded: starts it with the library preloaded, waits for its end.
//
// While it runs, SIGINT, SIGTERM, SIGHUP and SIGQUIT do not end the recorder: what one process
// sends is passed on to the program, what the terminal sends has reached the program already. So
// Ctrl-C ends the program and still yields the trace. Uses signal masks: one at a time a process.
#pragma once

#include <signal.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "replay/record/spool_directory.h"

namespace replay {

// How the program ended: {"kind": "exited", "code": 3} or {"kind": "killed", "signal": 9, ...}.
struct Fate {
  int wait_status = 0;
  bool succeeded() const;
  std::string text() const;  // "exited with code 3", "was killed by signal 9 (Killed)"
  nlohmann::ordered_json json() const;
};

// Holds the signals back from now to its end; interrupted() takes one that is pending.
class SignalHold {
 public:
  SignalHold();
  ~SignalHold();
  SignalHold(const SignalHold&) = delete;
  SignalHold& operator=(const SignalHold&) = delete;

  bool interrupted() const;
  const sigset_t& held() const { return held_; }
  const sigset_t& before() const { return before_; }

 private:
  sigset_t held_;
  sigset_t before_;
};

// `on_wait` is called about four times a second. Throws Error if the program cannot be started.
Fate run_program(const std::vector<std::string>& command, const std::string& library,
                 SpoolDirectory& spool, const SignalHold& signals,
                 const std::function<void()>& on_wait);

}  // namespace replay
