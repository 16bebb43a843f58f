// Blocks that change hands between threads, each checked by whoever gets it.
#pragma once

#include <errno.h>
#include <malloc.h>

#include <array>
#include <mutex>
#include <utility>

#include "tests/dropin/program.h"

namespace dropin {

// A block, and what it must hold. Who has the piece owns the block.
struct Piece {
  unsigned char* data = nullptr;
  std::size_t size = 0;
  unsigned seed = 0;

  void sign(unsigned new_seed) {
    seed = new_seed;
    Contents::write(data, size, seed);
  }
  bool is_whole() const { return data == nullptr || Contents::are(data, size, seed); }
};

// By one of the functions that make a block.
inline Piece make_piece(Random& random, std::size_t size) {
  void* p = nullptr;
  const std::size_t align = std::size_t{1} << random.below(13);
  switch (random.below(6)) {
    case 0:
      p = calloc(1, size);
      EXPECT(p != nullptr && is_zero(static_cast<unsigned char*>(p), size));
      break;
    case 1:
      p = realloc(nullptr, size);
      break;
    case 2:
      p = aligned_alloc(align, size);
      EXPECT(reinterpret_cast<std::uintptr_t>(p) % align == 0);
      break;
    case 3:
      EXPECT(posix_memalign(&p, align < 8 ? 8 : align, size) == 0);
      EXPECT(reinterpret_cast<std::uintptr_t>(p) % align == 0);
      break;
    default:
      p = malloc(size);
      break;
  }
  EXPECT(p != nullptr);
  EXPECT(malloc_usable_size(p) >= size);
  Piece piece{static_cast<unsigned char*>(p), size, 0};
  piece.sign(static_cast<unsigned>(random.next()));
  return piece;
}

inline void resize_piece(Random& random, Piece& piece, std::size_t size) {
  auto* p = static_cast<unsigned char*>(realloc(piece.data, size));
  EXPECT(p != nullptr);
  EXPECT(Contents::are(p, size < piece.size ? size : piece.size, piece.seed));
  piece.data = p;
  piece.size = size;
  piece.sign(static_cast<unsigned>(random.next()));
}

inline void end_piece(Piece& piece) {
  EXPECT(piece.is_whole());
  errno = 4321;
  free(piece.data);
  EXPECT(errno == 4321);
  piece = Piece{};
}

// A fixed number of places for pieces.
class Exchange {
 public:
  static constexpr std::size_t kSlots = 512;

  // Leaves `piece` there and answers what was there before.
  Piece swap(std::size_t i, Piece piece) {
    const std::lock_guard guard(slots_[i].mutex);
    return std::exchange(slots_[i].piece, piece);
  }
  // What is there, unless somebody is at the place just now: for the child of a fork, where that
  // somebody is no more.
  Piece take_if_open(std::size_t i) {
    const std::unique_lock lock(slots_[i].mutex, std::try_to_lock);
    return lock.owns_lock() ? std::exchange(slots_[i].piece, Piece{}) : Piece{};
  }
  void end_all() {
    for (std::size_t i = 0; i < kSlots; ++i) {
      Piece piece = swap(i, Piece{});
      end_piece(piece);
    }
  }
  // One turn of a thread: a new piece for an old one, which ends or changes its size.
  void take_turn(Random& random) {
    Piece old = swap(random.below(kSlots), make_piece(random, random.size()));
    if (old.data == nullptr) return;
    EXPECT(old.is_whole());
    if (random.below(3) == 0) {
      resize_piece(random, old, random.size());
      old = swap(random.below(kSlots), old);
    }
    end_piece(old);
  }

 private:
  struct Slot {
    std::mutex mutex;
    Piece piece;
  };
  std::array<Slot, kSlots> slots_;
};

}  // namespace dropin
