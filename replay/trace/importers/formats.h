// The importers that list.cc lists.
#pragma once

#include "replay/trace/importers/importer.h"

namespace replay {

extern const Importer kHeaptrackImporter;
extern const Importer kLtraceImporter;
extern const Importer kMtraceImporter;
extern const Importer kRepImporter;
extern const Importer kTextImporter;
extern const Importer kValgrindImporter;

}  // namespace replay
