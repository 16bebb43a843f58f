#include "core/os/report.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

namespace mem {
namespace {

// A line under construction; what does not fit is dropped, since no message comes near the end.
class Line {
 public:
  Line& text(const char* s) noexcept {
    while (*s != '\0' && used_ < sizeof(buffer_) - 1) buffer_[used_++] = *s++;
    return *this;
  }
  Line& address(const void* p) noexcept {
    const auto value = reinterpret_cast<uintptr_t>(p);
    text("0x");
    int shift = 60;
    while (shift > 0 && (value >> shift) == 0) shift -= 4;
    for (; shift >= 0; shift -= 4) {
      const char digit[2] = {"0123456789abcdef"[(value >> shift) & 0xf], '\0'};
      text(digit);
    }
    return *this;
  }
  [[noreturn]] void end() noexcept {
    buffer_[used_++] = '\n';
    size_t sent = 0;
    while (sent < used_) {
      const ssize_t n = write(STDERR_FILENO, buffer_ + sent, used_ - sent);
      if (n <= 0) break;
      sent += static_cast<size_t>(n);
    }
    abort();
  }

 private:
  char buffer_[256];
  size_t used_ = 0;
};

}  // namespace

void report_double_free(const void* p) noexcept {
  Line().text("mem: double free of ").address(p).text(": the block is free already").end();
}

void report_foreign_pointer(const void* p) noexcept {
  Line().text("mem: invalid free of ").address(p).text(": it is in no memory of this heap").end();
}

void report_misaligned_pointer(const void* p) noexcept {
  Line().text("mem: invalid free of ").address(p).text(": misaligned, no block starts here").end();
}

void report_interior_pointer(const void* p, const void* block) noexcept {
  Line()
      .text("mem: invalid free of ")
      .address(p)
      .text(": it points into the block at ")
      .address(block)
      .end();
}

void report_corrupted_header(const void* p, const void* header) noexcept {
  Line()
      .text("mem: corrupted header at ")
      .address(header)
      .text(" found at the block ")
      .address(p)
      .text(": something wrote past the end of a block")
      .end();
}

void report_corrupted_free_list(const void* block) noexcept {
  Line()
      .text("mem: corrupted free list at ")
      .address(block)
      .text(": something wrote into a free block")
      .end();
}

void report_move_failed(const void* block) noexcept {
  Line()
      .text("mem: out of memory while the pages of the block at ")
      .address(block)
      .text(" were moved")
      .end();
}

void report_new_failed() noexcept {
  Line().text("mem: operator new is out of memory, and no C++ runtime is there to throw").end();
}

}  // namespace mem
