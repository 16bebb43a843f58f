#include "replay/trace/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "replay/trace/file_hash.h"
#include "replay/trace/summary.h"
#include "tests/support/error_of.h"
#include "tests/support/random_trace.h"
#include "tests/support/temp_folder.h"

namespace replay {
namespace {

using Json = nlohmann::ordered_json;
using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::size_t kEvents = 2000;

// A corpus of one true trace, a.trace, whose manifest a test can falsify.
class CorpusTest : public testing::Test {
 protected:
  CorpusTest() {
    header_.provenance = {{"command", {"x", "y"}}, {"date", "2026-11-25"}, {"losses", {{"n", 0}}}};
    const std::vector<Event> events = test::random_events(1, kEvents);
    test::write_trace(path_, events, header_);
    Summarizer summarizer;
    summarizer.add(events);
    const Summary summary = summarizer.result();
    row_ = {{"file", "a.trace"},
            {"program", "a program"},
            {"what", "w"},
            {"recipe", "r"},
            {"licence", "l"},
            {"sha256", file_sha256(path_)},
            {"bytes", std::filesystem::file_size(path_)},
            {"events", events.size()},
            {"objects", summary.objects},
            {"threads", summary.by_thread.size()},
            {"frees", summary.by_op[static_cast<std::size_t>(Op::kFree)]},
            {"cross_thread_frees", summary.cross_thread_frees},
            {"peak_live_bytes", summary.peak_bytes.bytes},
            {"date", "2026-11-25"},
            {"command", {"x", "y"}},
            {"packages", {"p 1", "q 2"}},
            {"losses", {{"n", 0}}}};
  }

  std::string manifest() const { return folder_ / kManifestName; }

  Corpus corpus(const Json& rows) const {
    const Json document = {
        {"schema", "allocreplay-traces"}, {"schema_version", 1}, {"traces", rows}};
    test::write_file(manifest(), document.dump());
    return read_corpus(std::filesystem::path(manifest()).parent_path().string());
  }
  Corpus corpus() const { return corpus(Json::array({row_})); }

  std::vector<std::string> faults() const {
    const Corpus read = corpus();
    return faults_of(read, read.entries.at(0), [](std::uint64_t) {});
  }

  // What reading says to the row with `key` set to `value`.
  std::string refusal(const char* key, const Json& value) const {
    Json row = row_;
    row[key] = value;
    return error_of([&] { corpus(Json::array({row})); });
  }

