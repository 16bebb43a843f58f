// Our own text form: one event a line, what the header says in lines that begin with "#".
//
// Objects may have any number; they are numbered again by birth, so a file may be edited by hand.
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "replay/trace/error.h"
#include "replay/trace/importers/formats.h"
#include "replay/trace/importers/scanner.h"
#include "replay/trace/parse_json.h"
#include "replay/trace/text_format.h"

namespace replay {
namespace {

using Json = nlohmann::ordered_json;

class TextImport {
 public:
  TextImport(Source& source, CallBuilder& builder) : source_(source), builder_(builder) {}

  void run() {
    builder_.set_own_format();
    builder_.set_names_are_ids();
    builder_.set_times_begin_at_zero();
    read_first_line();
    std::string_view line;
    while (source_.next_line(&line)) {
      if (line.starts_with('#')) {
        read_fact(line);
      } else if (line.starts_with(text_format::kColumns)) {
        read_columns(line);
      } else if (!line.empty()) {
        if (ended_) source_.fail("an event after the line '# end'");
        read_event(line);
      }
    }
    if (!ended_) {
      builder_.assumed("the input is whole, although a line '# end' with its length is missing");
      builder_.repaired("missing_end_line");
    }
  }

 private:
  void read_first_line() {
    std::string_view line;
    if (!source_.next_line(&line)) source_.fail("the input is empty, expected a text form");
    Scanner scan(line);
    std::optional<std::uint64_t> version;
    if (scan.literal(text_format::kFirstWords)) version = scan.decimal();
    if (!version || !scan.done()) {
      source_.fail(fmt::format("expected '{}{}'", text_format::kFirstWords, text_format::kVersion));
    }
    if (*version != text_format::kVersion) {
      source_.fail(fmt::format("the text form has version {}, expected {}", *version,
                               text_format::kVersion));
    }
  }

  void read_columns(std::string_view line) {
    Scanner scan(line);
    scan.literal(text_format::kColumns);
    const bool sites = scan.literal(text_format::kSiteColumn);
    const bool touched = scan.literal(text_format::kTouchedColumn);
    if (!scan.done()) source_.fail("expected the columns site and touched, or none, after these");
    if (events_ != 0 && (sites != builder_.has_sites() || touched != builder_.has_touched())) {
      source_.fail("other columns than before");
    }
    if (sites) builder_.set_has_sites();
    if (touched) builder_.set_has_touched();
  }

  // Lines that begin with "#" and are none of these are comments.
  void read_fact(std::string_view line) {
    Scanner scan(line);
    if (builder_.has_sites() && read_site_entry(scan)) return;
    if (scan.literal(text_format::kTimeUnit)) {
      const std::uint64_t unit = number(scan);
      if (unit == 0 || unit > UINT32_MAX) source_.fail("the time unit is no number of 32 bits");
      if (events_ != 0) source_.fail("the time unit must stand before the events");
      builder_.set_time_unit_ns(static_cast<std::uint32_t>(unit));
    } else if (scan.literal(text_format::kStart)) {
      if (events_ != 0) source_.fail("the start must stand before the events");
      builder_.set_start_unix_ns(number(scan));
    } else if (scan.literal(text_format::kLost)) {
      builder_.lost(number(scan));
    } else if (scan.literal(text_format::kProvenance)) {
      read_provenance(scan.rest());
    } else if (scan.literal(text_format::kEnd)) {
      const std::uint64_t expected = number(scan);
      if (expected != events_) {
        source_.fail(fmt::format("the end after {} events, expected {}", events_, expected));
      }
      ended_ = true;
    }
  }

  // Of the table of call sites; false if the line is none of that.
  bool read_site_entry(Scanner& scan) {
    SiteTable& table = builder_.site_table();
    if (scan.literal(text_format::kString)) {
      table.strings.push_back(text(scan.rest()));
    } else if (scan.literal(text_format::kModule)) {
      std::string path = text(scan.until('\t'));
      table.modules.push_back({std::move(path), text(scan.rest())});
    } else if (scan.literal(text_format::kFrame)) {
      SiteTable::Frame frame;
      frame.module = entry(scan, table.modules.size(), false);
      frame.offset = tabbed(scan);
      frame.function = entry(scan, table.strings.size(), false);
      frame.file = entry(scan, table.strings.size(), false);
      frame.line = entry(scan, UINT32_MAX, true);
      table.frames.push_back(frame);
    } else if (scan.literal(text_format::kNode)) {
      SiteTable::Node node;
      node.parent = entry(scan, table.nodes.size(), false);
      if (table.frames.empty()) source_.fail("a node before the frames");
      node.frame = entry(scan, table.frames.size() - 1, true);
      table.nodes.push_back(node);
    } else if (scan.literal(text_format::kStack)) {
      table.stacks.push_back(entry(scan, table.nodes.size(), true));
    } else {
      return false;
    }
    return true;
  }

