// What the build knew of itself; build_info.cc is made from build_info.cc.in at every build.
#pragma once

namespace replay {

extern const char* const kVersion;
extern const char* const kGitRevision;  // "unknown" outside a git checkout
extern const char* const kBuildType;
extern const char* const kSanitizers;  // empty: none

}  // namespace replay
