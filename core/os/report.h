// The ends of a process that misused a heap: one function per kind of misuse. Each writes one
// line, naming the address and the reason, to stderr with write(2), then aborts. None allocates;
// all are safe from any thread, with any lock held.
#pragma once

#include <cstddef>

namespace mem {

[[noreturn]] void report_double_free(const void* p) noexcept;
[[noreturn]] void report_foreign_pointer(const void* p) noexcept;
[[noreturn]] void report_misaligned_pointer(const void* p) noexcept;
[[noreturn]] void report_interior_pointer(const void* p, const void* block) noexcept;
[[noreturn]] void report_corrupted_header(const void* p, const void* header) noexcept;
[[noreturn]] void report_corrupted_free_list(const void* block) noexcept;
[[noreturn]] void report_move_failed(const void* block) noexcept;  // part of it may be elsewhere
[[noreturn]] void report_new_failed() noexcept;  // operator new has nobody to throw for it

}  // namespace mem
