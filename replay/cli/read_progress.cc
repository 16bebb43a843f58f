#include "replay/cli/read_progress.h"

#include <fmt/format.h>

namespace replay::cli {

void ReadProgress::update() {
  std::uint64_t read = 0;
  std::uint64_t total = 0;
  std::uint64_t events = 0;
  bool total_known = true;
  for (const TraceReader* const reader : readers_) {
    read += reader->bytes_read();
    events += reader->events_read();
    total += reader->bytes_total().value_or(0);
    total_known = total_known && reader->bytes_total().has_value();
  }
  const std::string what = fmt::format("{:.1f} M events", static_cast<double>(events) / 1e6);
  if (total_known && total != 0) {
    bar_.update(static_cast<double>(read) / static_cast<double>(total), what);
  } else {
    bar_.update_open(fmt::format("{}, {:.0f} MB", what, static_cast<double>(read) / 1e6));
  }
}

}  // namespace replay::cli
