#include "replay/record/program.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "replay/trace/error.h"
#include "tests/support/temp_folder.h"

namespace replay {
namespace {

const WhileItRuns kNothing{
    .drain = [] { return std::uint64_t{1'000'000'000}; }, .tick = [] {}, .command = [] {}};

class Program : public ::testing::Test {
 protected:
  Fate run(const std::vector<std::string>& command) {
    const SignalHold signals;
    SpoolDirectory spool(dir_ / "x.trace", {});
    // An empty library name preloads nothing.
    return run_program(command, "", spool, signals, kNothing);
  }
  test::TempFolder dir_;
};

TEST_F(Program, TellsHowItEnded) {
  EXPECT_TRUE(run({"true"}).succeeded());
  const Fate failed = run({"sh", "-c", "exit 5"});
  EXPECT_FALSE(failed.succeeded());
  EXPECT_EQ(failed.text(), "exited with code 5");
  EXPECT_EQ(failed.json().dump(), R"({"kind":"exited","code":5})");
  const Fate killed = run({"sh", "-c", "kill -9 $$"});
  EXPECT_EQ(killed.text(), "was killed by signal 9 (Killed)");
  EXPECT_EQ(killed.json().at("signal"), 9);
}

// What a process sends to the recorder reaches the program, and the recorder lives on.
TEST_F(Program, PassesSignalsOn) {
  const std::string parent = std::to_string(::getpid());
  const Fate fate = run(
      {"sh", "-c", "trap 'exit 42' TERM; kill -TERM " + parent + "; while :; do sleep 0.05; done"});
  EXPECT_EQ(fate.text(), "exited with code 42");
}

// The recorder's own signal does not: the program would die of it.
TEST_F(Program, KeepsItsOwnSignal) {
  const std::string taken = dir_ / "taken";
  const SignalHold signals(SIGUSR1);
  SpoolDirectory spool(dir_ / "x.trace", {});
  int commands = 0;
  const auto command = [&] {
    ++commands;
    std::ofstream(taken).flush();
  };
  const std::string parent = std::to_string(::getpid());
  const std::string script = "kill -USR1 " + parent + "; until test -e " + taken + "; do kill -0 " +
                             parent + " || exit 1; done; exit 7";
  const Fate fate = run_program({"sh", "-c", script}, "", spool, signals,
                                {.drain = kNothing.drain, .tick = [] {}, .command = command});
  EXPECT_EQ(fate.text(), "exited with code 7");
  EXPECT_EQ(commands, 1);
}

TEST_F(Program, DrainsAsOftenAsItIsAskedTo) {
  const std::string enough = dir_ / "enough";
  const SignalHold signals;
  SpoolDirectory spool(dir_ / "x.trace", {});
  int drains = 0;
  int ticks = 0;
  const auto drain = [&] {
    if (++drains == 50) std::ofstream(enough).flush();
    return std::uint64_t{1'000'000};
  };
  const Fate fate =
      run_program({"sh", "-c", "until test -e " + enough + "; do :; done"}, "", spool, signals,
                  {.drain = drain, .tick = [&] { ++ticks; }, .command = [] {}});
  EXPECT_TRUE(fate.succeeded());
  EXPECT_GE(drains, 50);
  EXPECT_LT(ticks, drains);
}

TEST_F(Program, ACommandThatCannotRunIsAnError) {
  try {
    run({"/no/such/program"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "/no/such/program: cannot be run: No such file or directory");
  }
}

// Whoever ignores SIGCHLD has the kernel reap its children; the program may want just that.
TEST_F(Program, WaitsThoughItInheritedToIgnoreChildren) {
  const std::string status = dir_ / "status";
  ::signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(run({"sh", "-c", "exit 5"}).text(), "exited with code 5");
  EXPECT_TRUE(run({"cp", "/proc/self/status", status}).succeeded());
  EXPECT_EQ(::signal(SIGCHLD, SIG_DFL), SIG_IGN);
  const auto ignores = [&](int signal) {
    std::ifstream file(status);
    for (std::string word; file >> word;) {
      if (word == "SigIgn:") break;
    }
    std::uint64_t mask = 0;
    file >> std::hex >> mask;
    return (mask >> (signal - 1) & 1) != 0;
  };
  EXPECT_TRUE(ignores(SIGCHLD));
  EXPECT_FALSE(ignores(SIGXFSZ));
  EXPECT_FALSE(ignores(SIGPIPE));
}

TEST_F(Program, AnEndThatSomebodyElseTookIsAnError) {
  const SignalHold signals;
  SpoolDirectory spool(dir_ / "x.trace", {});
  ::signal(SIGCHLD, SIG_IGN);
  EXPECT_THROW(run_program({"true"}, "", spool, signals, kNothing), Error);
}

TEST_F(Program, AHeldSignalIsFoundLater) {
  SignalHold signals;
  EXPECT_FALSE(signals.interrupted());
  for (const int signal : {SIGINT, SIGQUIT}) {
    ::kill(::getpid(), signal);
    EXPECT_TRUE(signals.interrupted());
    EXPECT_FALSE(signals.interrupted());
  }
}

// A terminal that closes has done so once more, and the first SIGTERM may be that of the program.
TEST_F(Program, OnlyWhatInsistsInterrupts) {
  SignalHold signals;
  ::kill(::getpid(), SIGHUP);
  EXPECT_FALSE(signals.interrupted());
  ::kill(::getpid(), SIGTERM);
  EXPECT_FALSE(signals.interrupted());
  ::kill(::getpid(), SIGTERM);
  EXPECT_TRUE(signals.interrupted());
}

TEST_F(Program, WhatIsPendingAtTheEndInterruptsNothing) {
  SignalHold signals;
  SpoolDirectory spool(dir_ / "x.trace", {});
  const auto end_and_signal = [] {
    siginfo_t info{};
    ::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);
    ::kill(::getpid(), SIGHUP);  // this one is passed on, in vain
    ::kill(::getpid(), SIGINT);
    return std::uint64_t{1'000'000'000};
  };
  run_program({"true"}, "", spool, signals,
              {.drain = end_and_signal, .tick = [] {}, .command = [] {}});
  EXPECT_FALSE(signals.interrupted());
}

}  // namespace
}  // namespace replay
