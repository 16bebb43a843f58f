// The streamed form, and either form from a pipe: what reader_test.cc is to the ordinary form in a
// file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "replay/trace/error.h"
#include "replay/trace/format.h"
#include "replay/trace/little_endian.h"
#include "replay/trace/reader.h"
#include "tests/support/error_of.h"
#include "tests/support/pipe_of.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using test::PipeOf;
using test::random_events;
using test::TempFolder;
using testing::HasSubstr;

constexpr std::uint32_t kShortBlock = 60;
constexpr std::size_t kEvents = 200;  // four blocks

TraceHeader some_header() {
  TraceHeader header;
  header.start_unix_ns = 42;
  header.lost_events = 7;
  header.provenance = {{"note", "at first"}};
  return header;
}

struct Outcome {
  std::vector<Event> events;
  TraceHeader header;
  std::string error;
  std::string truncation;
};

Outcome read(const std::string& path, ReadOptions options = {}) {
  Outcome outcome;
  outcome.error = test::error_of([&] {
    TraceReader reader(path, options);
    for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
      outcome.events.insert(outcome.events.end(), block.begin(), block.end());
    }
    outcome.header = reader.header();
    outcome.truncation = reader.truncation();
  });
  return outcome;
}

Outcome read_pipe(const std::string& bytes, ReadOptions options = {}) {
  const PipeOf pipe(bytes);
  return read(pipe.path(), options);
}

bool begins_with(const std::vector<Event>& all, const std::vector<Event>& part) {
  return part.size() <= all.size() && std::equal(part.begin(), part.end(), all.begin());
}

// What a TraceWriter gives to who reads a pipe.
std::string streamed(const std::vector<Event>& events) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  std::string bytes;
  std::thread drain([&bytes, fd = ends[0]] {
    std::array<char, 4096> some;
    for (ssize_t got = 0; (got = ::read(fd, some.data(), some.size())) > 0;) {
      bytes.append(some.data(), static_cast<std::size_t>(got));
    }
  });
  {
    TraceWriter writer("/proc/self/fd/" + std::to_string(ends[1]), some_header(), kShortBlock);
    for (const Event& event : events) writer.append(event);
    writer.finish(7, {{"note", "at last"}});
    close(ends[1]);
  }
  drain.join();
  close(ends[0]);
  return bytes;
}

class TraceStreamTest : public testing::Test {
 protected:
  Outcome read_file(const std::string& bytes, ReadOptions options = {}) {
    test::write_file(path_, bytes);
    return read(path_, options);
  }
  std::size_t trailer_at() const {
    return bytes_.size() - load_le<std::uint32_t>(bytes_.data() + bytes_.size() - 8);
  }

  TempFolder folder_;
  std::string path_ = folder_ / "x.trace";
  std::vector<Event> events_ = random_events(5, kEvents);
  std::string bytes_ = streamed(events_);
};

TEST_F(TraceStreamTest, IsReadFromAPipeAndFromAFile) {
  for (const Outcome& outcome : {read_pipe(bytes_), read_file(bytes_)}) {
    EXPECT_EQ(outcome.error, "no error");
    EXPECT_EQ(outcome.events, events_);
    EXPECT_EQ(outcome.truncation, "");
    EXPECT_TRUE(outcome.header.streamed);
    EXPECT_TRUE(outcome.header.complete);
    EXPECT_EQ(outcome.header.event_count, kEvents);
    EXPECT_EQ(outcome.header.lost_events, 7U);
    EXPECT_EQ(outcome.header.start_unix_ns, 42U);
    EXPECT_EQ(outcome.header.provenance["note"], "at last");
  }
}

TEST_F(TraceStreamTest, AnEmptyStreamIsATrace) {
  const Outcome outcome = read_pipe(streamed({}));
  EXPECT_EQ(outcome.error, "no error");
  EXPECT_TRUE(outcome.events.empty());
  EXPECT_TRUE(outcome.header.complete);
}

TEST_F(TraceStreamTest, TheCountsAreKnownFirstInAFileAndLastInAPipe) {
  test::write_file(path_, bytes_);
  EXPECT_EQ(TraceReader(path_).header().event_count, kEvents);
  const PipeOf pipe(bytes_);
  TraceReader reader(pipe.path());
  EXPECT_FALSE(reader.header().complete);
  EXPECT_EQ(reader.header().provenance["note"], "at first");
  EXPECT_EQ(reader.bytes_total(), std::nullopt);
  test::read_all(reader);
  EXPECT_EQ(reader.header().event_count, kEvents);
  EXPECT_TRUE(reader.next_block().empty());
}

