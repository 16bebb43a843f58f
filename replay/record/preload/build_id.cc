#include "replay/record/preload/build_id.h"

#include <elf.h>
#include <string.h>

#include <algorithm>
#include <cstdint>

namespace replay::preload {

namespace {

constexpr std::size_t aligned(std::size_t offset, std::size_t align) {
  return (offset + align - 1) & ~(align - 1);
}

std::size_t write_hexadecimal(const unsigned char* bytes, std::size_t count, char* to) {
  constexpr char kDigits[] = "0123456789abcdef";
  count = std::min(count, kMaxBuildIdText / 2);
  for (std::size_t i = 0; i < count; ++i) {
    *to++ = kDigits[bytes[i] >> 4];
    *to++ = kDigits[bytes[i] & 15];
  }
  return 2 * count;
}

}  // namespace

// A note: | head | name, filled up | what it says, filled up |
std::size_t write_build_id(const dl_phdr_info& module, char* to) {
  for (int i = 0; i < module.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = module.dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const std::size_t align = segment.p_align == 8 ? 8 : 4;
    const auto* notes = reinterpret_cast<const unsigned char*>(module.dlpi_addr + segment.p_vaddr);
    for (std::size_t at = 0; at + sizeof(ElfW(Nhdr)) <= segment.p_memsz;) {
      ElfW(Nhdr) head;
      memcpy(&head, notes + at, sizeof(head));
      const unsigned char* const name = notes + at + sizeof(head);
      const std::size_t says = at + aligned(sizeof(head) + head.n_namesz, align);
      at = says + aligned(head.n_descsz, align);
      if (at > segment.p_memsz) break;
      if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == sizeof(ELF_NOTE_GNU) &&
          memcmp(name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0) {
        return write_hexadecimal(notes + says, head.n_descsz, to);
      }
    }
  }
  return 0;
}

}  // namespace replay::preload
