// The words of the text form of a trace, which its exporter writes and its importer reads. The form
// itself: replay/trace/importers/README.md.
#pragma once

#include <cstdint>
#include <string_view>

namespace replay::text_format {

inline constexpr std::string_view kFirstWords =
    "# allocreplay trace, text form ";  // then a version
inline constexpr std::uint64_t kVersion = 1;
inline constexpr std::string_view kTimeUnit = "# time_unit_ns\t";
inline constexpr std::string_view kStart = "# start_unix_ns\t";
inline constexpr std::string_view kColumns = "time_ns\tthread\top\tobject\tsize\talign_log2";
inline constexpr std::string_view kLost = "# lost_events\t";
inline constexpr std::string_view kProvenance = "# provenance\t";
inline constexpr std::string_view kEnd = "# end\t";  // then the number of events

}  // namespace replay::text_format