  std::string text(std::string_view escaped) {
    auto plain = text_format::unescaped(escaped);
    if (!plain) source_.fail("expected \\xHH after a backslash");
    return *std::move(plain);
  }

  std::uint64_t tabbed(Scanner& scan) {
    const auto value = scan.decimal();
    if (!value || !scan.literal("\t")) source_.fail("expected a number and a tab");
    return *value;
  }

  // A number of an entry before, of `most`, or another number that is no more.
  std::uint32_t entry(Scanner& scan, std::uint64_t most, bool last) {
    const std::uint64_t value = last ? number(scan) : tabbed(scan);
    if (value > most) source_.fail(fmt::format("{} where at most {} is expected", value, most));
    return static_cast<std::uint32_t>(value);
  }

  std::uint64_t number(Scanner& scan) {
    const auto value = scan.decimal();
    if (!value || !scan.done()) source_.fail("expected one number after the tab");
    return *value;
  }

  void read_provenance(std::string_view text) {
    Json provenance;
    const std::string problem = parse_provenance(text, &provenance);
    if (!problem.empty()) source_.fail(problem);
    builder_.provenance() = std::move(provenance);
  }

  void read_event(std::string_view line) {
    Scanner scan(line);
    const std::uint64_t time_ns = field(scan, "time_ns");
    const std::uint64_t thread = field(scan, "thread");
    const Op op = op_of(scan.until('\t'));
    const std::uint64_t object = field(scan, "object");
    const std::uint64_t size = field(scan, "size");
    const auto align_log2 = scan.decimal();
    if (!align_log2) source_.fail("expected a number in the column align_log2");
    const std::uint32_t site = builder_.has_sites() ? further(scan, "site") : 0;
    const std::uint32_t touched = builder_.has_touched() ? further(scan, "touched") : 0;
    if (!scan.done()) source_.fail("expected the end of the line after the last column");
    if (*align_log2 > 63) source_.fail("align_log2 is more than 63");
    if (op != Op::kAligned && *align_log2 != 0) source_.fail("only 'aligned' has an alignment");
    if (op == Op::kFree && size != 0) source_.fail("a free has no size");
    if (op == Op::kFree && site != 0) source_.fail("a free has no site");
    if (is_birth(op) && touched != 0) source_.fail("only a realloc or free says what was touched");
    ++events_;
    builder_.time_ns(time_ns);
    builder_.thread(thread);
    builder_.site(site);
    builder_.touched(touched);
    add(op, object, size, *align_log2);
  }

  std::uint64_t field(Scanner& scan, const char* name) {
    const auto value = scan.decimal();
    if (!value || !scan.literal("\t")) {
      source_.fail(fmt::format("expected a number and a tab for the column {}", name));
    }
    return *value;
  }

  std::uint32_t further(Scanner& scan, const char* name) {
    const bool tab = scan.literal("\t");
    const auto value = scan.decimal();
    if (!tab || !value || *value > UINT32_MAX) {
      source_.fail(fmt::format("expected a tab and a number of 32 bits, the column {}", name));
    }
    return static_cast<std::uint32_t>(*value);
  }

  Op op_of(std::string_view word) {
    for (int i = 0; i < kOpCount; ++i) {
      if (word == op_name(static_cast<Op>(i))) return static_cast<Op>(i);
    }
    source_.fail(fmt::format("unknown op '{}', expected malloc, calloc, aligned, realloc or free",
                             word.substr(0, 20)));
  }

  void add(Op op, std::uint64_t object, std::uint64_t size, std::uint64_t align_log2) {
    switch (op) {
      case Op::kMalloc:
        return builder_.add_malloc(object, size);
      case Op::kCalloc:
        return builder_.add_calloc(object, size);
      case Op::kAligned:
        return builder_.add_aligned(object, std::uint64_t{1} << align_log2, size);
      case Op::kRealloc:
        return builder_.add_realloc(object, object, size);
      case Op::kFree:
        return builder_.add_free(object);
    }
  }

  Source& source_;
  CallBuilder& builder_;
  std::uint64_t events_ = 0;
  bool ended_ = false;
};

bool recognises(std::string_view head) { return head.starts_with(text_format::kFirstWords); }

void import(Source& source, CallBuilder& builder) { TextImport(source, builder).run(); }

}  // namespace

const Importer kTextImporter{"text", "the text form of a trace, as convert writes it", recognises,
                             import};

}  // namespace replay
