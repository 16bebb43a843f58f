// Robson's program that makes any allocator that cannot move objects waste memory. Step i keeps one
// object in each stretch of 2^i words and frees the others, so that no gap takes the 2^i words of
// the objects that it then allocates.
//
// His program looks at the addresses that it gets. A trace cannot; so address-ordered first fit
// runs inside the generator, and the trace is what the program does against that. Against it the
// heap reaches at least live * (log2(largest) / 2 + 1) - largest + 1 words; another allocator sees
// the same calls but need not suffer as much.
#include <algorithm>
#include <bit>
#include <vector>

#include "replay/gen/generator.h"

namespace replay::gen {
namespace {

constexpr ParameterSpec kParameters[] = {
    number_parameter("live", "64Ki", "words", "that are live at most", 16, std::uint64_t{1} << 32),
    number_parameter("largest", "1Ki", "words", "size of the largest object; a power of two", 1,
                     std::uint64_t{1} << 24),
    number_parameter("word", "32", "bytes", "of a word: no less than an allocator's least block",
                     16, 4096),
    number_parameter("header", "8", "bytes", "less asked for each object: what the allocator adds",
                     0, 15),
};

struct Object {
  std::uint64_t name;
  std::uint64_t address;  // in words
  std::uint64_t size;
};

// Does the object lie on a word whose address is `offset` modulo `stretch`?
bool occupies(const Object& object, std::uint64_t offset, std::uint64_t stretch) {
  return (offset - object.address) % stretch < object.size;
}

class Robson {
 public:
  Robson(const Parameters& parameters, Emitter& out)
      : most_live_(parameters.number("live")),
        word_(parameters.number("word")),
        header_(parameters.number("header")),
        out_(out) {}

  // pre: stretch is 2^i, at step i.
  void step(std::uint64_t stretch) {
    if (stretch > 1) thin_out(stretch);
    fill(stretch);
  }

 private:
  // Keeps the objects on one of the two offsets that continue the last one: the one that leaves
  // more of each stretch useless.
  void thin_out(std::uint64_t stretch) {
    const std::uint64_t other = offset_ + stretch / 2;
    if (useless(other, stretch) > useless(offset_, stretch)) offset_ = other;
    std::vector<Object> kept;
    for (const Object& object : objects_) {
      if (occupies(object, offset_, stretch)) {
        kept.push_back(object);
      } else {
        out_.free(object.name);
        live_ -= object.size;
      }
    }
    objects_ = std::move(kept);
  }

  std::uint64_t useless(std::uint64_t offset, std::uint64_t stretch) const {
    std::uint64_t words = 0;
    for (const Object& object : objects_) {
      if (occupies(object, offset, stretch)) words += stretch - object.size;
    }
    return words;
  }

  // As many objects of this size as the limit allows, each in the first gap that takes it. All are
  // of one size, so the search goes on where the last one was placed.
  void fill(std::uint64_t size) {
    std::vector<Object> filled;
    std::uint64_t end = 0;  // of what lies below
    std::size_t next = 0;
    while (live_ + size <= most_live_) {
      while (next < objects_.size() && objects_[next].address - end < size) {
        filled.push_back(objects_[next]);
        end = objects_[next].address + objects_[next].size;
        ++next;
      }
      filled.push_back({out_.malloc(size * word_ - header_), end, size});
      end += size;
      live_ += size;
    }
    filled.insert(filled.end(), objects_.begin() + static_cast<std::ptrdiff_t>(next),
                  objects_.end());
    objects_ = std::move(filled);
  }

  std::uint64_t most_live_;
  std::uint64_t word_;
  std::uint64_t header_;
  Emitter& out_;
  std::vector<Object> objects_;  // live, by address
  std::uint64_t live_ = 0;       // words
  std::uint64_t offset_ = 0;
};

void run(const Parameters& parameters, Random&, Emitter& out) {
  const std::uint64_t largest = std::bit_floor(parameters.number("largest"));
  Robson robson(parameters, out);
  for (std::uint64_t size = 1; size <= largest; size *= 2) robson.step(size);
}

}  // namespace

const Generator kRobsonFirstFit{
    "robson-first-fit",
    1,
    "Robson's worst case against an address-ordered first fit that the generator simulates",
    "Robson, 'An estimate of the store size necessary for dynamic storage allocation', JACM 18, "
    "1971, "
    "and 'Bounds for some functions concerning dynamic storage allocation', JACM 21, 1974; the "
    "bound "
    "holds for the simulated policy (no randomness: the seed changes nothing)",
    kParameters,
    run};

}  // namespace replay::gen
