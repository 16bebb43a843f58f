// The exporters that list.cc lists.
#pragma once

#include "replay/trace/exporters/exporter.h"

namespace replay {

extern const Exporter kAndroidExporter;
extern const Exporter kCsvExporter;
extern const Exporter kNpyExporter;
extern const Exporter kRepExporter;
extern const Exporter kTextExporter;
extern const Exporter kTraceExporter;

}  // namespace replay
