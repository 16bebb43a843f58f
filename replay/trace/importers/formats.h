// The importers that list.cc lists.
#pragma once

#include "replay/trace/importers/importer.h"

namespace replay {

extern const Importer kAndroidImporter;
extern const Importer kAppleReplayImporter;
extern const Importer kBytehoundImporter;
extern const Importer kChattymallocImporter;
extern const Importer kCmtImporter;
extern const Importer kCmtTextImporter;
extern const Importer kDjTraceImporter;
extern const Importer kDjWorkloadImporter;
extern const Importer kGperftoolsReplayImporter;
extern const Importer kGperftoolsTraceImporter;
extern const Importer kHeaptrackImporter;
extern const Importer kLogallocImporter;
extern const Importer kLtraceImporter;
extern const Importer kLttngImporter;
extern const Importer kMtraceImporter;
extern const Importer kRepImporter;
extern const Importer kTextImporter;
extern const Importer kValgrindImporter;
extern const Importer kWebkitOpsImporter;

}  // namespace replay
