// Call sites: the stack that called, as a number of the stacks file (spool.h).
//
// A stack is taken by a walk along frame pointers, which is right only where all code keeps them,
// or by libunwind, which is loaded when the recording starts and never without --sites. At most
// Control::site_depth frames. Each stack is written once; a table in memory of this process finds
// it again by its hash. After the program has closed a module, each is looked at once more before
// it is used, for another module may lie there. Thread-safe without locks but for the first sight
// of a module; never allocates through the hooks.
#pragma once

#include <cstdint>

namespace replay::preload {

// Makes and maps the stacks file of image `index`. False if it cannot be.
bool open_stacks(const char* directory, std::uint32_t index);

// Loads the unwinder if one is wanted, and makes the table. False: no sites. To be called where
// dlopen may be, that is from the library's constructor.
bool start_sites();

}  // namespace replay::preload
