// Takes one line of text apart from left to right.
//
// A method that finds what it looks for moves past it; one that does not leaves all as it was and
// says so. Numbers that do not fit 64 bits are not found.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace replay {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

  // Blanks and tabs; true if there was one.
  bool blanks() {
    const std::size_t end = rest_.find_first_not_of(" \t");
    const std::size_t count = end == std::string_view::npos ? rest_.size() : end;
    rest_.remove_prefix(count);
    return count != 0;
  }

  bool literal(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  std::optional<std::uint64_t> decimal() { return digits(10); }
  std::optional<std::uint64_t> hex() { return digits(16); }  // without 0x
  // Hex digits with 0x or without, or what printf's %p makes of NULL.
  std::optional<std::uint64_t> address() {
    if (literal("(nil)")) return 0;
    const std::string_view before = rest_;
    if (!literal("0x")) literal("0X");
    const auto value = digits(16);
    if (!value) rest_ = before;
    return value;
  }
  // 0x and hex digits, or decimal ones.
  std::optional<std::uint64_t> number() {
    return rest_.starts_with("0x") || rest_.starts_with("0X") ? address() : decimal();
  }

  // What stands before the next blank, tab or end.
  std::string_view word() { return up_to(rest_.find_first_of(" \t")); }
  // What stands before the next `end`, which is skipped; all if there is none.
  std::string_view until(char end) {
    const std::string_view text = up_to(rest_.find(end));
    if (!rest_.empty()) rest_.remove_prefix(1);
    return text;
  }

 private:
  std::string_view up_to(std::size_t count) {
    const std::string_view text = rest_.substr(0, count);
    rest_.remove_prefix(text.size());
    return text;
  }

  std::optional<std::uint64_t> digits(int base) {
    std::uint64_t value = 0;
    const char* const end = rest_.data() + rest_.size();
    const auto parsed = std::from_chars(rest_.data(), end, value, base);
    if (parsed.ec != std::errc()) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest_.data()));
    return value;
  }

  std::string_view rest_;
};

}  // namespace replay
