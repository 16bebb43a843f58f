// The groups of metrics, one file each; list.cc names them all.
#pragma once

#include "replay/metrics/metric.h"

namespace replay {

void add_throughput(const Measured& measured, std::vector<Metric>& out);     // throughput.cc
void add_latency(const Measured& measured, std::vector<Metric>& out);        // latency.cc
void add_disturbance(const Measured& measured, std::vector<Metric>& out);    // disturbance.cc
void add_fragmentation(const Measured& measured, std::vector<Metric>& out);  // fragmentation.cc
void add_footprint(const Measured& measured, std::vector<Metric>& out);      // footprint.cc
void add_idle(const Measured& measured, std::vector<Metric>& out);           // idle.cc
void add_kernel_calls(const Measured& measured, std::vector<Metric>& out);   // kernel_calls.cc
void add_counters(const Measured& measured, std::vector<Metric>& out);       // counters.cc
void add_call_counters(const Measured& measured, std::vector<Metric>& out);  // call_counters.cc
void add_cost(const Measured& measured, std::vector<Metric>& out);           // cost.cc
void add_concurrency(const Measured& measured, std::vector<Metric>& out);    // concurrency.cc
void add_harness(const Measured& measured, std::vector<Metric>& out);        // harness.cc

}  // namespace replay
