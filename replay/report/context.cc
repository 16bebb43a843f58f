#include "replay/report/context.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <CLI/CLI.hpp>
#include <ctime>
#include <fstream>

#include "replay/report/build_info.h"

namespace replay {
namespace {

using nlohmann::ordered_json;

ordered_json first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  return std::getline(file, line) ? ordered_json(line) : ordered_json(nullptr);
}

ordered_json cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return nullptr;
}

ordered_json compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

bool assertions_on() {
#if defined(NDEBUG)
  return false;
#else
  return true;
#endif
}

ordered_json host() {
  utsname names{};
  ::uname(&names);
  const auto page_size = ::sysconf(_SC_PAGESIZE);
  return {{"cpu", cpu_model()},
          {"logical_cpus", ::sysconf(_SC_NPROCESSORS_ONLN)},
          {"memory_bytes", ::sysconf(_SC_PHYS_PAGES) * page_size},
          {"kernel", fmt::format("{} {}", names.sysname, names.release)},
          {"machine", names.machine},
          {"page_size_bytes", page_size},
          {"transparent_huge_pages", first_line("/sys/kernel/mm/transparent_hugepage/enabled")},
          {"governor", first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")}};
}

ordered_json build() {
  return {{"version", kVersion},       {"git_revision", kGitRevision},
          {"compiler", compiler()},    {"build_type", kBuildType},
          {"sanitizers", kSanitizers}, {"assertions", assertions_on()}};
}

ordered_json libraries() {
  return {{"glibc", gnu_get_libc_version()},
          {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100,
                              FMT_VERSION % 100)},
          {"nlohmann_json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR,
                                        NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)},
          {"cli11", CLI11_VERSION},
          {"zstd", ZSTD_versionString()},
          {"zlib", zlibVersion()}};
}

}  // namespace

ordered_json collect_context() {
  ordered_json warnings = ordered_json::array();
  if (std::string_view(kBuildType) != "Release" || *kSanitizers != '\0') {
    warnings.push_back("not a release build: its times mean nothing");
  }
  return {{"date", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
          {"host", host()},
          {"build", build()},
          {"libraries", libraries()},
          {"warnings", warnings}};
}

std::string version_text() {
  return fmt::format("allocreplay {} (git {}, {}, {})", kVersion, kGitRevision, kBuildType,
                     compiler().get<std::string>());
}

}  // namespace replay
