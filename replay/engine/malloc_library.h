// What stands beside the malloc of this process in the same library. An allocator that brings its
// own malloc but not, say, malloc_usable_size leaves the C library's to be found under that name,
// which knows nothing of its blocks. For the worker: no C++ library, no allocation.
#pragma once

namespace replay {

// The function of that name if the library that malloc comes from defines it, else nullptr.
void* beside_malloc(const char* name);

// File of the library that malloc comes from; nullptr if it cannot be told.
const char* malloc_library();

}  // namespace replay
