#include "replay/trace/text_format.h"

#include <fmt/format.h>

#include <charconv>

namespace replay::text_format {
namespace {

constexpr std::size_t kEscapeSize = 4;  // \xHH

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || c == '\\') {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t plain = text.find('\\');
    result += text.substr(0, plain);
    if (plain == std::string_view::npos) return result;
    text.remove_prefix(plain);
    unsigned char byte = 0;
    const char* const end = text.data() + std::min(text.size(), kEscapeSize);
    if (text.size() < kEscapeSize || text[1] != 'x') return std::nullopt;
    const auto parsed = std::from_chars(text.data() + 2, end, byte, 16);
    if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
    result += static_cast<char>(byte);
    text.remove_prefix(kEscapeSize);
  }
  return result;
}

}  // namespace replay::text_format
