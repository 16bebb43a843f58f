#include "replay/record/symbolise.h"

#include <cxxabi.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <memory>

namespace replay {
namespace {

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return status == 0 ? text.get() : name;
}

class Symbols {
 public:
  explicit Symbols(SiteTable& table) : table_(table) {
    for (std::size_t i = 0; i < table.strings.size(); ++i) {
      strings_.emplace(table.strings[i], static_cast<std::uint32_t>(i + 1));
    }
  }

  // Modules one after the other, each in a session of its own, so that memory is that of one.
  void look_up(std::uint32_t module) {
    static const Dwfl_Callbacks kCallbacks = {.find_elf = dwfl_build_id_find_elf,
                                              .find_debuginfo = dwfl_standard_find_debuginfo,
                                              .section_address = dwfl_offline_section_address,
                                              .debuginfo_path = nullptr};
    const std::unique_ptr<Dwfl, decltype(&dwfl_end)> session(dwfl_begin(&kCallbacks), &dwfl_end);
    if (session == nullptr) return;
    const char* const path = table_.modules[module - 1].path.c_str();
    dwfl_report_begin(session.get());
    Dwfl_Module* const reported = dwfl_report_offline(session.get(), path, path, -1);
    dwfl_report_end(session.get(), nullptr, nullptr);
    if (reported == nullptr) return;
    const std::string build_id = build_id_of(reported);
    std::string& recorded = table_.modules[module - 1].build_id;
    if (!recorded.empty() && recorded != build_id) return;  // the file is another now
    recorded = build_id;
    GElf_Addr bias = 0;
    if (dwfl_module_getelf(reported, &bias) == nullptr) return;
    for (SiteTable::Frame& frame : table_.frames) {
      // A return address stands behind the call, perhaps in the next line or function.
      if (frame.module == module) describe(reported, bias + frame.offset - 1, frame);
    }
  }

 private:
  std::uint32_t number_of(const std::string& text) {
    const auto [found, is_new] =
        strings_.emplace(text, static_cast<std::uint32_t>(table_.strings.size() + 1));
    if (is_new) table_.strings.push_back(text);
    return found->second;
  }

  static std::string build_id_of(Dwfl_Module* module) {
    const unsigned char* bits = nullptr;
    GElf_Addr where = 0;
    const int size = dwfl_module_build_id(module, &bits, &where);
    std::string text;
    for (int i = 0; i < size; ++i) text += fmt::format("{:02x}", bits[i]);
    return text;
  }

  void describe(Dwfl_Module* module, GElf_Addr address, SiteTable::Frame& frame) {
    GElf_Off offset = 0;
    GElf_Sym symbol;
    const char* const name =
        dwfl_module_addrinfo(module, address, &offset, &symbol, nullptr, nullptr, nullptr);
    // Of a file without a full table the nearest symbol may be far away: then it is not the one.
    if (name != nullptr && (symbol.st_size == 0 || offset < symbol.st_size)) {
      frame.function = number_of(demangled(name));
    }
    Dwfl_Line* const line = dwfl_module_getsrc(module, address);
    int number = 0;
    const char* const file = line == nullptr
                                 ? nullptr
                                 : dwfl_lineinfo(line, nullptr, &number, nullptr, nullptr, nullptr);
    if (file == nullptr || number <= 0) return;
    frame.file = number_of(file);
    frame.line = static_cast<std::uint32_t>(number);
  }

  SiteTable& table_;
  std::map<std::string, std::uint32_t> strings_;
};

}  // namespace

void symbolise(SiteTable& table) {
  Symbols symbols(table);
  for (std::uint32_t module = 1; module <= table.modules.size(); ++module) symbols.look_up(module);
}

}  // namespace replay
