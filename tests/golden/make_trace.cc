// Writes the traces that the golden tests read: `make_trace golden OUT` the one that is committed
// as v1.trace, `make_trace large OUT` one of many blocks, threads, gaps in time and huge sizes.
// With the OUT "-", standard output, they have the streamed form.
#include <cstdio>
#include <cstring>

#include "tests/support/random_trace.h"

// What it throws is to end it: a developer runs it, by hand.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: make_trace golden|large OUT\n", stderr);
    return 2;
  }
  replay::TraceHeader header;
  header.start_unix_ns = 1700000000123456789;
  header.lost_events = 3;
  header.provenance = {{"command", {"made", "up"}}, {"note", "caf\u00e9, for golden tests"}};
  if (std::strcmp(argv[1], "golden") == 0) {
    header.time_unit_ns = 100;
    const auto events = replay::test::random_events(2024, 500, 4, header.time_unit_ns);
    replay::test::write_trace(argv[2], events, header, 150);
  } else {
    header.time_unit_ns = 7;
    const auto events = replay::test::random_events(7, 200000, 300, header.time_unit_ns);
    replay::test::write_trace(argv[2], events, header);
  }
  return 0;
}
