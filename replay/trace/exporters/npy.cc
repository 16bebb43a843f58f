// numpy's .npy: one array, a record of 32 bytes an event. numpy.load(path) reads it, also with
// mmap_mode="r", and never needs pickle. `op` is 0 to 4, as traces/README.md numbers them. Of a
// trace with call sites or touched pages a record has 40 bytes.
//
//     0         8        16       24        28   29           30      32     36        40
//     +---------+--------+--------+---------+----+------------+-------+------+---------+
//     | time_ns | object | size   | thread  | op | align_log2 | unused| site | touched |
//     +---------+--------+--------+---------+----+------------+-------+------+---------+
#include <fmt/format.h>

#include <array>

#include "replay/trace/error.h"
#include "replay/trace/exporters/formats.h"
#include "replay/trace/little_endian.h"
#include "replay/trace/output_file.h"

namespace replay {
namespace {

constexpr std::string_view kMagic{"\x93NUMPY\x01\x00", 8};
constexpr std::size_t kHeaderBytes = 256;  // magic, length and dictionary; a multiple of 64
constexpr std::size_t kDictBytes = kHeaderBytes - kMagic.size() - 2;
constexpr std::size_t kPlainBytes = 32;  // of a record
constexpr std::size_t kRecordBytes = 40;
constexpr std::size_t kObjectAt = 8;
constexpr std::size_t kSizeAt = 16;
constexpr std::size_t kThreadAt = 24;
constexpr std::size_t kOpAt = 28;
constexpr std::size_t kAlignAt = 29;
constexpr std::size_t kSiteAt = 32;
constexpr std::size_t kTouchedAt = 36;

// The number of events is known at the end; the blanks after it make room.
std::string header_of(std::uint64_t events, bool extras) {
  std::string header(kMagic);
  std::array<char, 2> length{};
  store_le<std::uint16_t>(length.data(), kDictBytes);
  header.append(length.data(), length.size());
  header += fmt::format(
      "{{'descr': [('time_ns', '<u8'), ('object', '<u8'), ('size', '<u8'), ('thread', '<u4'), "
      "('op', '|u1'), ('align_log2', '|u1'), ('', '|V2'){}], 'fortran_order': False, 'shape': "
      "({},), }}",
      extras ? ", ('site', '<u4'), ('touched', '<u4')" : "", events);
  header.resize(kHeaderBytes - 1, ' ');
  return header + '\n';
}

class NpySink final : public EventSink {
 public:
  explicit NpySink(const std::string& path) : file_(path) {
    if (file_.is_stream()) {
      throw Error(fmt::format("{}: an .npy says first how many events follow, so it needs a file",
                              file_.name()));
    }
  }

  void begin(const TraceHeader& header) override {
    extras_ = header.has_sites || header.has_touched;
    file_.append(header_of(0, extras_));
  }

  void event(const Event& event) override {
    ++events_;
    std::array<char, kRecordBytes> record{};
    store_le<std::uint64_t>(record.data(), event.time_ns);
    store_le<std::uint64_t>(record.data() + kObjectAt, event.object);
    store_le<std::uint64_t>(record.data() + kSizeAt, event.size);
    store_le<std::uint32_t>(record.data() + kThreadAt, event.thread);
    store_le<std::uint8_t>(record.data() + kOpAt, static_cast<std::uint8_t>(event.op));
    store_le<std::uint8_t>(record.data() + kAlignAt, event.align_log2);
    store_le<std::uint32_t>(record.data() + kSiteAt, event.site);
    store_le<std::uint32_t>(record.data() + kTouchedAt, event.touched);
    file_.append({record.data(), extras_ ? kRecordBytes : kPlainBytes});
  }

  void finish(std::uint64_t, const nlohmann::ordered_json&) override {
    file_.overwrite(0, header_of(events_, extras_));
    file_.commit();
  }

 private:
  OutputFile file_;
  bool extras_ = false;
  std::uint64_t events_ = 0;
};

std::unique_ptr<EventSink> open(const std::string& path) { return std::make_unique<NpySink>(path); }

}  // namespace

const Exporter kNpyExporter{"npy", ".npy", "an array of records for numpy.load",
                            "what the header says: provenance, wall clock, unit of time, losses; "
                            "the stacks of call sites",
                            open};

}  // namespace replay
