#include "replay/gen/likeness.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>

namespace replay::gen {
namespace {

constexpr double kRetiming = 0.01;
constexpr std::size_t kRetimedBy = 8;  // buckets of a lifetime

// How many independent draws of one weight the blocks are worth.
double effective_draws(const Model& model,
                       const std::function<double(const Model::Birth&)>& weight) {
  double sum = 0;
  double squares = 0;
  for (std::size_t b = 0; b + 1 < model.blocks.size(); ++b) {
    double of_block = 0;
    for (std::uint64_t i = model.blocks[b].first_birth; i < model.blocks[b + 1].first_birth; ++i) {
      of_block += weight(model.births[i]);
    }
    sum += of_block;
    squares += of_block * of_block;
  }
  return squares == 0 ? 0 : sum * sum / squares;
}

double distribution_limit(double draws) {
  return draws == 0 ? 1 : std::min(1.0, std::sqrt(std::log(2000.0) / (2 * draws)));
}

double shares_limit(double draws, double cells) {
  if (draws == 0) return 1;
  return std::min(1.0, std::sqrt(cells / (4 * draws)) + std::sqrt(std::log(1000.0) / (2 * draws)));
}

// Half the sum of the differences of shares.
double total_variation(const std::vector<double>& a, const std::vector<double>& b) {
  double sum_a = 0;
  double sum_b = 0;
  for (const double value : a) sum_a += value;
  for (const double value : b) sum_b += value;
  if (sum_a == 0 || sum_b == 0) return sum_a == sum_b ? 0 : 1;
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::fabs(a[i] / sum_a - b[i] / sum_b);
  return sum / 2;
}

std::vector<double> op_counts(const Marginals& marginals) {
  return {marginals.by_op.begin(), marginals.by_op.end()};
}

// Threads by the number of their events, for their numbers are those of their first appearance.
std::vector<std::size_t> ranks_of(const Marginals& marginals) {
  std::vector<std::size_t> threads(marginals.by_thread.size());
  for (std::size_t i = 0; i < threads.size(); ++i) threads[i] = i;
  std::stable_sort(threads.begin(), threads.end(), [&](std::size_t a, std::size_t b) {
    return marginals.by_thread[a] > marginals.by_thread[b];
  });
  std::vector<std::size_t> ranks(threads.size());
  for (std::size_t i = 0; i < threads.size(); ++i) ranks[threads[i]] = i;
  return ranks;
}

// Frees by who bore and who freed, each thread by its rank among `count`; of threads side by side
// those of one program are together.
std::vector<double> edge_counts(const Marginals& marginals, std::size_t count, std::size_t copies) {
  const std::vector<std::size_t> ranks = ranks_of(marginals);
  std::vector<double> cells(count * count);
  for (const auto& [edge, frees] : marginals.edges) {
    const std::size_t from = std::min(count - 1, ranks[edge.first] / copies);
    const std::size_t to = std::min(count - 1, ranks[edge.second] / copies);
    cells[from * count + to] += static_cast<double>(frees);
  }
  return cells;
}

double foreign_share(const Marginals& marginals) {
  double all = 0;
  double foreign = 0;
  for (const auto& [edge, frees] : marginals.edges) {
    all += static_cast<double>(frees);
    if (edge.first != edge.second) foreign += static_cast<double>(frees);
  }
  return all == 0 ? 0 : foreign / all;
}

// The original's lifetimes as a copy of this scale has them.
FineHistogram expected_lifetimes(const Model& model, const CopyOptions& options,
                                 const FineHistogram& lifetimes) {
  if (options.scale == 1 && options.copies == 1) return lifetimes;
  FineHistogram expected;
  const std::size_t for_ever = FineHistogram::bucket_of(Marginals::kForEver);
  for (std::size_t i = 0; i < FineHistogram::kBuckets; ++i) {
    if (lifetimes.weight(i) == 0) continue;
    const std::uint64_t value =
        i == for_ever ? Marginals::kForEver
                      : stretched(FineHistogram::least(i), model.window_events, options.scale) *
                            options.copies;
    expected.add(value, lifetimes.weight(i));
  }
  return expected;
}

// The greatest share of all lifetimes that lie so close together that retiming could carry them all
// past one value, of those that end outside their block.
double lifetime_resolution(const Model& model) {
  FineHistogram crossing;
  for (const Model::Birth& birth : model.births) {
    const bool inside = birth.lifetime != kNever && birth.offset + birth.lifetime < kBlockEvents;
    if (birth.lifetime != kNever && !inside) crossing.add(birth.lifetime);
  }
  std::uint64_t sum = 0;
  std::uint64_t greatest = 0;
  for (std::size_t i = 0; i < FineHistogram::kBuckets; ++i) {
    sum += crossing.weight(i);
    if (i >= kRetimedBy) sum -= crossing.weight(i - kRetimedBy);
    greatest = std::max(greatest, sum);
  }
  return model.births.empty()
             ? 0
             : static_cast<double>(greatest) / static_cast<double>(model.births.size());
}

// The standard deviation of a copy's live bytes, at the window's start where it is greatest. Blocks
// are drawn independently within their window, so the variances of what each brings add up.
double greatest_deviation(const Model& model) {
  const std::size_t windows = model.windows.size() - 1;
  std::vector<double> variance(windows + 1);
  for (std::size_t w = 0; w < windows; ++w) {
    const std::uint64_t first = model.windows[w].first_block;
    const std::uint64_t last = model.windows[w + 1].first_block;
    const auto kept = static_cast<double>(last - first);
    const double drawn = std::ceil(static_cast<double>(model.windows[w].events) / kBlockEvents);
    std::vector<double> sums(windows + 1);     // of the bytes live at each later window's end
    std::vector<double> squares(windows + 1);  // over the blocks
    std::vector<double> live(windows + 1);
    for (std::uint64_t b = first; b < last; ++b) {
      std::fill(live.begin(), live.end(), 0);
      for (std::uint64_t i = model.blocks[b].first_birth; i < model.blocks[b + 1].first_birth;
           ++i) {
        const Model::Birth& birth = model.births[i];
        if (birth.lifetime < kBlockEvents) continue;
        live[w] += static_cast<double>(birth.size);
        const std::uint64_t later =
            birth.lifetime == kNever ? windows : birth.lifetime / model.window_events + 1;
        if (w + later < windows) live[w + later] -= static_cast<double>(birth.size);
      }
      double bytes = 0;
      for (std::size_t t = w; t < windows; ++t) {
        bytes += live[t];
        sums[t] += bytes;
        squares[t] += bytes * bytes;
      }
    }
    for (std::size_t t = w; t < windows; ++t) {
      const double mean = sums[t] / kept;
      variance[t] += drawn * std::max(0.0, squares[t] / kept - mean * mean);
    }
  }
  return std::sqrt(*std::max_element(variance.begin(), variance.end()));
}

// The most that live bytes change inside a window.
double greatest_change(const Model& model, const Marginals& original) {
  double greatest = 0;
  for (std::size_t i = 0; i < original.curve.size();) {
    const std::uint64_t window = original.curve[i].event / model.window_events;
    std::uint64_t least = original.curve[i].bytes;
    std::uint64_t most = least;
    for (; i < original.curve.size() && original.curve[i].event / model.window_events == window;
         ++i) {
      least = std::min(least, original.curve[i].bytes);
      most = std::max(most, original.curve[i].bytes);
    }
    greatest = std::max(greatest, static_cast<double>(most - least));
  }
  return greatest;
}

Distance curve_distance(const Model& model, const CopyOptions& options, const Marginals& original,
                        const Marginals& copy) {
  constexpr std::uint64_t kSlices = 256;
  const auto peak = static_cast<double>(std::max<std::uint64_t>(1, original.peak_bytes));
  const auto times = static_cast<double>(options.scale * options.copies);
  double greatest = 0;
  for (std::uint64_t i = 0; i < kSlices; ++i) {
    const auto at = [&](const Marginals& m) {
      return m.mean_bytes(m.events * i / kSlices, m.events * (i + 1) / kSlices);
    };
    greatest = std::max(greatest, std::fabs(at(original) - at(copy) / times) / peak);
  }
  const double chance = 3.5 * greatest_deviation(model) / std::sqrt(times) / peak;
  const double resolution = greatest_change(model, original) / peak;
  return {"live_curve", "mean live bytes in each 256th, of the peak", greatest,
          chance + resolution + kRetiming};
}

}  // namespace

std::vector<Distance> distances(const Model& model, const CopyOptions& options,
                                const Marginals& original, const Marginals& copy) {
  const auto lifetime_of = [&](const Model::Birth& birth) {
    return static_cast<double>(std::min(birth.lifetime, model.events));
  };
  const auto steps_of = [&](const Model::Birth& birth) {
    double steps = 0;
    for (auto i = birth.first_step; i != Model::kNoStep; i = model.steps[i].next) ++steps;
    return steps;
  };
  const double births = effective_draws(model, [](const Model::Birth&) { return 1.0; });
  const double steps = effective_draws(model, steps_of);
  const double moments = effective_draws(model, lifetime_of);
  const bool resized = original.resize_ratios.total() > 0;
  const std::size_t threads = std::max<std::size_t>(1, original.by_thread.size());

  std::vector<Distance> all;
  all.push_back({"sizes", "sizes asked for", kolmogorov_smirnov(original.sizes, copy.sizes),
                 distribution_limit(births)});
  all.push_back(
      {"lifetimes", "lifetimes in events",
       kolmogorov_smirnov(expected_lifetimes(model, options, original.lifetimes), copy.lifetimes),
       std::min(1.0, distribution_limit(births) + kRetiming + lifetime_resolution(model))});
  all.push_back({"live_sizes", "sizes of what is live",
                 kolmogorov_smirnov(original.live_sizes, copy.live_sizes),
                 std::min(1.0, distribution_limit(moments) + kRetiming)});
  all.push_back({"resize_ratios", "new size by old, of resizes",
                 kolmogorov_smirnov(original.resize_ratios, copy.resize_ratios),
                 resized ? distribution_limit(steps) : 0});
  all.push_back({"resizes", "resizes of an object",
                 kolmogorov_smirnov(original.resizes, copy.resizes), distribution_limit(births)});
  all.push_back({"operations", "shares of the operations",
                 total_variation(op_counts(original), op_counts(copy)),
                 shares_limit(births, kOpCount)});
  all.push_back({"thread_edges", "who frees whose memory",
                 total_variation(edge_counts(original, threads, 1),
                                 edge_counts(copy, threads, options.copies)),
                 shares_limit(births, static_cast<double>(threads * threads))});
  all.push_back({"foreign_frees", "share of frees by another thread",
                 std::fabs(foreign_share(original) - foreign_share(copy)),
                 distribution_limit(births)});
  all.push_back(curve_distance(model, options, original, copy));
  return all;
}

}  // namespace replay::gen
