// Each file of importers/FORMAT/ is recognised as of that format, and gives what FILE.txt says, to
// the letter. The files were written by the tools themselves where Debian has them, else from what
// is known of the format. To write an expectation: allocreplay convert FILE FILE.txt, in the
// folder.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "replay/trace/exporters/formats.h"
#include "replay/trace/importers/importer.h"
#include "tests/support/imported.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

namespace fs = std::filesystem;

const fs::path kImporters = fs::path(ALLOCREPLAY_GOLDEN) / "importers";

std::vector<fs::path> inputs_of(const Importer& importer) {
  std::vector<fs::path> inputs;
  const fs::path folder = kImporters / importer.name;
  if (!fs::exists(folder)) return inputs;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (fs::exists(entry.path().string() + ".txt")) inputs.push_back(entry.path());
  }
  return inputs;
}

class GoldenImporterTest : public testing::TestWithParam<const Importer*> {};

TEST_P(GoldenImporterTest, GivesWhatIsExpected) {
  const auto inputs = inputs_of(*GetParam());
  EXPECT_FALSE(inputs.empty()) << "no golden file in " << kImporters / GetParam()->name;
  const test::TempFolder folder;
  for (const fs::path& input : inputs) {
    SCOPED_TRACE(input.string());
    Source source(input.string());
    ASSERT_EQ(&importer_of_content(source), GetParam());
    const auto sink = kTextExporter.open(folder / "out.txt");
    CallBuilder builder(*sink);
    GetParam()->import(source, builder);
    builder.finish(GetParam()->name, input.filename().string());
    EXPECT_EQ(test::read_file(folder / "out.txt"), test::read_file(input.string() + ".txt"));
  }
}

TEST_P(GoldenImporterTest, GivesAValidTrace) {
  for (const fs::path& input : inputs_of(*GetParam())) {
    Source source(input.string());
    test::Imported imported;
    CallBuilder builder(imported);
    GetParam()->import(source, builder);
    builder.finish(GetParam()->name, "");
    EXPECT_EQ(imported.violation(), "") << input;
    EXPECT_FALSE(imported.events.empty()) << input;
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenImporterTest,
                         testing::ValuesIn(importers().begin(), importers().end()),
                         [](const auto& importer) {
                           std::string name(importer.param->name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace replay
