// The traces of CS:APP's malloc lab: four numbers, then "a ID BYTES", "r ID BYTES" or "f ID".
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "replay/trace/importers/formats.h"
#include "replay/trace/importers/scanner.h"

namespace replay {
namespace {

constexpr std::size_t kHeaderLines = 4;  // heap hint, ids, operations, weight
constexpr std::size_t kIds = 1;
constexpr std::size_t kOps = 2;
constexpr std::string_view kNull = "-1";  // as an ID: free(NULL)

std::optional<std::uint64_t> lone_number(std::string_view line) {
  Scanner scan(line);
  scan.blanks();
  const auto number = scan.decimal();
  scan.blanks();
  return scan.done() ? number : std::nullopt;
}

struct Op {
  char kind = 0;
  std::optional<std::uint64_t> id;  // none: NULL
  std::uint64_t size = 0;
};

std::optional<Op> parse(std::string_view line) {
  Scanner scan(line);
  scan.blanks();
  if (scan.done()) return std::nullopt;
  Op op;
  op.kind = scan.rest()[0];
  if (op.kind != 'a' && op.kind != 'r' && op.kind != 'f') return std::nullopt;
  scan.literal(scan.rest().substr(0, 1));
  if (!scan.blanks()) return std::nullopt;
  if (!scan.literal(kNull)) {
    op.id = scan.decimal();
    if (!op.id) return std::nullopt;
  }
  if (op.kind != 'f') {
    scan.blanks();
    const auto size = scan.decimal();
    if (!size || !op.id) return std::nullopt;
    op.size = *size;
  }
  scan.blanks();
  if (!scan.done()) return std::nullopt;
  return op;
}

bool recognises(std::string_view head) {
  for (std::size_t i = 0; i <= kHeaderLines; ++i) {
    const std::size_t end = std::min(head.find('\n'), head.size());
    std::string_view line = head.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (i < kHeaderLines ? !lone_number(line) : !parse(line)) return false;
    head.remove_prefix(std::min(end + 1, head.size()));
  }
  return true;
}

void import(Source& source, CallBuilder& builder) {
  builder.set_names_are_ids();
  builder.cannot_say("whether memory was asked for by malloc, calloc or with an alignment");
  std::array<std::uint64_t, kHeaderLines> header{};
  std::string_view line;
  for (std::uint64_t& number : header) {
    const auto value = source.next_line(&line) ? lone_number(line) : std::nullopt;
    if (!value) source.fail("expected four lines with a number each before the operations");
    number = *value;
  }
  std::uint64_t ops = 0;
  std::uint64_t ids = 0;
  while (source.next_line(&line)) {
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    const auto op = parse(line);
    if (!op) source.fail("expected 'a ID BYTES', 'r ID BYTES' or 'f ID'");
    ++ops;
    if (!op->id) continue;
    ids = std::max(ids, *op->id + (*op->id == UINT64_MAX ? 0 : 1));
    if (op->kind == 'a') {
      builder.add_malloc(*op->id, op->size);
    } else if (op->kind == 'r') {
      builder.add_realloc(*op->id, *op->id, op->size);
    } else {
      builder.add_free(*op->id);
    }
  }
  if (header[kIds] != ids || header[kOps] != ops) {
    builder.assumed(fmt::format(
        "the operations are right where the header ({} ids, {} operations) says otherwise",
        header[kIds], header[kOps]));
  }
}

}  // namespace

const Importer kRepImporter{"rep", "CS:APP malloc lab, .rep", recognises, import};

}  // namespace replay