  test::TempFolder folder_;
  TraceHeader header_;
  std::string path_ = folder_ / "a.trace";
  Json row_;
};

TEST_F(CorpusTest, ReadsWhatTheManifestSays) {
  const Corpus read = corpus();
  ASSERT_EQ(read.entries.size(), 1U);
  const CorpusEntry& entry = read.entry("a.trace");
  EXPECT_EQ(entry.program, "a program");
  EXPECT_EQ(entry.events, kEvents);
  EXPECT_THAT(entry.packages, ElementsAre("p 1", "q 2"));
  EXPECT_EQ(entry.row, row_);
  EXPECT_THAT(error_of([&] { (void)read.entry("b.trace"); }), HasSubstr("no trace 'b.trace'"));
}

TEST_F(CorpusTest, SharesOfNothingAreZero) {
  EXPECT_EQ(CorpusEntry().bytes_per_event(), 0);
  EXPECT_EQ(CorpusEntry().cross_thread_share(), 0);
  CorpusEntry entry;
  entry.bytes = 3;
  entry.events = 2;
  entry.frees = 4;
  entry.cross_thread_frees = 1;
  EXPECT_EQ(entry.bytes_per_event(), 1.5);
  EXPECT_EQ(entry.cross_thread_share(), 0.25);
}

TEST_F(CorpusTest, RefusesAManifestThatIsNone) {
  const std::string folder = std::filesystem::path(manifest()).parent_path().string();
  const auto refusal_of = [&](const std::string& text) {
    test::write_file(manifest(), text);
    return error_of([&] { read_corpus(folder); });
  };
  EXPECT_THAT(error_of([&] { read_corpus(folder + "/none"); }),
              HasSubstr("none/MANIFEST.json: cannot open it"));
  EXPECT_THAT(refusal_of("{\"schema\": ]"), HasSubstr("MANIFEST.json: at byte 12: expected JSON"));
  EXPECT_THAT(refusal_of("[]"), HasSubstr("expected \"schema\": \"allocreplay-traces\""));
  EXPECT_THAT(refusal_of(R"({"schema": "allocreplay-traces", "schema_version": 2})"),
              HasSubstr("expected \"schema_version\": 1"));
  EXPECT_THAT(refusal_of(R"({"schema": "allocreplay-traces", "schema_version": 1, "traces": {}})"),
              HasSubstr("expected \"traces\": a list"));
}

TEST_F(CorpusTest, RefusesAnEntryThatIsNoneByNameAndKey) {
  EXPECT_THAT(error_of([&] {
                corpus(Json::array({row_, 5}));
              }),
              HasSubstr("MANIFEST.json: trace 1: expected an object"));
  EXPECT_THAT(error_of([&] { corpus(Json::array({row_, row_})); }), HasSubstr("is there twice"));
  EXPECT_THAT(refusal("events", -1), HasSubstr("a.trace: \"events\": expected a whole number"));
  EXPECT_THAT(refusal("peak_live_bytes", nullptr), HasSubstr("\"peak_live_bytes\": expected"));
  EXPECT_THAT(refusal("licence", ""), HasSubstr("\"licence\": expected a text that is not empty"));
  EXPECT_THAT(refusal("packages", Json::array({1})), HasSubstr("\"packages\": expected a list"));
  EXPECT_THAT(refusal("sha256", "abc"), HasSubstr("expected 64 hexadecimal digits"));
  for (const char* name : {"../a.trace", "/a.trace", ".."}) {
    EXPECT_THAT(refusal("file", name), HasSubstr("in the manifest's own folder"));
  }
  row_.erase("frees");
  EXPECT_THAT(error_of([&] { corpus(); }), HasSubstr("a.trace: \"frees\" is missing"));
}

TEST_F(CorpusTest, ATrueTraceHasNoFaultsAndProgressReachesItsEnd) {
  const Corpus read = corpus();
  std::uint64_t last = 0;
  EXPECT_THAT(faults_of(read, read.entries[0], [&](std::uint64_t events) { last = events; }),
              IsEmpty());
  EXPECT_EQ(last, kEvents);
}

TEST_F(CorpusTest, EachFigureThatIsNotTrueIsAFault) {
  for (const char* key : {"bytes", "events", "objects", "threads", "frees", "cross_thread_frees",
                          "peak_live_bytes"}) {
    const Json right = row_[key];
    row_[key] = right.get<std::uint64_t>() + 1;
    EXPECT_THAT(faults(), ElementsAre(HasSubstr("but the manifest says " + row_[key].dump())))
        << key;
    row_[key] = right;
  }
  row_["sha256"] = std::string(64, '0');
  row_["date"] = "2026-11-26";
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("its SHA-256 is"), HasSubstr("\"date\" is")));
}

TEST_F(CorpusTest, ADamagedTraceIsReportedWithItsPlace) {
  std::string data = test::read_file(path_);
  data[data.size() / 2] = static_cast<char>(data[data.size() / 2] ^ 1);
  test::write_file(path_, data);
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("its SHA-256 is"), HasSubstr("a.trace: at byte ")));
}

TEST_F(CorpusTest, EventsThatMakeNoSenseAreAFault) {
  const Event birth{.object = 0, .size = 8};
  const Event end{.object = 0, .op = Op::kFree};
  test::write_trace(path_, {birth, end, end}, header_);
  EXPECT_THAT(faults(),
              testing::Contains(HasSubstr("event 2: free of object 0, which was freed before")));
}

TEST_F(CorpusTest, MissingFilesAndStrangersAreFound) {
  test::write_file(folder_ / "b.trace", "b");
  test::write_file(folder_ / "notes.txt", "no trace");
  EXPECT_THAT(strangers(corpus()), ElementsAre("b.trace"));
  std::filesystem::remove(path_);
  EXPECT_THAT(faults(), ElementsAre("there is no such file"));
}

}  // namespace
}  // namespace replay
