#include "replay/trace/importers/decompress.h"

#include <fmt/format.h>
#include <zip.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <string_view>
#include <vector>

#include "replay/trace/error.h"

namespace replay {
namespace {

constexpr std::size_t kBufferBytes = 1 << 16;
constexpr int kGzipOnly = 16;  // of zlib's window bits

// Compares what came out with what went in.
class ExpansionLimit {
 public:
  explicit ExpansionLimit(const std::string& path) : path_(path) {}
  void check(std::uint64_t in, std::uint64_t out) const {
    if (out <= kFreeBytes || (out - kFreeBytes) / kMaxExpansion <= in) return;
    throw Error(fmt::format(
        "{}: its first {} bytes decompress to more than {} bytes; the limit is {} MiB and {} "
        "bytes for each compressed one (decompress it yourself if it is meant to be so)",
        path_, in, out, kFreeBytes >> 20, kMaxExpansion));
  }

 private:
  std::string path_;
};

// What gunzip and unzstd share: compressed bytes in a buffer.
class Decompressor : public ByteStream {
 public:
  Decompressor(const std::string& path, std::unique_ptr<ByteStream> compressed)
      : path_(path), compressed_(std::move(compressed)), buffer_(kBufferBytes), limit_(path) {}

  std::size_t read(char* to, std::size_t size) final {
    for (;;) {
      if (begin_ == end_ && !at_end_) refill();
      const std::size_t before = begin_;
      const std::size_t got = step(to, size);
      out_ += got;
      limit_.check(position(), out_);
      if (got != 0) return got;
      if (begin_ != before) continue;
      if (at_end_ && between_members()) return 0;
      if (at_end_) fail("the compressed data is cut short");
      if (begin_ != end_) fail("the compressed data makes no sense");
    }
  }
  double share() const final { return compressed_->share(); }
  bool decompresses() const final { return true; }

 protected:
  // Decompresses from input() to `to`, tells what it took by take(); returns the bytes it gave.
  virtual std::size_t step(char* to, std::size_t size) = 0;
  virtual bool between_members() const = 0;

  std::string_view input() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void take(std::size_t size) { begin_ += size; }
  [[noreturn]] void fail(std::string_view what) const {
    throw Error(fmt::format("{}: at byte {} of the compressed file: {}", path_, position(), what));
  }

 private:
  void refill() {
    begin_ = 0;
    end_ = compressed_->read(buffer_.data(), buffer_.size());
    at_end_ = end_ == 0;
    taken_ += end_;
  }
  std::uint64_t position() const { return taken_ - (end_ - begin_); }

