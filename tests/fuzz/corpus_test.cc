// Replays a corpus folder (and simple mutations of each case) through a fuzz target, so that what
// fuzzing found stays fixed without a fuzzer at hand.
#include <gtest/gtest.h>

#include "tests/fuzz/fuzz_target.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

void run(const std::string& bytes) {
  // A copy of exactly this size, so that a sanitizer sees a read past the end.
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

TEST(FuzzCorpusTest, EveryCaseAndItsMutationsAreHandled) {
  std::size_t cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ALLOCREPLAY_CORPUS)) {
    const std::string bytes = test::read_file(entry.path().string());
    SCOPED_TRACE(entry.path().string());
    run(bytes);
    ++cases;
    // The same mutations of a case whatever others there are, and in whatever order.
    const std::string name = entry.path().filename().string();
    std::seed_seq seed(name.begin(), name.end());
    std::mt19937_64 random(seed);
    for (int round = 0; round < 2000 && !bytes.empty(); ++round) {
      std::string mutated = bytes;
      for (std::uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
        mutated[random() % mutated.size()] = static_cast<char>(random());
      }
      if (random() % 8 == 0) mutated.resize(random() % mutated.size());
      run(mutated);
    }
  }
  EXPECT_GT(cases, 0U);
}

}  // namespace
}  // namespace replay