TEST_F(TraceStreamTest, TheOrdinaryFormComesThroughAPipe) {
  test::write_trace(path_, events_, some_header(), kShortBlock);
  const std::string ordinary = test::read_file(path_);
  EXPECT_EQ(read_pipe(ordinary).events, events_);
  EXPECT_EQ(read_pipe(ordinary).error, "no error");
  EXPECT_THAT(read_pipe(ordinary + "z").error, HasSubstr("something follows the end"));
  EXPECT_EQ(read_pipe(ordinary + "z", {.allow_truncated = true}).events, events_);
  for (std::size_t length = 0; length < ordinary.size(); length += 3) {
    ASSERT_NE(read_pipe(ordinary.substr(0, length)).error, "no error") << length;
  }
}

TEST_F(TraceStreamTest, EveryCutIsAnErrorAndTheRestIsGood) {
  for (std::size_t length = 4090; length < bytes_.size(); ++length) {
    const std::string cut = bytes_.substr(0, length);
    test::write_file(path_, cut);
    ASSERT_NE(read(path_).error, "no error") << length;
    ASSERT_NE(read_pipe(cut).error, "no error") << length;
    for (const Outcome& lax :
         {read(path_, {.allow_truncated = true}), read_pipe(cut, {.allow_truncated = true})}) {
      ASSERT_EQ(lax.error == "no error", length >= 4096) << length;
      ASSERT_TRUE(begins_with(events_, lax.events)) << length;
      ASSERT_EQ(lax.events.size() == events_.size(), length >= trailer_at()) << length;
      ASSERT_EQ(lax.truncation.empty(), length < 4096) << length;
    }
  }
  EXPECT_THAT(read_pipe(bytes_.substr(0, trailer_at())).error,
              HasSubstr("ends without its trailer; its writer died"));
  EXPECT_THAT(read_file(bytes_.substr(0, trailer_at())).error,
              HasSubstr("does not end with the trailer"));
}

TEST_F(TraceStreamTest, EveryCorruptByteIsAnErrorOrHarmless) {
  std::size_t silent = 0;
  for (std::size_t at = 0; at < bytes_.size(); at += at == 128 ? 4096 - 128 : 1) {
    std::string bytes = bytes_;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    for (const bool as_pipe : {false, true}) {
      const Outcome strict = as_pipe ? read_pipe(bytes) : read_file(bytes);
      ASSERT_TRUE(begins_with(events_, strict.events)) << at;
      if (strict.error == "no error") {
        ++silent;
        ASSERT_EQ(strict.events, events_) << at;
        ASSERT_LT(at, trailer_at());
      }
    }
  }
  EXPECT_LE(silent, 2 * 40U);  // bits of zstd frames that do not matter
}

TEST_F(TraceStreamTest, TheTrailerMustFitTheBlocks) {
  // The blocks of one trace with the trailer of another.
  const std::string other = streamed(random_events(6, 130));
  const std::size_t other_trailer =
      other.size() - load_le<std::uint32_t>(other.data() + other.size() - 8);
  const std::string mixed = bytes_.substr(0, trailer_at()) + other.substr(other_trailer);
  EXPECT_THAT(read_pipe(mixed).error, HasSubstr("hold 200 events, expected 130"));
  EXPECT_THAT(read_file(mixed).error, HasSubstr("hold 200 events, expected 130"));
}

TEST_F(TraceStreamTest, NothingMayFollowTheTrailer) {
  EXPECT_THAT(read_pipe(bytes_ + "z").error, HasSubstr("something follows the end"));
  EXPECT_THAT(read_file(bytes_ + "z").error, HasSubstr("something follows"));
  EXPECT_EQ(read_pipe(bytes_ + "z", {.allow_truncated = true}).events, events_);
  EXPECT_EQ(read_file(bytes_ + "z", {.allow_truncated = true}).events, events_);
}

TEST_F(TraceStreamTest, SeeksAnywhereInAFileAndForwardsInAPipe) {
  test::write_file(path_, bytes_);
  TraceReader file(path_);
  for (const std::uint64_t wanted : {150U, 0U, 199U, 60U, 200U, 59U}) {
    ASSERT_EQ(file.seek(wanted), wanted == 200 ? 200 : wanted / kShortBlock * kShortBlock);
    ASSERT_EQ(test::read_all(file).size(),
              wanted == 200 ? 0 : kEvents - wanted / kShortBlock * kShortBlock);
  }
  const PipeOf pipe(bytes_);
  TraceReader stream(pipe.path());
  EXPECT_EQ(stream.seek(0), 0U);
  EXPECT_EQ(stream.seek(59), 0U);
  EXPECT_EQ(stream.seek(130), 120U);
  EXPECT_EQ(stream.next_block().size(), kShortBlock);
  EXPECT_EQ(stream.seek(185), 180U);
  EXPECT_EQ(stream.next_block().size(), 20U);
  EXPECT_TRUE(stream.next_block().empty());
  EXPECT_THAT(test::error_of([&] { stream.seek(3); }), HasSubstr("cannot go back to event 3"));
}

}  // namespace
}  // namespace replay
