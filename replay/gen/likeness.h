// How far a copy is from its original, and how far chance alone may put it.
//
// Not thread-safe. O(births of the model x log).
#pragma once

#include <string>
#include <vector>

#include "replay/gen/marginals.h"
#include "replay/gen/model.h"

namespace replay::gen {

struct Distance {
  std::string name;  // snake_case
  std::string what;  // for people
  double value;      // 0: alike, 1: as far as can be (the curve: its peak away)
  double limit;      // what a sound copy exceeds once in a thousand times
};

// A copy draws blocks, so its sampling error is that of as many independent draws as there are
// blocks, less if some weigh more: n = (sum w)^2 / sum w^2 with w the block's part of what is
// distributed. The limit of a distribution is the Dvoretzky-Kiefer-Wolfowitz bound for n at 0.001,
// sqrt(ln(2000) / 2n); that of shares in k cells sqrt(k / 4n) + sqrt(ln(1000) / 2n); that of the
// curve 3.5 standard deviations of the live bytes that blocks bring, at the moment where that is
// most, and what the original's live bytes change inside a window, for no copy can tell when.
// Beside that, 0.01 for lifetimes, what is live and the curve, since what ends outside its block is
// not at its event exactly; and for lifetimes the greatest share of them that end so and lie within
// 1/16 of each other (8 events below 256), for copies hold them to that.
std::vector<Distance> distances(const Model& model, const CopyOptions& options,
                                const Marginals& original, const Marginals& copy);

}  // namespace replay::gen
