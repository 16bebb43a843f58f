// When a comparison looks at what it has, and how much of its error rate each look may spend.
//
// A group sequential design with a spending function of Pocock's kind (Lan and DeMets 1983):
// after the share t of the greatest number of repetitions, log(1 + (e - 1) t) of the rate is spent.
// The looks share it by Bonferroni's bound, p of a look over its weight, which holds exactly for
// the small discrete tests here and for any dependence between looks; boundaries from a normal
// limit would not. The price is a little power: see tests/unit/replay/report/looks_test.cc.
#pragma once

#include <cstddef>
#include <vector>

namespace replay {

struct Look {
  int repetitions = 0;  // so many are there when it is taken
  double weight = 0;    // its share of the error rate; all together 1
};

// Ascending, the last at `most` repetitions; each about a quarter beyond the one before. The first
// is the earliest at which one of `metrics` could be significant at all.
std::vector<Look> plan_looks(int most, std::size_t metrics, double alpha);

}  // namespace replay
