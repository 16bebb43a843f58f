// What a datacenter's program asks for, by published figures.
//
// Published: Google's fleetbench (github.com/google/fleetbench, Apache-2.0) gives, for profiles of
// its own fleet, each size's rate of allocation and the number of its objects that are live. The
// table below are those of fleetbench/tcmalloc/distributions/TCMALLOC_1.csv (commit 5fb36255) with
// at least 200 allocations a second, 250 kB live or 250 kB asked for a second, rounded to three
// digits. Every other size has less than 0.1 % of the calls.
//
// Derived: the mean lifetime of a size is live / rate (Little's law). Assumed, as fleetbench's own
// driver does: lifetimes are exponential within a size, and calls independent of each other. Not in
// the figures, so parameters here: threads and frees by other threads.
#include <algorithm>
#include <vector>

#include "replay/gen/churn.h"
#include "replay/gen/generator.h"
#include "replay/gen/picker.h"

namespace replay::gen {
namespace {

struct Row {
  std::uint64_t size;
  std::uint64_t rate_milli;  // allocations in 1000 seconds
  std::uint64_t live_milli;  // thousandths of objects
};

constexpr Row kRows[] = {
    {1, 1030000, 15600},      {4, 497000, 238000},      {8, 2320000, 17200000},
    {16, 26300000, 26900000}, {24, 26800000, 76000000}, {32, 37400000, 72100000},
    {40, 21800000, 52100000}, {48, 26200000, 81600000}, {56, 8380000, 32500000},
    {64, 20200000, 45200000}, {72, 8000000, 31200000},  {80, 4980000, 22500000},
    {88, 1330000, 13200000},  {96, 4950000, 23500000},  {104, 1090000, 13200000},
    {112, 5510000, 13800000}, {120, 626000, 10400000},  {128, 8000000, 15400000},
    {136, 216000, 2940000},   {144, 2820000, 8280000},  {152, 180000, 9210000},
    {160, 1860000, 5770000},  {168, 260000, 750000},    {176, 2230000, 5440000},
    {184, 47500, 3470000},    {192, 1810000, 4690000},  {206, 753, 1910000},
    {208, 622000, 4480000},   {216, 245000, 2090000},   {224, 888000, 3520000},
    {232, 1300000, 1120000},  {240, 3680000, 2180000},  {248, 53900, 7460000},
    {256, 977000, 3090000},   {264, 318000, 7730000},   {272, 276000, 1050000},
    {288, 306000, 780000},    {320, 274000, 325000},    {336, 56000, 3590000},
    {344, 280000, 2760000},   {352, 52600, 868000},     {448, 49100, 640000},
    {512, 426000, 755000},    {552, 442000, 37000},     {560, 4530, 642000},
    {576, 97600, 607000},     {720, 212000, 39100},     {896, 618000, 782000},
    {1024, 3730000, 318000},  {1280, 2810, 223000},     {1416, 1660, 1190000},
    {2048, 601000, 772000},   {2400, 111000, 233000},   {2800, 737, 112000},
    {4056, 5, 183000},        {4096, 2830000, 610000},  {4112, 516000, 4240},
    {6144, 419, 157000},      {7168, 839, 45700},       {8192, 323000, 116000},
    {32768, 1020, 8360},      {32816, 14800, 15},       {65536, 21000, 5930},
    {76590, 6800, 258},       {131072, 169, 2060},      {167776, 1, 2340},
    {167968, 2, 1900},        {294920, 15, 964},        {466904, 6, 1050},
    {524288, 4020, 8},
};

constexpr ParameterSpec kParameters[] = {
    events_parameter("2M"),
    number_parameter("live", "100k", "objects", "live in the steady state", 1000, 100'000'000),
    number_parameter("threads", "4", "threads", "that allocate, in turn", 1, 4096),
    percent_parameter("foreign", "10", "frees by a thread drawn at random"),
};

// In births, for a heap of `live` objects. A heap of another size than the published one is one
// whose objects all live longer or shorter by the same factor.
std::vector<std::uint64_t> mean_lifetimes(std::uint64_t live) {
  Wide rate_sum = 0;
  Wide live_sum = 0;
  for (const Row& row : kRows) {
    rate_sum += row.rate_milli;
    live_sum += row.live_milli;
  }
  std::vector<std::uint64_t> means;
  for (const Row& row : kRows) {
    const Wide mean = Wide{row.live_milli} * rate_sum * live / (live_sum * row.rate_milli);
    means.push_back(std::max<std::uint64_t>(1, static_cast<std::uint64_t>(mean)));
  }
  return means;
}

template <class Member>
Picker picker_of(Member member) {
  std::vector<std::uint64_t> weights;
  for (const Row& row : kRows) weights.push_back(row.*member);
  return Picker(weights);
}

void run(const Parameters& parameters, Random& random, Emitter& out) {
  const std::uint64_t live = parameters.number("live");
  const std::vector<std::uint64_t> lifetimes = mean_lifetimes(live);
  Churn churn(parameters.number("events"), parameters.number("threads"),
              parameters.share("foreign"), random, out);
  const auto lifetime_of = [&](std::size_t row) { return random.exponential(lifetimes[row]); };

  // Begin in the steady state; what is left of an exponential lifetime is distributed as the whole.
  const Picker live_picker = picker_of(&Row::live_milli);
  for (std::uint64_t i = 0; i < live && !churn.full(); ++i) {
    const std::size_t row = live_picker.pick(random);
    churn.add(Op::kMalloc, kRows[row].size, 0, lifetime_of(row), 0);
  }
  const Picker birth_picker = picker_of(&Row::rate_milli);
  while (!churn.full()) {
    const std::size_t row = birth_picker.pick(random);
    churn.step(Op::kMalloc, kRows[row].size, 0, lifetime_of(row), 0);
  }
}

}  // namespace

const Generator kWarehouse{
    "warehouse",
    1,
    "sizes and lifetimes of a datacenter's program, by published figures",
    "Google fleetbench, fleetbench/tcmalloc/distributions/TCMALLOC_1.csv at 5fb36255: rates and "
    "live "
    "counts, the 70 sizes that matter, to three digits; lifetimes derived (Little), exponential",
    kParameters,
    run};

}  // namespace replay::gen
