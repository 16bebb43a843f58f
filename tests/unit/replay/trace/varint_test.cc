#include "replay/trace/varint.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace replay {
namespace {

std::vector<unsigned char> encode(const std::vector<std::uint64_t>& values) {
  std::vector<unsigned char> bytes(values.size() * kMaxVarintBytes);
  unsigned char* end = bytes.data();
  for (const std::uint64_t value : values) end = put_varint(end, value);
  bytes.resize(static_cast<std::size_t>(end - bytes.data()));
  return bytes;
}

// Every value around a change of length, and runs of short ones.
std::vector<std::uint64_t> edge_values() {
  std::vector<std::uint64_t> values;
  for (unsigned bits = 0; bits < 64; ++bits) {
    const std::uint64_t power = std::uint64_t{1} << bits;
    values.insert(values.end(), {power - 1, power, power + 1});
    if (bits % 7 == 0) values.insert(values.end(), 11, bits);
  }
  values.push_back(UINT64_MAX);
  return values;
}

TEST(VarintTest, BytesAreAsTheSpecificationSays) {
  EXPECT_EQ(encode({0}), (std::vector<unsigned char>{0x00}));
  EXPECT_EQ(encode({127}), (std::vector<unsigned char>{0x7f}));
  EXPECT_EQ(encode({128}), (std::vector<unsigned char>{0x80, 0x01}));
  EXPECT_EQ(encode({300}), (std::vector<unsigned char>{0xac, 0x02}));
  EXPECT_EQ(encode({UINT64_MAX}).size(), kMaxVarintBytes);
}

TEST(VarintTest, OneByOneAndAllAtOnceReadWhatWasWritten) {
  const std::vector<std::uint64_t> values = edge_values();
  const std::vector<unsigned char> bytes = encode(values);
  const unsigned char* const end = bytes.data() + bytes.size();

  const unsigned char* at = bytes.data();
  for (const std::uint64_t value : values) {
    std::uint64_t read = 0;
    at = get_varint(at, end, &read);
    ASSERT_NE(at, nullptr);
    ASSERT_EQ(read, value);
  }
  EXPECT_EQ(at, end);

  std::vector<std::uint64_t> read(values.size());
  EXPECT_EQ(get_varints(bytes.data(), end, read.size(), read.data()), end);
  EXPECT_EQ(read, values);
}

TEST(VarintTest, ACutOrTooLongValueIsRefused) {
  const std::vector<unsigned char> bytes = encode({1, 300, UINT64_MAX});
  std::uint64_t read[3];
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(get_varints(bytes.data(), bytes.data() + length, 3, read), nullptr) << length;
  }
  std::vector<unsigned char> too_large = encode({UINT64_MAX});
  too_large.back() = 0x02;
  EXPECT_EQ(get_varint(too_large.data(), too_large.data() + too_large.size(), read), nullptr);
  const std::vector<unsigned char> endless(16, 0x80);
  EXPECT_EQ(get_varint(endless.data(), endless.data() + endless.size(), read), nullptr);
  EXPECT_EQ(get_varints(endless.data(), endless.data() + endless.size(), 1, read), nullptr);
}

TEST(VarintTest, ColumnsOfAllLengthsRoundTrip) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::uint64_t> values(random() % 40);
    for (auto& value : values) value = random() >> (round % 3 == 0 ? 57 : random() % 64);
    std::vector<unsigned char> bytes(values.size() * kMaxVarintBytes + 1);
    unsigned char* end = bytes.data();
    for (const std::uint64_t value : values) end = put_varint(end, value);
    bytes.resize(static_cast<std::size_t>(end - bytes.data()));
    bytes.shrink_to_fit();  // so that a read past the end is seen by a sanitizer
    std::vector<std::uint64_t> read(values.size());
    const unsigned char* const bytes_end = bytes.data() + bytes.size();
    ASSERT_EQ(get_varints(bytes.data(), bytes_end, read.size(), read.data()), bytes_end);
    ASSERT_EQ(read, values);
  }
}

}  // namespace
}  // namespace replay
