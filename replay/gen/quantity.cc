#include "replay/gen/quantity.h"

#include <array>

namespace replay::gen {
namespace {

constexpr std::uint64_t kMost = std::uint64_t{1} << 62;

struct Decimal {
  std::uint64_t digits = 0;
  std::uint64_t divisor = 1;  // 10 to the number of decimals
};

// Takes a decimal number off the front of `text`. Eighteen digits at most.
std::optional<Decimal> take_decimal(std::string_view& text) {
  Decimal number;
  int digits = 0;
  bool point = false;
  while (!text.empty() && ((text[0] >= '0' && text[0] <= '9') || (text[0] == '.' && !point))) {
    if (text[0] == '.') {
      point = true;
    } else {
      number.digits = number.digits * 10 + static_cast<std::uint64_t>(text[0] - '0');
      if (point) number.divisor *= 10;
      ++digits;
    }
    text.remove_prefix(1);
  }
  if (digits == 0 || digits > 18) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> factor_of(std::string_view suffix) {
  if (suffix.ends_with('B')) suffix.remove_suffix(1);
  struct Row {
    std::string_view name;
    std::uint64_t factor;
  };
  constexpr std::array<Row, 8> kRows{{{"", 1},
                                      {"k", 1000},
                                      {"K", 1000},
                                      {"M", 1000000},
                                      {"G", 1000000000},
                                      {"Ki", 1024},
                                      {"Mi", 1048576},
                                      {"Gi", 1073741824}}};
  for (const Row& row : kRows) {
    if (row.name == suffix) return row.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_quantity(std::string_view text) {
  const std::optional<Decimal> number = take_decimal(text);
  const std::optional<std::uint64_t> factor = factor_of(text);
  if (!number || !factor) return std::nullopt;
  __extension__ using Wide = unsigned __int128;
  const Wide value = Wide{number->digits} * *factor;
  if (value % number->divisor != 0 || value / number->divisor >= kMost) return std::nullopt;
  return static_cast<std::uint64_t>(value / number->divisor);
}

std::optional<std::uint64_t> parse_percent(std::string_view text) {
  const std::optional<Decimal> number = take_decimal(text);
  if (!number || !text.empty() || number->divisor > 10000) return std::nullopt;
  const std::uint64_t share = number->digits * (10000 / number->divisor);
  if (number->digits > 1000000 || share > 1000000) return std::nullopt;
  return share;
}

}  // namespace replay::gen
