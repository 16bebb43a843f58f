#include "replay/trace/header_codec.h"

#include <gtest/gtest.h>

#include <vector>

#include "replay/trace/format.h"

namespace replay {
namespace {

TraceHeader full_header() {
  TraceHeader header;
  header.time_unit_ns = 100;
  header.start_unix_ns = 1'700'000'000'000'000'000;
  header.event_count = 123'456'789'012;
  header.object_count = 77;
  header.thread_count = 5;
  header.lost_events = 3;
  header.complete = true;
  header.provenance = {{"command", {"a", "b"}}, {"note", "ünïcode"}};
  return header;
}

struct DecodedHeader {
  HeaderProblem problem;
  TraceHeader header;
  FileLayout layout;
};

DecodedHeader decode_header_of(const std::string& bytes) {
  DecodedHeader result;
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  std::uint32_t size = 0;
  result.problem = decode_preamble({data, format::header::kFixedSize}, &size);
  if (!result.problem.what.empty()) return result;
  if (size != bytes.size()) {
    result.problem.what = "size";
    return result;
  }
  result.problem = decode_header({data, size}, &result.header, &result.layout);
  return result;
}

TEST(HeaderCodecTest, EveryFieldComesBack) {
  const TraceHeader header = full_header();
  const FileLayout layout{roomy_header_size(header), 9999, 12};
  const std::string bytes = encode_header(header, layout);
  ASSERT_EQ(bytes.size(), layout.header_size);
  const DecodedHeader decoded = decode_header_of(bytes);
  ASSERT_EQ(decoded.problem.what, "");
  EXPECT_EQ(decoded.header.version_major, 1);
  EXPECT_EQ(decoded.header.time_unit_ns, header.time_unit_ns);
  EXPECT_EQ(decoded.header.start_unix_ns, header.start_unix_ns);
  EXPECT_EQ(decoded.header.event_count, header.event_count);
  EXPECT_EQ(decoded.header.object_count, header.object_count);
  EXPECT_EQ(decoded.header.thread_count, header.thread_count);
  EXPECT_EQ(decoded.header.lost_events, header.lost_events);
  EXPECT_TRUE(decoded.header.complete);
  EXPECT_EQ(decoded.header.provenance, header.provenance);
  EXPECT_EQ(decoded.layout.header_size, layout.header_size);
  EXPECT_EQ(decoded.layout.index_offset, layout.index_offset);
  EXPECT_EQ(decoded.layout.block_count, layout.block_count);
}

TEST(HeaderCodecTest, AChangedByteAnywhereIsNoticed) {
  const TraceHeader header = full_header();
  const std::string bytes = encode_header(header, {roomy_header_size(header), 9999, 12});
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_NE(decode_header_of(damaged).problem.what, "") << "byte " << i;
  }
}

TEST(HeaderCodecTest, AHeaderHasRoomForItsProvenanceToGrow) {
  TraceHeader header = full_header();
  const std::uint32_t size = roomy_header_size(header);
  EXPECT_TRUE(fits_header_size(header, size));
  header.provenance["losses"] = {{"events_lost", 12}};
  EXPECT_TRUE(fits_header_size(header, size));
  header.provenance["long"] = std::string(size, 'x');
  EXPECT_FALSE(fits_header_size(header, size));
}

}  // namespace
}  // namespace replay
