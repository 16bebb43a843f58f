// Any bytes through any importer: a valid trace, or an Error, nothing else.
//
// Input: the name of an importer and "\n", then what it reads. Under another name the content
// decides, and what is compressed is decompressed.
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "replay/trace/error.h"
#include "replay/trace/importers/importer.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/imported.h"
#include "tests/support/memory_file.h"

namespace replay {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

class CheckingSink final : public EventSink {
 public:
  void begin(const TraceHeader& header) override {
    require(!begun_ && header.time_unit_ns != 0);
    begun_ = true;
  }
  void event(const Event& event) override {
    require(begun_ && validator_.feed({&event, 1}));
    require(event.align_log2 < 64 && (event.op != Op::kFree || event.size == 0));
  }
  void finish(std::uint64_t, const nlohmann::ordered_json& provenance) override {
    require(begun_ && provenance.is_object());
    provenance.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  }

 private:
  bool begun_ = false;
  Validator validator_;
};

void import(const Importer& importer, Source& source) {
  CheckingSink sink;
  CallBuilder builder(sink);
  importer.import(source, builder);
  builder.finish(importer.name, source.name());
}

void import_named(const Importer& importer, std::string_view bytes) {
  importer.recognises(bytes.substr(0, Source::kHeadBytes));
  Source source = test::source_of(bytes);
  import(importer, source);
}

void import_any(std::string_view bytes) {
  const test::MemoryFile file(bytes);
  Source source(file.path());
  import(importer_of_content(source), source);
}

}  // namespace
}  // namespace replay

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace replay;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\n');
  const std::string_view name = input.substr(0, end);
  const std::string_view bytes = end == std::string_view::npos ? "" : input.substr(end + 1);
  try {
    for (const Importer* importer : importers()) {
      if (importer->name == name) {
        import_named(*importer, bytes);
        return 0;
      }
    }
    import_any(bytes);
  } catch (const Error&) {
  }
  return 0;
}
