// Of decompress.h too: what is in a file comes out, whatever it is wrapped in.
#include "replay/trace/importers/byte_stream.h"

#include <gmock/gmock.h>
#include <zip.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/support/error_of.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

std::string gzip_of(const std::string& text) {
  z_stream state{};
  deflateInit2(&state, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&state, text.size()), '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  state.avail_in = static_cast<uInt>(text.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  deflate(&state, Z_FINISH);
  out.resize(state.total_out);
  deflateEnd(&state);
  return out;
}

std::string zstd_of(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
  return out;
}

void write_zip(const std::string& path,
               const std::vector<std::pair<std::string, std::string>>& files) {
  zip_t* const archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [name, text] : files) {
    if (name.ends_with('/')) {
      zip_dir_add(archive, name.c_str(), 0);
    } else {
      zip_file_add(archive, name.c_str(), zip_source_buffer(archive, text.data(), text.size(), 0),
                   0);
    }
  }
  ASSERT_EQ(zip_close(archive), 0);
}

std::string read_all(const std::string& path, std::size_t step = 777) {
  const auto stream = open_byte_stream(path);
  std::string all;
  std::string part(step, '\0');
  for (std::size_t got; (got = stream->read(part.data(), step)) != 0;) all.append(part, 0, got);
  EXPECT_EQ(stream->read(part.data(), step), 0U);
  EXPECT_TRUE(stream->share() == 1 || all.empty());
  return all;
}

class ByteStreamTest : public testing::Test {
 protected:
  std::string file(const std::string& bytes) {
    test::write_file(path, bytes);
    return path;
  }
  std::string error_of_file(const std::string& bytes) {
    return test::error_of([&] { read_all(file(bytes)); });
  }

  test::TempFolder folder;
  std::string path = folder / "f";
};

std::string some_text() {
  std::string text;
  for (int i = 0; i < 60000; ++i) text += std::to_string(i * 7919 % 100003) + "\n";
  return text;
}

TEST_F(ByteStreamTest, GivesAFileAsItIs) {
  for (const char* text : {"", "a", "abc", "PK", "\x1f", "hello\n"}) {
    EXPECT_EQ(read_all(file(text), 2), text);
  }
  EXPECT_FALSE(open_byte_stream(file("x"))->decompresses());
}

TEST_F(ByteStreamTest, Decompresses) {
  const std::string text = some_text();
  for (const std::size_t step : {std::size_t{1000000}, std::size_t{777}, std::size_t{10}}) {
    EXPECT_EQ(read_all(file(gzip_of(text)), step), text);
    EXPECT_EQ(read_all(file(zstd_of(text)), step), text);
  }
  write_zip(path, {{"folder/", ""}, {"folder/a.txt", text}});
  EXPECT_EQ(read_all(path), text);
  EXPECT_TRUE(open_byte_stream(path)->decompresses());
}

TEST_F(ByteStreamTest, TakesSeveralMembers) {
  EXPECT_EQ(read_all(file(gzip_of("one") + gzip_of("") + gzip_of("two"))), "onetwo");
  EXPECT_EQ(read_all(file(zstd_of("one") + zstd_of("") + zstd_of("two"))), "onetwo");
  EXPECT_EQ(read_all(file(gzip_of(""))), "");
  EXPECT_EQ(read_all(file(zstd_of(""))), "");
}

TEST_F(ByteStreamTest, CutAndDamagedDataIsAnError) {
  const std::string text = some_text();
  for (const auto compress : {gzip_of, zstd_of}) {
    const std::string whole = compress(text);
    for (const std::size_t size : {whole.size() - 1, whole.size() / 2, std::size_t{5}}) {
      EXPECT_EQ(error_of_file(whole.substr(0, size)),
                path + ": at byte " + std::to_string(size) +
                    " of the compressed file: the compressed data is cut short");
    }
  }
  std::string damaged = gzip_of(text);
  damaged[damaged.size() - 6] ^= 1;  // of the checksum
  EXPECT_THAT(error_of_file(damaged), testing::HasSubstr("incorrect data check"));
  EXPECT_THAT(error_of_file(gzip_of("a") + "tail"), testing::HasSubstr("not valid gzip data"));
  EXPECT_THAT(error_of_file(zstd_of("a") + "tail"), testing::HasSubstr("not valid zstd data"));
}

TEST_F(ByteStreamTest, BombsHitTheLimit) {
  const std::string large(std::size_t{100} << 20, '\0');
  EXPECT_THAT(error_of_file(zstd_of(large)),
              testing::HasSubstr("the limit is 64 MiB and 250 bytes for each compressed one"));
  EXPECT_THAT(error_of_file(gzip_of(large)), testing::HasSubstr("the limit is"));
  write_zip(path, {{"a", large}});
  EXPECT_THAT(test::error_of([&] { read_all(path); }), testing::HasSubstr("the limit is"));
}

TEST_F(ByteStreamTest, AZipHoldsOneFile) {
  write_zip(path, {{"a", "1"}, {"b", "2"}});
  EXPECT_EQ(test::error_of([&] { open_byte_stream(path); }),
            path + ": the zip archive holds 2 files, expected one; unpack it first");
  EXPECT_THAT(error_of_file("PK\x03\x04 and no archive"),
              testing::HasSubstr("not a readable zip archive"));
  write_zip(path, {{"a", some_text()}});
  std::string bytes = test::read_file(path);
  bytes[200] ^= 1;
  EXPECT_THAT(error_of_file(bytes), testing::HasSubstr("of the file in the zip archive: "));
}

TEST_F(ByteStreamTest, WhatIsNotThereOrNoFileIsAnError) {
  EXPECT_EQ(test::error_of([&] { read_all(path); }),
            path + ": cannot open: No such file or directory");
  EXPECT_EQ(test::error_of([&] { read_all(folder / ""); }),
            (folder / "") + ": at byte 0: cannot read: Is a directory");
}

}  // namespace
}  // namespace replay
