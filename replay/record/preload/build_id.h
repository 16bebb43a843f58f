// The build id of a loaded module, from its notes in memory: the file may have been replaced.
//
// Never allocates. Thread-safe while the module stays loaded.
#pragma once

#include <link.h>

#include <cstddef>

namespace replay::preload {

inline constexpr std::size_t kMaxBuildIdText = 2 * 64;

// Writes it in hexadecimal, without an end, into kMaxBuildIdText bytes; returns how many, 0 where
// there is none.
std::size_t write_build_id(const dl_phdr_info& module, char* to);

}  // namespace replay::preload
