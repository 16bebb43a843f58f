// The comparison as a table for people.
#pragma once

#include <string>

#include "replay/report/result.h"

namespace replay {

// One table per comparison: the chosen figures of baseline and subject, their ratio with its
// interval, and the verdict. Ends with a newline.
std::string comparison_tables(const Result& result);

// "1.23 M", "45.6", "7.89 k": three digits that matter.
std::string short_number(double value);

}  // namespace replay
