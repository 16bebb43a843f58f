#include "replay/trace/file_hash.h"

#include <fmt/format.h>

#include <sha2.h>

#include "replay/trace/error.h"

namespace replay {

std::string file_sha256(const std::string& path) {
  char hex[SHA256_DIGEST_STRING_LENGTH];
  if (::SHA256File(path.c_str(), hex) == nullptr) {
    throw Error(fmt::format("{}: cannot read it to compute its hash", path));
  }
  return hex;
}

}  // namespace replay