  std::string path_;
  std::unique_ptr<ByteStream> compressed_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // of what is not decompressed yet
  std::size_t end_ = 0;
  bool at_end_ = false;
  std::uint64_t taken_ = 0;  // compressed bytes that came into the buffer
  std::uint64_t out_ = 0;
  ExpansionLimit limit_;
};

class Gunzip final : public Decompressor {
 public:
  Gunzip(const std::string& path, std::unique_ptr<ByteStream> compressed)
      : Decompressor(path, std::move(compressed)) {
    if (inflateInit2(&state_, kGzipOnly + MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~Gunzip() override { inflateEnd(&state_); }

 private:
  std::size_t step(char* to, std::size_t size) override {
    if (ended_) {
      if (input().empty()) return 0;
      inflateReset(&state_);
      ended_ = false;
    }
    const auto room =
        static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
    const std::string_view in = input();
    state_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    state_.avail_in = static_cast<uInt>(in.size());
    state_.next_out = reinterpret_cast<Bytef*>(to);
    state_.avail_out = room;
    const int status = inflate(&state_, Z_NO_FLUSH);
    take(in.size() - state_.avail_in);
    if (status == Z_STREAM_END) {
      ended_ = true;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      fail(fmt::format("not valid gzip data ({})",
                       state_.msg == nullptr ? "no reason given" : state_.msg));
    }
    return room - state_.avail_out;
  }
  bool between_members() const override { return ended_; }

  z_stream state_{};
  bool ended_ = false;
};

class Unzstd final : public Decompressor {
 public:
  Unzstd(const std::string& path, std::unique_ptr<ByteStream> compressed)
      : Decompressor(path, std::move(compressed)), state_(ZSTD_createDCtx()) {
    if (state_ == nullptr) throw std::bad_alloc();
  }
  ~Unzstd() override { ZSTD_freeDCtx(state_); }

 private:
  std::size_t step(char* to, std::size_t size) override {
    ZSTD_inBuffer in{input().data(), input().size(), 0};
    ZSTD_outBuffer out{to, size, 0};
    const std::size_t status = ZSTD_decompressStream(state_, &out, &in);
    if (ZSTD_isError(status) != 0) {
      fail(fmt::format("not valid zstd data ({})", ZSTD_getErrorName(status)));
    }
    take(in.pos);
    // Without input it would name the bytes that the next frame's header needs.
    if (in.size != 0 || out.pos != 0) ended_ = status == 0;
    return out.pos;
  }
  bool between_members() const override { return ended_; }

  ZSTD_DCtx* state_;
  bool ended_ = false;
};

class Unzip final : public ByteStream {
 public:
  explicit Unzip(const std::string& path) : path_(path), limit_(path) {
    int error = 0;
    archive_.reset(zip_open(path.c_str(), ZIP_RDONLY, &error));
    if (!archive_) {
      zip_error_t reason;
      zip_error_init_with_code(&reason, error);
      const std::string text = zip_error_strerror(&reason);
      zip_error_fini(&reason);
      throw Error(fmt::format("{}: not a readable zip archive: {}", path, text));
    }
    const zip_uint64_t index = only_file();
    zip_stat_t info;
    if (zip_stat_index(archive_.get(), index, 0, &info) == 0) {
      size_ = info.size;
      // What the archive says of itself may be a lie.
      compressed_size_ = std::min<std::uint64_t>(info.comp_size, std::filesystem::file_size(path));
    }
    file_.reset(zip_fopen_index(archive_.get(), index, 0));
    if (!file_) {
      throw Error(fmt::format("{}: cannot read the file in the zip archive: {}", path,
                              zip_strerror(archive_.get())));
    }
  }

  std::size_t read(char* to, std::size_t size) override {
    const zip_int64_t got = zip_fread(file_.get(), to, size);
    if (got < 0) {
      throw Error(fmt::format("{}: at byte {} of the file in the zip archive: {}", path_, out_,
                              zip_file_strerror(file_.get())));
    }
    out_ += static_cast<std::uint64_t>(got);
    limit_.check(compressed_size_, out_);
    return static_cast<std::size_t>(got);
  }
  double share() const override {
    return size_ == 0 ? 0 : static_cast<double>(out_) / static_cast<double>(size_);
  }
  bool decompresses() const override { return true; }

 private:
  struct CloseArchive {
    void operator()(zip_t* archive) const { zip_discard(archive); }
  };
  struct CloseFile {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
  };

  zip_uint64_t only_file() const {
    zip_uint64_t found = 0;
    std::uint64_t files = 0;
    const auto entries = static_cast<zip_uint64_t>(zip_get_num_entries(archive_.get(), 0));
    for (zip_uint64_t i = 0; i < entries; ++i) {
      const char* name = zip_get_name(archive_.get(), i, 0);
      if (name == nullptr || std::string_view(name).ends_with('/')) continue;
      found = i;
      ++files;
    }
    if (files == 1) return found;
    throw Error(fmt::format("{}: the zip archive holds {} files, expected one; unpack it first",
                            path_, files));
  }

  std::string path_;
  ExpansionLimit limit_;
  std::unique_ptr<zip_t, CloseArchive> archive_;
  std::unique_ptr<zip_file_t, CloseFile> file_;
  std::uint64_t size_ = 0;
  std::uint64_t compressed_size_ = 0;
  std::uint64_t out_ = 0;
};

}  // namespace

std::unique_ptr<ByteStream> gunzip(const std::string& path,
                                   std::unique_ptr<ByteStream> compressed) {
  return std::make_unique<Gunzip>(path, std::move(compressed));
}

std::unique_ptr<ByteStream> unzstd(const std::string& path,
                                   std::unique_ptr<ByteStream> compressed) {
  return std::make_unique<Unzstd>(path, std::move(compressed));
}

std::unique_ptr<ByteStream> unzip(const std::string& path) { return std::make_unique<Unzip>(path); }

}  // namespace replay
