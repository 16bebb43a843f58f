#include "replay/trace/trailer_codec.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <stdexcept>

#include "replay/trace/format.h"
#include "replay/trace/little_endian.h"

namespace replay {
namespace {

TraceHeader counts() {
  TraceHeader header;
  header.event_count = 123'456'789'012;
  header.object_count = 77;
  header.thread_count = 5;
  header.lost_events = 3;
  header.provenance = {{"command", {"a", "b"}}};
  return header;
}

std::span<const unsigned char> as_bytes(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

template <typename T>
std::string with(std::string bytes, std::size_t at, T value) {
  store_le<T>(bytes.data() + at, value);
  const std::size_t crc_at = bytes.size() - 4;
  const uLong crc = crc32_z(0, as_bytes(bytes).data(), crc_at);
  store_le<std::uint32_t>(bytes.data() + crc_at, static_cast<std::uint32_t>(crc));
  return bytes;
}

std::string problem_of_trailer(const std::string& bytes) {
  TraceHeader header;
  return decode_trailer(as_bytes(bytes), &header).what;
}

TEST(TrailerCodecTest, WhatIsEncodedIsDecoded) {
  const std::string bytes = encode_trailer(counts());
  EXPECT_EQ(trailer_size_at_begin(as_bytes(bytes)), bytes.size());
  EXPECT_EQ(trailer_size_at_end(as_bytes(bytes).last(format::trailer::kEndSize)), bytes.size());
  TraceHeader header;
  header.time_unit_ns = 100;
  EXPECT_EQ(decode_trailer(as_bytes(bytes), &header).what, "");
  EXPECT_EQ(header.event_count, 123'456'789'012U);
  EXPECT_EQ(header.object_count, 77U);
  EXPECT_EQ(header.thread_count, 5U);
  EXPECT_EQ(header.lost_events, 3U);
  EXPECT_EQ(header.provenance, counts().provenance);
  EXPECT_EQ(header.time_unit_ns, 100U);
  EXPECT_TRUE(header.complete);
}

TEST(TrailerCodecTest, EveryChangedBitIsNoticed) {
  const std::string bytes = encode_trailer(counts());
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    ASSERT_NE(problem_of_trailer(changed), "") << bit;
  }
}

TEST(TrailerCodecTest, FieldsAreChecked) {
  namespace at = format::trailer;
  const std::string bytes = encode_trailer(counts());
  EXPECT_EQ(problem_of_trailer(with<std::uint32_t>(bytes, at::kMetaSize, 9999)),
            "the provenance is longer than the trailer");
  EXPECT_EQ(problem_of_trailer(with<std::uint32_t>(bytes, at::kMetaSize, 3)),
            "the provenance is not JSON (its byte 4)");
  for (const std::uint32_t size : {0U, 55U, (1U << 24) + 1, UINT32_MAX}) {
    const std::string changed = with<std::uint32_t>(bytes, at::kSize, size);
    EXPECT_EQ(trailer_size_at_begin(as_bytes(changed)), 0U) << size;
  }
}

TEST(TrailerCodecTest, FieldsOfALaterVersionAreSkipped) {
  std::string bytes = encode_trailer(counts());
  bytes.insert(bytes.size() - format::trailer::kEndSize, "more!");
  const auto size = static_cast<std::uint32_t>(bytes.size());
  bytes = with<std::uint32_t>(bytes, format::trailer::kSize, size);
  bytes = with<std::uint32_t>(bytes, bytes.size() - format::trailer::kEndSize, size);
  EXPECT_EQ(problem_of_trailer(bytes), "");
}

TEST(TrailerCodecTest, ProvenanceBeyondTheLimitIsRefused) {
  TraceHeader header;
  header.provenance["note"] = std::string(format::trailer::kMaxSize, 'x');
  EXPECT_THROW(encode_trailer(header), std::length_error);
}

}  // namespace
}  // namespace replay
