// The importers that list.cc lists.
#pragma once

#include "replay/trace/importers/importer.h"

namespace replay {

extern const Importer kTextImporter;

}  // namespace replay
