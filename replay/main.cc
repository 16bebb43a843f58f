// allocreplay: parse, dispatch, print an error once.
#include <fmt/format.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "replay/cli/command.h"
#include "replay/report/context.h"
#include "replay/trace/error.h"

namespace {

// What was printed must have arrived, too.
int flushed(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  throw replay::system_error("standard output: cannot write");
}

// What whoever started us may have left otherwise: our descriptors must not be taken for the
// standard ones, and a child's end must be told.
void begin_as_usual() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) < 0) std::abort();
  }
  ::signal(SIGCHLD, SIG_DFL);
}

// A replay's options mean nothing to a subcommand, and would be lost.
void refuse_options_before(const CLI::App& app, const CLI::App& subcommand) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() == 0) continue;
    const std::string name = option->get_name();
    throw replay::Error(fmt::format("{0} before '{1}' is an option of a replay; if {1} has one of "
                                    "that name, it goes behind '{1}'",
                                    name, subcommand.get_name()),
                        replay::ExitCode::kUsage);
  }
}

}  // namespace

int main(int argc, char** argv) {
  using replay::ExitCode;
  begin_as_usual();
  try {
    CLI::App app{"Records what programs ask of malloc and replays it against allocators.",
                 "allocreplay"};
    app.set_version_flag("--version", replay::version_text());
    app.require_subcommand(0, 1);
    const replay::cli::Command replay_command = replay::cli::setup_replay(app);
    const replay::cli::Command subcommands[] = {
        replay::cli::setup_convert(app),  replay::cli::setup_corpus(app),
        replay::cli::setup_generate(app), replay::cli::setup_inspect(app),
        replay::cli::setup_list(app),     replay::cli::setup_record(app),
        replay::cli::setup_validate(app), replay::cli::setup_repair(app),
        replay::cli::setup_slice(app),    replay::cli::setup_filter(app),
        replay::cli::setup_merge(app),    replay::cli::setup_anonymise(app),
        replay::cli::setup_diff(app),     replay::cli::setup_compare(app),
        replay::cli::setup_ab(app),       replay::cli::setup_floor(app),
    };
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return flushed(app.exit(error));  // --help, --version
      fmt::print(stderr, "allocreplay: {}; see allocreplay --help\n", error.what());
      return static_cast<int>(ExitCode::kUsage);
    }
    for (const replay::cli::Command& command : subcommands) {
      if (!command.app->parsed()) continue;
      refuse_options_before(app, *command.app);
      return flushed(command.run());
    }
    return flushed(replay_command.run());
  } catch (const replay::Error& error) {
    fmt::print(stderr, "allocreplay: {}\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    fmt::print(stderr, "allocreplay: {}\n", error.what());
    return static_cast<int>(ExitCode::kError);
  }
}
