#include "replay/report/footprint_floor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>

namespace replay {

std::optional<std::uint64_t> floor_pages(const Plan& plan, Touch touch) {
  if (touch != Touch::kPage && touch != Touch::kAll) return std::nullopt;
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return (plan.checkpoints[plan.peak_live].live_bytes + page_bytes - 1) / page_bytes;
}

std::optional<double> of_floor(double value, const std::string& unit, Better better,
                               std::optional<std::uint64_t> floor_pages) {
  if (unit != "pages" || better != Better::kLower || !floor_pages || *floor_pages == 0) {
    return std::nullopt;
  }
  return value / static_cast<double>(*floor_pages);
}

std::string of_floor_text(std::optional<double> multiple) {
  return multiple && std::isfinite(*multiple) ? fmt::format("{:.3f} x", *multiple) : "-";
}

}  // namespace replay
