// The words of the text form of a trace, which its exporter writes and its importer reads. The form
// itself: replay/trace/importers/README.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace replay::text_format {

inline constexpr std::string_view kFirstWords =
    "# allocreplay trace, text form ";  // then a version
inline constexpr std::uint64_t kVersion = 1;
inline constexpr std::string_view kTimeUnit = "# time_unit_ns\t";
inline constexpr std::string_view kStart = "# start_unix_ns\t";
inline constexpr std::string_view kColumns = "time_ns\tthread\top\tobject\tsize\talign_log2";
// Columns that follow in a trace that has them, each after a tab.
inline constexpr std::string_view kSiteColumn = "\tsite";
inline constexpr std::string_view kTouchedColumn = "\ttouched";
// The table of call sites, a line an entry; texts are escaped (see escaped()).
inline constexpr std::string_view kString = "# string\t";
inline constexpr std::string_view kModule = "# module\t";
inline constexpr std::string_view kFrame = "# frame\t";
inline constexpr std::string_view kNode = "# node\t";
inline constexpr std::string_view kStack = "# stack\t";
inline constexpr std::string_view kLost = "# lost_events\t";
inline constexpr std::string_view kProvenance = "# provenance\t";
inline constexpr std::string_view kEnd = "# end\t";  // then the number of events

// A text without what would end a line or a field: bytes below 0x20 and backslashes become \xHH.
std::string escaped(std::string_view text);
// Nothing for what escaped() cannot have written.
std::optional<std::string> unescaped(std::string_view text);

}  // namespace replay::text_format
