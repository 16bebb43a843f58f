// Mozilla's logalloc: "PID TID FUNCTION(ARGS)=RESULT" a call, as replace-malloc wrote it (blocks
// are addresses) or as logalloc_munge.py made it (blocks are "#SLOT"; processes and threads count
// from 1). The oldest logs have no TID.
//
// Memory: one number a slot of a munged log, beyond what the builder needs.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "replay/trace/importers/formats.h"
#include "replay/trace/importers/lines.h"
#include "replay/trace/importers/scanner.h"

namespace replay {
namespace {

constexpr std::uint64_t kPageBytes = 4096;

struct Line {
  std::uint64_t process = 0;
  std::optional<std::uint64_t> thread;
  std::string_view function;
  std::string_view arguments;
  std::string_view result;  // "" if there is none
};

bool split(std::string_view text, Line* line) {
  Scanner scan(text);
  const auto process = scan.decimal();
  if (!process || !scan.blanks()) return false;
  line->process = *process;
  line->thread = scan.decimal();
  if (line->thread && !scan.blanks()) return false;
  const std::string_view call = scan.rest();
  const std::size_t open = call.find('(');
  // Some platforms print NULL with brackets, "(nil)".
  const std::size_t close = std::min(call.find(")="), call.rfind(')'));
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return false;
  }
  line->function = call.substr(0, open);
  line->arguments = call.substr(open + 1, close - open - 1);
  line->result = call.substr(close + 1);
  if (line->result.empty()) return true;
  if (line->result.front() != '=') return false;
  line->result.remove_prefix(1);
  return !line->result.empty();
}

bool is_function(std::string_view name) {
  return name == "malloc" || name == "calloc" || name == "realloc" || name == "free" ||
         name == "memalign" || name == "posix_memalign" || name == "aligned_alloc" ||
         name == "valloc" || name == "jemalloc_stats";
}

class LogallocImport {
 public:
  LogallocImport(Source& source, CallBuilder& builder) : source_(source), builder_(builder) {}

  void run() {
    for_each_line(source_, builder_, [this](std::string_view line) { read(line); });
  }

 private:
  void read(std::string_view text) {
    Line line;
    if (!split(text, &line) || !is_function(line.function)) {
      source_.fail("expected 'PID TID FUNCTION(ARGUMENTS)=RESULT' of a malloc function");
    }
    if (!process_) process_ = line.process;
    if (line.process != *process_) {
      builder_.assumed("the process of the first line is the one to import");
      return builder_.repaired("calls_of_other_processes");
    }
    if (line.thread) builder_.thread(*line.thread);
    add(line);
  }

  void add(const Line& line) {
    Scanner arguments(line.arguments);
    if (line.function == "jemalloc_stats") {
      end(arguments);
    } else if (line.function == "free") {
      const std::uint64_t name = block(arguments);
      end(arguments);
      builder_.add_free(name);
    } else if (line.function == "realloc") {
      const std::uint64_t old_name = block(arguments);
      const std::uint64_t size = second_number(arguments);
      builder_.add_realloc(old_name, result(line), size);
    } else if (line.function == "malloc") {
      const std::uint64_t size = last_number(arguments);
      builder_.add_malloc(result(line), size);
    } else if (line.function == "valloc") {
      builder_.assumed("valloc aligns to 4096 bytes");
      const std::uint64_t size = last_number(arguments);
      builder_.add_aligned(result(line), kPageBytes, size);
    } else {
      const auto first = arguments.decimal();
      if (!first) source_.fail("expected a decimal number as the first argument");
      const std::uint64_t size = second_number(arguments);
      if (line.function == "calloc") {
        builder_.add_calloc(result(line), *first, size);
      } else {
        builder_.add_aligned(result(line), *first, size);
      }
    }
  }

  // A block that is an argument. A slot that was never a result is what NULL became: the munger
  // leaves out calls on blocks that it does not know.
  std::uint64_t block(Scanner& scan) {
    const bool is_slot = scan.literal("#");
    const auto name = is_slot ? scan.decimal() : scan.address();
    if (!name) source_.fail("expected a block, an address or #SLOT, as the first argument");
    return is_slot && !slots_.contains(*name) ? 0 : *name;
  }

  std::uint64_t result(const Line& line) {
    Scanner scan(line.result);
    const bool is_slot = scan.literal("#");
    const auto name = is_slot ? scan.decimal() : scan.address();
    if (!name || !scan.done()) source_.fail("expected a result, '=' and an address or #SLOT");
    if (is_slot) slots_.insert(*name);
    return *name;
  }

  std::uint64_t second_number(Scanner& scan) {
    if (!scan.literal(",")) source_.fail("expected two arguments, with a comma between");
    return last_number(scan);
  }

  std::uint64_t last_number(Scanner& scan) {
    const auto value = scan.decimal();
    if (!value) source_.fail("expected a decimal number as the last argument");
    end(scan);
    return *value;
  }

  void end(const Scanner& scan) {
    if (!scan.done()) source_.fail("too many arguments for this function");
  }

  Source& source_;
  CallBuilder& builder_;
  std::optional<std::uint64_t> process_;
  std::unordered_set<std::uint64_t> slots_;
};

bool recognises(std::string_view head) {
  Line line;
  return split(head.substr(0, head.find_first_of("\r\n")), &line) && is_function(line.function);
}

void import(Source& source, CallBuilder& builder) { LogallocImport(source, builder).run(); }

}  // namespace

const Importer kLogallocImporter{"logalloc", "Mozilla's logalloc, as recorded or munged",
                                 recognises, import};

}  // namespace replay
