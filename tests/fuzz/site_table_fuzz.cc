// Any bytes as the table of call sites: what is wrong, or a table whose stacks end and that is the
// same when it is written and read again.
//
// Input: the payload, which the target compresses.
#include <zstd.h>

#include <cstdlib>
#include <vector>

#include "replay/trace/format.h"
#include "replay/trace/site_table.h"
#include "tests/fuzz/fuzz_target.h"

namespace replay {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void decode(const std::uint8_t* data, std::size_t size) {
  if (size < format::sites::kMinRawSize) return;
  std::vector<unsigned char> frame(ZSTD_compressBound(size));
  frame.resize(ZSTD_compress(frame.data(), frame.size(), data, size, 1));
  SiteTable table;
  if (!decode_site_table(frame, static_cast<std::uint32_t>(size), &table).empty()) return;
  for (std::uint32_t site = 0; site <= table.stacks.size(); ++site) {
    const auto frames = table.stack(site);
    require(frames.size() <= table.nodes.size());
    for (const SiteTable::Frame& each : frames) table.text(each);
  }

  const std::string bytes = encode_site_table(table);
  const auto* const head = reinterpret_cast<const unsigned char*>(bytes.data());
  std::uint32_t compressed_size = 0;
  std::uint32_t raw_size = 0;
  require(decode_site_head(head, &compressed_size, &raw_size).empty());
  require(format::sites::kHeadSize + compressed_size == bytes.size());
  SiteTable again;
  require(decode_site_table({head + format::sites::kHeadSize, compressed_size}, raw_size, &again)
              .empty());
  require(again == table);
}

}  // namespace
}  // namespace replay

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  replay::decode(data, size);
  return 0;
}
