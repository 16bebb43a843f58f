// Any bytes as a result document that `compare` reads, and as the manifest of a corpus: what they
// say, or an Error, nothing else.
#include <fstream>
#include <string>

#include "replay/report/sessions.h"
#include "replay/trace/corpus.h"
#include "replay/trace/error.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/memory_file.h"
#include "tests/support/temp_folder.h"

namespace replay {
namespace {

void read_as_result(std::string_view bytes) {
  const test::MemoryFile file(bytes);
  try {
    const RecordedResult result = read_result(file.path());
    objections(result, result);
    context_differences(result, result);
    pair_sessions(result, result, {"allocator", "binding"});
  } catch (const Error&) {
  }
}

void read_as_manifest(std::string_view bytes) {
  static const test::TempFolder folder;
  std::ofstream(folder / kManifestName, std::ios::binary | std::ios::trunc) << bytes;
  try {
    const Corpus corpus = read_corpus(folder / "");
    strangers(corpus);
    for (const CorpusEntry& entry : corpus.entries) {
      entry.bytes_per_event();
      entry.cross_thread_share();
      faults_of(corpus, entry, [](std::uint64_t) {});
    }
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace replay

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  replay::read_as_result(bytes);
  replay::read_as_manifest(bytes);
  return 0;
}
