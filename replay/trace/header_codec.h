// The header of trace format v1 to and from bytes. Knows nothing of files.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "replay/trace/header.h"

namespace replay {

// What the header says of the file's layout rather than of the trace.
struct FileLayout {
  std::uint32_t header_size = 0;  // offset of the first block
  std::uint64_t index_offset = 0;
  std::uint32_t block_count = 0;
};

// The required_features that `header` says.
std::uint32_t features_of(const TraceHeader& header);

// Compact JSON; what is not UTF-8 in it (a command line need not be) is replaced.
std::string dump_provenance(const nlohmann::ordered_json& provenance);

// The least header_size that holds `header`, with room for its provenance to grow.
std::uint32_t roomy_header_size(const TraceHeader& header);
// True if `header` fits.
bool fits_header_size(const TraceHeader& header, std::uint32_t header_size);

// pre: fits_header_size(header, layout.header_size). Returns header_size bytes.
std::string encode_header(const TraceHeader& header, const FileLayout& layout);

// A problem and the offset of the field that has it; `what` is "" if there is none.
struct HeaderProblem {
  std::string what;
  std::uint64_t offset = 0;
};

// Checks magic, version and features of the first format::header::kFixedSize bytes, and gives
// header_size.
HeaderProblem decode_preamble(std::span<const unsigned char> fixed, std::uint32_t* header_size);

// pre: decode_preamble accepted `bytes`, which has header_size bytes.
HeaderProblem decode_header(std::span<const unsigned char> bytes, TraceHeader* header,
                            FileLayout* layout);

}  // namespace replay
