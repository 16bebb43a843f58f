// Robson's attack on best fit: one live word behind each of k gaps that are a little too small, for
// a heap of about largest times what is live. With R a live and F a free block, m the largest size:
//
//     R(m-2) [F(m-3) R(1)] ... k times ... [F(m-3) R(1)] R(m-2)
//
// From k gaps to k+1: two blocks of m-2 words at the end give up their place to m, m-5 and 1; the
// gap of m that then opens is carried, gap by gap, to the front, where it becomes one more F(m-3)
// R(1). Best fit has no choice at any call: each size fits one gap best, whatever the policy does
// with ties. A trace of these calls therefore needs no simulation, but it hits only allocators that
// are best fit over all sizes and coalesce at once.
#include <vector>

#include "replay/gen/generator.h"

namespace replay::gen {
namespace {

constexpr ParameterSpec kParameters[] = {
    number_parameter("gaps", "400", "gaps", "at the end; calls grow with their square", 1, 100'000),
    number_parameter("largest", "64", "words", "size of the largest object", 8, 1 << 20),
    number_parameter("word", "32", "bytes", "of a word: no less than an allocator's least block",
                     16, 4096),
    number_parameter("header", "8", "bytes", "less asked for each object: what the allocator adds",
                     0, 15),
};

class Robson {
 public:
  Robson(const Parameters& parameters, Emitter& out)
      : largest_(parameters.number("largest")),
        word_(parameters.number("word")),
        header_(parameters.number("header")),
        out_(out),
        front_(allocate(largest_ - 2)) {}

  void add_gap() {
    const std::uint64_t first = singles_.empty() ? allocate(largest_ - 2) : back_;
    back_ = allocate(largest_ - 2);
    // What lies before `first`: the last single word with its gap or, at the start, the front.
    std::uint64_t before = front_;
    std::vector<std::uint64_t> rest = singles_;  // by address
    if (!rest.empty()) {
      before = rest.back();
      rest.pop_back();
    }
    out_.free(before);
    out_.free(first);
    open_gap();
    std::vector<std::uint64_t> new_singles;  // from the last to the first
    if (!singles_.empty()) {
      for (; !rest.empty(); rest.pop_back()) new_singles.push_back(carry_over(rest.back()));
      new_singles.push_back(carry_over(front_));
    }
    new_singles.push_back(single_);
    out_.free(middle_);
    front_ = allocate(largest_ - 2);
    singles_.assign(new_singles.rbegin(), new_singles.rend());
  }

 private:
  std::uint64_t allocate(std::uint64_t words) { return out_.malloc(words * word_ - header_); }

  // F(2m-4) becomes F(m) R(m-5) R(1).
  void open_gap() {
    const std::uint64_t whole = allocate(largest_);
    middle_ = allocate(largest_ - 5);
    single_ = allocate(1);
    out_.free(whole);
  }

  // [F(m-3)] R(before) F(m) R(m-5) R(1) becomes F(m) R(m-5) R(1) F(m-3) R(1). Returns the last.
  std::uint64_t carry_over(std::uint64_t before) {
    const std::uint64_t large = allocate(largest_ - 2);
    const std::uint64_t two = allocate(2);
    const std::uint64_t last = single_;
    const std::uint64_t old_middle = middle_;
    out_.free(before);
    out_.free(large);
    open_gap();
    out_.free(two);
    out_.free(old_middle);
    return last;
  }

  std::uint64_t largest_;
  std::uint64_t word_;
  std::uint64_t header_;
  Emitter& out_;
  std::uint64_t front_;
  std::vector<std::uint64_t> singles_;  // the R(1), by address
  std::uint64_t middle_ = 0;            // R(m-5) and R(1) behind the gap of m that is carried
  std::uint64_t single_ = 0;
  std::uint64_t back_ = 0;
};

void run(const Parameters& parameters, Random&, Emitter& out) {
  const std::uint64_t gaps = parameters.number("gaps");
  out.expect(5 * gaps * gaps + 12 * gaps);
  Robson robson(parameters, out);
  for (std::uint64_t i = 0; i < gaps; ++i) robson.add_gap();
}

}  // namespace

const Generator kRobsonBestFit{
    "robson-best-fit",
    1,
    "Robson's attack on best fit: a heap of about `largest` times what is live",
    "Robson, 'Worst case fragmentation of first fit and best fit storage allocation strategies', "
    "Computer Journal 20, 1977; the steps as in Knuth, TAOCP 1, 2.5, exercise 42 (no randomness: "
    "the "
    "seed changes nothing)",
    kParameters,
    run};

}  // namespace replay::gen
