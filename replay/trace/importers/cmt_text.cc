// The text that compact memory traces are made of (trace2cmt -s, cmtreplay -v): one call a line, a
// block as its address and, between angle brackets, its tag. What follows a "#" was added by other
// tools.
//
//     malloc(8) = 81d220b48<6655>
//     realloc(81d220b48<6655>, 16) = 81d3b83a0<6656>
//     free(81d3b83a0<6656>)
#include "replay/trace/importers/formats.h"
#include "replay/trace/importers/lines.h"
#include "replay/trace/importers/scanner.h"

namespace replay {
namespace {

struct Call {
  enum Kind { kMalloc, kRealloc, kFree } kind = kMalloc;
  std::uint64_t old_tag = 0;
  std::uint64_t size = 0;
  std::uint64_t tag = 0;
};

bool read_tag(Scanner& scan, std::uint64_t* tag) {
  if (!scan.hex() || !scan.literal("<")) return false;
  const auto value = scan.decimal();
  *tag = value.value_or(0);
  return value && *value != 0 && scan.literal(">");
}

bool read_size(Scanner& scan, std::uint64_t* size) {
  const auto value = scan.decimal();
  *size = value.value_or(0);
  return value.has_value();
}

bool read(std::string_view line, Call* call) {
  Scanner scan(line);
  bool good = false;
  if (scan.literal("malloc(")) {
    call->kind = Call::kMalloc;
    good = read_size(scan, &call->size) && scan.literal(") = ") && read_tag(scan, &call->tag);
  } else if (scan.literal("realloc(")) {
    call->kind = Call::kRealloc;
    good = read_tag(scan, &call->old_tag) && scan.literal(", ") && read_size(scan, &call->size) &&
           scan.literal(") = ") && read_tag(scan, &call->tag);
  } else if (scan.literal("free(")) {
    call->kind = Call::kFree;
    good = read_tag(scan, &call->tag) && scan.literal(")");
  }
  scan.blanks();
  return good && (scan.done() || scan.literal("#"));
}

bool recognises(std::string_view head) {
  Call call;
  return read(head.substr(0, head.find_first_of("\r\n")), &call);
}

void import(Source& source, CallBuilder& builder) {
  builder.cannot_say("which mallocs were callocs or aligned");
  for_each_line(source, builder, [&](std::string_view line) {
    Call call;
    if (!read(line, &call)) {
      source.fail(
          "expected 'malloc(SIZE) = POINTER<TAG>', 'realloc(POINTER<TAG>, SIZE) = POINTER<TAG>' or "
          "'free(POINTER<TAG>)'");
    }
    if (call.kind == Call::kMalloc) builder.add_malloc(call.tag, call.size);
    if (call.kind == Call::kRealloc) builder.add_realloc(call.old_tag, call.tag, call.size);
    if (call.kind == Call::kFree) builder.add_free(call.tag);
  });
}

}  // namespace

const Importer kCmtTextImporter{"cmt-text", "the text that compact memory traces are made of",
                                recognises, import};

}  // namespace replay
