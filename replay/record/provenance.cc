#include "replay/record/provenance.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

namespace replay {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace {

// The first line that a command prints; empty if there is none.
std::string first_line_of(const std::vector<std::string>& command) {
  int out[2];
  if (::pipe2(out, O_CLOEXEC) != 0) return {};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  // Not ours: LD_PRELOAD, LD_DEBUG and the like would speak into the answer.
  char* environment[] = {const_cast<char*>("LC_ALL=C"), nullptr};
  pid_t pid = 0;
  const int error =
      ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environment);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);
  std::string text;
  std::array<char, 512> buffer{};
  for (ssize_t got = 0; error == 0 && (got = ::read(out[0], buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(out[0]);
  if (error != 0) return {};
  ::waitpid(pid, nullptr, 0);
  return text.substr(0, text.find('\n'));
}

// "redis-tools 5:7.0.15-1" or null. The package database may know a file by its name from before
// /lib and /usr/lib became one.
ordered_json package_of(const std::string& path) {
  std::error_code error;
  const std::string real = fs::canonical(path, error).string();
  if (error) return nullptr;
  constexpr std::string_view kUsr = "/usr";
  if (!real.starts_with("/usr/")) return nullptr;  // asking takes a while, and no package is there
  const std::string owner =
      first_line_of({"dpkg-query", "--search", real, real.substr(kUsr.size())});
  const std::size_t colon = owner.find(": ");
  if (colon == std::string::npos || owner.find(',') < colon) return nullptr;
  return first_line_of(
      {"dpkg-query", "--show", "--showformat=${Package} ${Version}\\n", owner.substr(0, colon)});
}

ordered_json path_and_package(const char* path) {
  if (*path == '\0') return nullptr;
  return {{"path", path}, {"package", package_of(path)}};
}

}  // namespace

std::string iso_8601_utc(std::uint64_t unix_ns) {
  const auto seconds = static_cast<time_t>(unix_ns / 1'000'000'000u);
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  const std::size_t length = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

ordered_json distribution() {
  std::ifstream file("/etc/os-release");
  constexpr std::string_view kKey = "PRETTY_NAME=\"";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(kKey)) return line.substr(kKey.size(), line.size() - kKey.size() - 1);
  }
  return nullptr;
}

ordered_json libraries_of(const spool::ImageHeader& header) {
  return {{"program", path_and_package(header.program)},
          {"allocator", path_and_package(header.allocator)},
          {"libc", {{"version", header.libc_version}}}};
}

}  // namespace replay
