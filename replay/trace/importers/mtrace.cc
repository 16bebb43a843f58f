// glibc's mtrace(3): "+ ADDRESS SIZE", "- ADDRESS", "< OLD" with "> NEW SIZE" after it, "! OLD
// SIZE"; each may begin with "@ FILE:(SYMBOL+OFFSET)[CALLER] ".
#include <fmt/format.h>

#include <optional>

#include "replay/trace/importers/formats.h"
#include "replay/trace/importers/scanner.h"

namespace replay {
namespace {

constexpr std::string_view kStart = "= Start";
constexpr std::string_view kEnd = "= End";

struct Line {
  char op = 0;
  std::uint64_t address = 0;
  std::uint64_t size = 0;
};

// The caller may have any characters, blanks too; it ends with a bracket.
std::string_view without_caller(std::string_view line) {
  if (!line.starts_with("@ ")) return line;
  const std::size_t end = line.rfind("] ");
  return end == std::string_view::npos ? line : line.substr(end + 2);
}

std::optional<Line> parse(std::string_view text) {
  Scanner scan(without_caller(text));
  Line line;
  for (const char op : {'+', '-', '<', '>', '!'}) {
    if (scan.literal(std::string_view(&op, 1))) line.op = op;
    if (line.op != 0) break;
  }
  if (line.op == 0 || !scan.blanks() || scan.rest().starts_with('(')) return std::nullopt;
  const auto address = scan.address();
  if (!address) return std::nullopt;
  line.address = *address;
  if (line.op == '+' || line.op == '>' || line.op == '!') {
    scan.blanks();
    const auto size = scan.address();
    if (!size) return std::nullopt;
    line.size = *size;
  }
  scan.blanks();
  if (!scan.done()) return std::nullopt;
  return line;
}

bool recognises(std::string_view head) {
  if (head.starts_with(kStart)) return true;
  const std::string_view first = head.substr(0, head.find('\n'));
  // Without a prefix of hex it could be heaptrack's.
  return first.find("0x") != std::string_view::npos && parse(first).has_value();
}

void import(Source& source, CallBuilder& builder) {
  builder.cannot_say("whether memory was asked for by malloc, calloc or with an alignment");
  std::uint64_t realloc_from = 0;
  bool in_realloc = false;
  std::string_view text;
  bool ended = false;
  while (source.next_line(&text)) {
    if (text.empty() || text.starts_with(kStart)) continue;
    if (text.starts_with(kEnd)) {
      ended = true;
      continue;
    }
    const auto line = parse(text);
    if (!line && source.line_was_cut()) {
      builder.repaired("last_line_cut_short");
      break;
    }
    if (!line) source.fail("expected '+ ADDRESS SIZE', '- ADDRESS', '<', '>' or '!'");
    if (in_realloc && line->op != '>') source.fail("expected '> ADDRESS SIZE' after '<'");
    switch (line->op) {
      case '+':
        builder.add_malloc(line->address, line->size);
        break;
      case '-':
        builder.add_free(line->address);
        break;
      case '<':
        realloc_from = line->address;
        in_realloc = true;
        break;
      case '>':
        if (!in_realloc) source.fail("expected '< ADDRESS' before '>'");
        builder.add_realloc(realloc_from, line->address, line->size);
        in_realloc = false;
        break;
      default:
        builder.repaired("failed_calls");
    }
  }
  if (!ended) builder.assumed("the program ended without muntrace(), or the file is cut short");
}

}  // namespace

const Importer kMtraceImporter{"mtrace", "glibc's mtrace(3), file of MALLOC_TRACE", recognises,
                               import};

}  // namespace replay
