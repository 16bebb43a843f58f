// The one exception type of replay/. Caught once, in main.cc, which prints `what()` on stderr.
//
// A message is one line: what is wrong, where (file, byte offset), what was expected, what to do.
#pragma once

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace replay {

enum class ExitCode : int { kOk = 0, kError = 1, kUsage = 2, kRegression = 3, kInconclusive = 4 };

class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, ExitCode code = ExitCode::kError)
      : std::runtime_error(message), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

// Of a call of the system that has just failed: what could not be done, and why, by errno.
inline Error system_error(const std::string& what) {
  return Error(what + ": " + std::strerror(errno));
}

}  // namespace replay
