// Any bytes as a recording of every format that can be imported: a trace whose events obey the
// specification, or an Error, nothing else. All that recognise the input must cope with it, and one
// that need not (--from).
#include <cstdlib>
#include <string_view>

#include "replay/trace/error.h"
#include "replay/trace/importers/importer.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void import(const Importer& importer, std::string_view bytes) {
  try {
    const auto imported = test::import_bytes(importer, bytes);
    require(imported->finished && imported->violation().empty());
    require(imported->header.time_unit_ns != 0);
    for (const Event& event : imported->events) {
      require(event.align_log2 == 0 || event.op == Op::kAligned);
      require(event.size == 0 || event.op != Op::kFree);
      require(event.time_ns % imported->header.time_unit_ns == 0);
    }
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace replay

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto all = replay::importers();
  for (const replay::Importer* importer : all) {
    if (importer->recognises(bytes.substr(0, replay::Source::kHeadBytes))) {
      replay::import(*importer, bytes);
    }
  }
  replay::import(*all[size % all.size()], bytes);  // --from
  return 0;
}
