#include "replay/trace/importers/allocation_function.h"

#include <algorithm>
#include <array>
#include <utility>

namespace replay {
namespace {

using F = AllocationFunction;

constexpr std::array<std::pair<std::string_view, F>, 12> kFunctions = {{
    {"malloc", F::kMalloc},
    {"free", F::kFree},
    {"cfree", F::kFree},
    {"calloc", F::kCalloc},
    {"realloc", F::kRealloc},
    {"reallocarray", F::kReallocArray},
    {"memalign", F::kMemalign},
    {"aligned_alloc", F::kMemalign},
    {"posix_memalign", F::kPosixMemalign},
    {"valloc", F::kValloc},
    {"pvalloc", F::kPvalloc},
    {"__builtin_new", F::kMalloc},
}};

// _Zn{w,a} and the type of size_t, then what follows the size among the parameters.
F operator_new(std::string_view name, std::string_view alignment) {
  return name.find(alignment) == std::string_view::npos ? F::kMalloc : F::kNewAligned;
}

}  // namespace

AllocationFunction allocation_function(std::string_view name) {
  const auto* const found =
      std::find_if(kFunctions.begin(), kFunctions.end(),
                   [name](const auto& function) { return function.first == name; });
  if (found != kFunctions.end()) return found->second;
  for (const std::string_view mangled : {"_Znwm", "_Znam", "_Znwj", "_Znaj"}) {
    if (name.starts_with(mangled)) return operator_new(name, "St11align_val_t");
  }
  for (const std::string_view demangled : {"operator new(", "operator new[]("}) {
    if (name.starts_with(demangled)) return operator_new(name, "std::align_val_t");
  }
  for (const std::string_view release :
       {"_ZdlPv", "_ZdaPv", "operator delete(", "operator delete[]("}) {
    if (name.starts_with(release)) return F::kFree;
  }
  return F::kNone;
}

}  // namespace replay
