// The hash by which traces and their manifest name a file's content. Thread-safe. O(size), constant
// memory.
#pragma once

#include <string>

namespace replay {

// SHA-256 of a file in hex. Throws Error if it cannot be read.
std::string file_sha256(const std::string& path);

}  // namespace replay
