// The decompressing byte streams. They check what their format has checksums of, and refuse bombs
// (kMaxExpansion of byte_stream.h).
#pragma once

#include <memory>
#include <string>

#include "replay/trace/importers/byte_stream.h"

namespace replay {

// `path` is for messages. Both take several members, one after the other.
std::unique_ptr<ByteStream> gunzip(const std::string& path, std::unique_ptr<ByteStream> compressed);
std::unique_ptr<ByteStream> unzstd(const std::string& path, std::unique_ptr<ByteStream> compressed);

// The one file in the zip archive at `path`. Throws Error if there are none or several.
std::unique_ptr<ByteStream> unzip(const std::string& path);

}  // namespace replay
