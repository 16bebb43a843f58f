// libunwind, loaded into the program, and kept from its descriptors.
#pragma once

namespace replay::preload {

// Fills the array with return addresses, the innermost first; returns how many.
using Unwind = int (*)(void**, int);

// nullptr: there is none. Takes the loader's lock, so it is for the library's constructor.
Unwind load_unwinder();

}  // namespace replay::preload
