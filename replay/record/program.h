// Runs the program that is recorded: starts it with the library preloaded, waits for its end.
//
// While it runs, SIGINT, SIGTERM, SIGHUP and SIGQUIT do not end the recorder: what one process
// sends is passed on to the program, what the terminal sends has reached the program already. So
// Ctrl-C ends the program and still yields the trace. One further signal may be for the recorder.
// A terminal that closes, or whoever ends a whole group of processes, signals more than once, so
// what is pending at the program's end was meant for that.
// Uses signal masks: one at a time a process.
#pragma once

#include <signal.h>

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "replay/record/spool_directory.h"

namespace replay {

// How the program ended: {"kind": "exited", "code": 3} or {"kind": "killed", "signal": 9, ...}.
struct Fate {
  int wait_status = 0;
  std::uint64_t wall_ns = 0;
  std::uint64_t user_ns = 0;
  std::uint64_t system_ns = 0;
  std::uint64_t peak_resident_kib = 0;
  std::uint64_t recorder_ns = 0;  // processor time of the recorder meanwhile
  bool succeeded() const;
  std::string text() const;  // "exited with code 3", "was killed by signal 9 (Killed)"
  nlohmann::ordered_json json() const;
  nlohmann::ordered_json usage_json() const;  // what its run took, the recording's share included
};

// Holds the signals back from now to its end. What the recorder inherited of others and cannot use
// (children that the kernel reaps, the death of whoever writes beyond the limit of file sizes or to
// a reader that has gone) is put aside meanwhile.
class SignalHold {
 public:
  // command: a signal besides that is for the recorder and is not passed on; 0: none.
  explicit SignalHold(int command = 0);
  ~SignalHold();
  SignalHold(const SignalHold&) = delete;
  SignalHold& operator=(const SignalHold&) = delete;

  // Takes what is pending, and tells whether it ends the recorder itself: SIGINT and SIGQUIT do, a
  // SIGTERM from the second on, SIGHUP never.
  bool interrupted();
  void forget_pending() const;
  const sigset_t& held() const { return held_; }
  void give_back() const;  // everything, as it was found: for the child that becomes the program
  int command() const { return command_; }

 private:
  int take_pending() const;  // a signal, or -1

  bool terminated_ = false;
  sigset_t held_;
  sigset_t before_;
  struct sigaction child_before_;
  struct sigaction size_before_;
  struct sigaction pipe_before_;
  int command_;
};

struct WhileItRuns {
  std::function<std::uint64_t()> drain;  // returns how many ns the next call may wait
  std::function<void()> tick;            // about four times a second
  std::function<void()> command;         // the signal that is for the recorder has come
};

// Throws Error if the program cannot be started.
Fate run_program(const std::vector<std::string>& command, const std::string& library,
                 SpoolDirectory& spool, const SignalHold& signals, const WhileItRuns& calls);

}  // namespace replay
