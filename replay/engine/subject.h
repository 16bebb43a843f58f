// What a user names after --allocator, resolved: a registered allocator or the path of a library.
#pragma once

#include <string>
#include <vector>

#include "core/alloc/registry.h"

namespace replay {

struct Subject {
  std::string name;  // as results show it
  mem::Binding binding;
  std::string library;   // path to preload; empty = none
  std::string instance;  // registered name whose instance the worker calls

  friend bool operator==(const Subject&, const Subject&) = default;
};

// `program_dir` is the folder of the allocreplay executable; libraries lie in ../lib beside it.
// Throws Error (usage) for a name that is neither registered nor a shared library's path.
Subject resolve_subject(const std::string& name, const std::string& program_dir);

// Other libraries of one file's name get names that differ: as much of each path as that takes.
void tell_apart(std::vector<Subject>& subjects);

// glibc's malloc under the given binding.
Subject glibc_subject(mem::Binding binding);

// The harness floor.
Subject null_subject();

// Folder of the running executable.
std::string program_directory();

const char* binding_name(mem::Binding binding);

}  // namespace replay
