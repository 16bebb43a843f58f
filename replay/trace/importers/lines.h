// The lines of a log, one by one, whose recorder may have been killed in the midst of one.
#pragma once

#include "replay/trace/error.h"
#include "replay/trace/importers/call_builder.h"
#include "replay/trace/importers/source.h"

namespace replay {

// read(line) for each line that is not empty. If it throws Error for the last one, and that has no
// end, the line was cut short: it is left out and counted. pre: read() that throws added no call.
template <typename Read>
void for_each_line(Source& source, CallBuilder& builder, Read&& read) {
  std::string_view line;
  while (source.next_line(&line)) {
    if (line.empty()) continue;
    try {
      read(line);
    } catch (const Error&) {
      if (!source.line_was_cut()) throw;
      builder.repaired("last_line_cut_short");
    }
  }
}

}  // namespace replay
