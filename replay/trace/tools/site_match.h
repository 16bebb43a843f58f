// Which call sites of a trace are meant by a text.
//
// Thread-safe. O(size of the table).
#pragma once

#include <string>
#include <vector>

#include "replay/trace/site_table.h"

namespace replay {

// By a stack's number: whether one of its frames, as SiteTable::text writes it, has one of `texts`
// in it, word for word or as an extended regular expression. 0, the site that is not known, never
// does. A text that is no regular expression is only taken word for word.
std::vector<bool> matching_sites(const SiteTable& table, const std::vector<std::string>& texts);

}  // namespace replay
