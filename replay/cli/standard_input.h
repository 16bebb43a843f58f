// What is no file, for a command that reads its trace more than once.
#pragma once

#include <string>

namespace replay::cli {

// Makes standard input a file that can be read from its start, any number of times: a pipe is read
// to its end into a memory file, which takes its place. What is no trace is read no further than to
// see that; what cannot be read at all (a terminal, a folder) is left as it is: TraceReader tells
// of both. Throws Error. O(bytes) time and memory.
void make_standard_input_a_file(bool show_progress);

// The same of "-", and of a pipe that is named by its path: it becomes standard input, and `trace`
// "-". Leaves files alone.
void make_trace_a_file(std::string& trace, bool show_progress);

}  // namespace replay::cli
