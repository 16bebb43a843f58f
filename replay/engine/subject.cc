#include "replay/engine/subject.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "replay/trace/error.h"

namespace replay {
namespace {

namespace fs = std::filesystem;

bool looks_like_path(const std::string& name) {
  return name.find('/') != std::string::npos || name.find(".so") != std::string::npos;
}

void require_shared_library(const fs::path& path, const std::string& hint) {
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  if (!file.read(magic, sizeof(magic))) {
    throw Error(fmt::format("cannot read the library {}; {}", path.string(), hint),
                ExitCode::kUsage);
  }
  if (std::string_view(magic, sizeof(magic)) !=
      "\x7f"
      "ELF") {
    throw Error(fmt::format("{} is not a shared library (no ELF header); {}", path.string(), hint),
                ExitCode::kUsage);
  }
}

// The last `parts` parts of a path, or all of it if it has fewer.
std::string end_of_path(const fs::path& path, int parts) {
  fs::path end = path.filename();
  fs::path folder = path.parent_path();
  for (; parts > 1 && folder.has_filename(); --parts, folder = folder.parent_path()) {
    end = folder.filename() / end;
  }
  return parts > 1 ? path.string() : end.string();
}

}  // namespace

Subject resolve_subject(const std::string& name, const std::string& program_dir) {
  if (const mem::AllocatorEntry* entry = mem::find_allocator(name.c_str())) {
    if (entry->binding == mem::Binding::kInProcess) return {name, entry->binding, "", name};
    if (entry->library == nullptr) return glibc_subject(mem::Binding::kPreload);
    const fs::path library = fs::path(program_dir).parent_path() / "lib" / entry->library;
    require_shared_library(library, "build the whole project (target all)");
    return {name, entry->binding, library.string(), "glibc"};
  }
  if (looks_like_path(name)) {
    require_shared_library(name, "give the path of a malloc library to preload");
    const fs::path library = fs::canonical(name);
    return {fs::path(name).filename().string(), mem::Binding::kPreload, library.string(), "glibc"};
  }
  std::vector<std::string> known;
  for (const mem::AllocatorEntry& entry : mem::registered_allocators()) {
    known.emplace_back(entry.name);
  }
  throw Error(
      fmt::format("no allocator is called '{}'; known are {}, or the path of a .so to preload",
                  name, fmt::join(known, ", ")),
      ExitCode::kUsage);
}

void tell_apart(std::vector<Subject>& subjects) {
  const auto is_like_another = [&](const Subject& subject) {
    return std::any_of(subjects.begin(), subjects.end(), [&](const Subject& other) {
      return other.name == subject.name && other.binding == subject.binding && other != subject;
    });
  };
  for (int parts = 2; std::any_of(subjects.begin(), subjects.end(), is_like_another); ++parts) {
    std::vector<Subject> renamed = subjects;
    for (Subject& subject : renamed) {
      if (!subject.library.empty() && is_like_another(subject)) {
        subject.name = end_of_path(subject.library, parts);
      }
    }
    subjects = std::move(renamed);
  }
}

Subject glibc_subject(mem::Binding binding) { return {"glibc", binding, "", "glibc"}; }

Subject null_subject() { return {"null", mem::Binding::kInProcess, "", "null"}; }

std::string program_directory() {
  return fs::read_symlink("/proc/self/exe").parent_path().string();
}

const char* binding_name(mem::Binding binding) {
  return binding == mem::Binding::kPreload ? "preload" : "in-process";
}

}  // namespace replay
