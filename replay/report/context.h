// What a reader must know of the machine and the build to judge a result.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace replay {

// Keys: date, host {cpu, logical_cpus, memory_bytes, kernel, page_size_bytes,
// transparent_huge_pages, governor}, build {version, git_revision, compiler, build_type,
// assertions}, libraries {...}, warnings [...]. What the machine does not tell is null.
nlohmann::ordered_json collect_context();

// "0.1.0 (git 1234abc, Release, GCC 12.2.0)", for --version.
std::string version_text();

}  // namespace replay
