// What threads do at the ends of their lives: a first call that frees another's block, thousands of
// threads that leave blocks behind, destructors of every kind that free and allocate, exit().
#include <malloc.h>
#include <pthread.h>
#include <sys/wait.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/dropin/exchange.h"

namespace {

using dropin::Exchange;
using dropin::kGiB;
using dropin::kMiB;
using dropin::Piece;
using dropin::Random;

constexpr int kManyThreads = 10000;
constexpr std::size_t kResidentBound = 16 * kMiB;  // 1.6 KiB a thread
constexpr std::size_t kAddressSpaceBound = kGiB;   // 100 KiB a thread

// Runs `body` in that many threads, a few at a time; none uses std::thread, whose own block would
// be freed first in each.
template <class Body>
void run_in_threads(int count, Body& body) {
  static constexpr std::size_t kAtATime = 8;
  std::array<pthread_t, kAtATime> threads{};
  for (int done = 0; done < count; done += static_cast<int>(kAtATime)) {
    for (pthread_t& thread : threads) {
      auto run = [](void* b) -> void* {
        (*static_cast<Body*>(b))();
        return nullptr;
      };
      EXPECT(pthread_create(&thread, nullptr, run, &body) == 0);
    }
    for (const pthread_t thread : threads) EXPECT(pthread_join(thread, nullptr) == 0);
  }
}

// Runs it in a few hundred threads, then in ten thousand: the process must not have grown with
// them.
template <class Body>
void expect_bounded(Body& body) {
  run_in_threads(400, body);
  const std::size_t resident = dropin::resident_bytes();
  const std::size_t space = dropin::address_space_bytes();
  run_in_threads(kManyThreads, body);
  const std::size_t resident_after = dropin::resident_bytes();
  const std::size_t space_after = dropin::address_space_bytes();
  dprintf(STDOUT_FILENO, "resident %zu -> %zu KiB, address space %zu -> %zu KiB\n", resident / 1024,
          resident_after / 1024, space / 1024, space_after / 1024);
  EXPECT(resident_after < resident + kResidentBound);
  EXPECT(space_after < space + kAddressSpaceBound);
}

// --- the first call of a thread -----------------------------------------------------------------

template <class Call>
void first_call(Call call) {
  static constexpr std::array<std::size_t, 5> kSizes = {8, 100, 3000, 100'000, 3'000'000};
  for (const std::size_t size : kSizes) {
    for (unsigned round = 0; round < 20; ++round) {
      struct Work {
        Call& call;
        Piece piece;
      } work{call, {static_cast<unsigned char*>(malloc(size)), size, 0}};
      EXPECT(work.piece.data != nullptr);
      work.piece.sign(round);
      pthread_t thread{};
      auto run = [](void* w) -> void* {
        auto* of_main = static_cast<Work*>(w);
        of_main->call(of_main->piece);
        return nullptr;
      };
      EXPECT(pthread_create(&thread, nullptr, run, &work) == 0);
      EXPECT(pthread_join(thread, nullptr) == 0);
      dropin::end_piece(work.piece);
    }
  }
}

void first_calls() {
  first_call([](Piece& piece) { dropin::end_piece(piece); });
  first_call([](Piece& piece) {
    Random random(1);
    dropin::resize_piece(random, piece, piece.size * 2);
  });
  first_call([](Piece& piece) {
    Random random(2);
    dropin::resize_piece(random, piece, piece.size / 2);
  });
  first_call([](Piece& piece) { EXPECT(malloc_usable_size(piece.data) >= piece.size); });
  first_call([](Piece& piece) {
    free(piece.data);
    piece.data = static_cast<unsigned char*>(calloc(1, piece.size));
    EXPECT(dropin::is_zero(piece.data, piece.size));
    piece.sign(3);
  });
  first_call([](Piece& piece) {
    void* p = nullptr;
    EXPECT(posix_memalign(&p, 4096, piece.size) == 0);
    free(p);
  });
  first_call(
      [](Piece& piece) { EXPECT(realloc(std::exchange(piece.data, nullptr), 0) == nullptr); });
}

// --- many short lives ---------------------------------------------------------------------------

// Each thread frees most of what it makes, and leaves two blocks for later threads to free.
void leaving_blocks() {
  static Exchange exchange;
  static std::atomic<unsigned> seeds{0};
  auto body = [] {
    Random random(++seeds);
    std::array<Piece, 40> pieces{};
    for (Piece& piece : pieces) piece = dropin::make_piece(random, 1 + random.below(2000));
    for (int i = 0; i < 2; ++i) {
      const std::size_t mine = random.below(pieces.size());
      pieces[mine] = exchange.swap(random.below(128), pieces[mine]);
    }
    for (Piece& piece : pieces) dropin::end_piece(piece);
  };
  expect_bounded(body);
  exchange.end_all();
}

// All that a thread makes is freed by main once the thread is over.
void freed_after_the_end() {
  static std::array<Piece, 64> pieces;
  static std::atomic<std::size_t> used{0};
  auto body = [] {
    Random random(used + 1);
    for (int i = 0; i < 8; ++i) pieces[used++] = dropin::make_piece(random, 1 + random.below(3000));
  };
  auto eight_threads = [&body] {
    run_in_threads(8, body);
    for (Piece& piece : pieces) dropin::end_piece(piece);
    used = 0;
  };
  for (int i = 0; i < 20; ++i) eight_threads();
  const std::size_t resident = dropin::resident_bytes();
  for (int i = 0; i < 500; ++i) eight_threads();
  EXPECT(dropin::resident_bytes() < resident + 8 * kMiB);
}

// --- destructors --------------------------------------------------------------------------------

constexpr int kKeys = 3;
std::array<pthread_key_t, kKeys> keys;
std::atomic<int> ended{0};

// A value of a key, whose destructor sets the key again until no further round is promised.
struct KeyValue {
  pthread_key_t key;
  int rounds_left;
  Piece made_before;
};

void destroy_key_value(void* value) {
  auto* mine = static_cast<KeyValue*>(value);
  Random random(static_cast<unsigned>(mine->rounds_left));
  dropin::end_piece(mine->made_before);
  std::array<Piece, 6> pieces{};
  for (Piece& piece : pieces) piece = dropin::make_piece(random, 1 + random.below(3000));
  for (Piece& piece : pieces) dropin::end_piece(piece);
  if (--mine->rounds_left > 0) {
    mine->made_before = dropin::make_piece(random, 500);
    EXPECT(pthread_setspecific(mine->key, mine) == 0);
    return;
  }
  ++ended;
  free(mine);
}

struct ThreadLocal {
  std::vector<std::unique_ptr<std::string>> texts;
  ThreadLocal() = default;
  ThreadLocal(const ThreadLocal&) = delete;
  ThreadLocal& operator=(const ThreadLocal&) = delete;
  ~ThreadLocal() {
    texts.push_back(std::make_unique<std::string>(200, 'z'));
    texts.clear();
    ++ended;
  }
};

void destructors() {
  for (pthread_key_t& key : keys) EXPECT(pthread_key_create(&key, destroy_key_value) == 0);
  auto body = [] {
    thread_local ThreadLocal late;
    late.texts.push_back(std::make_unique<std::string>(100, 'y'));
    Random random(7);
    for (const pthread_key_t key : keys) {
      auto* value = static_cast<KeyValue*>(malloc(sizeof(KeyValue)));
      EXPECT(value != nullptr);
      *value = {key, PTHREAD_DESTRUCTOR_ITERATIONS, dropin::make_piece(random, 1000)};
      EXPECT(pthread_setspecific(key, value) == 0);
    }
  };
  expect_bounded(body);
  EXPECT(ended == (kManyThreads + 400) * (kKeys + 1));
}

// The thread's only calls are in its destructors.
void destructors_only() {
  EXPECT(pthread_key_create(&keys[0], destroy_key_value) == 0);
  static std::array<KeyValue*, 8> values;
  static std::atomic<unsigned> next{0};
  std::size_t resident = 0;
  for (int round = 0; round < 1000; ++round) {
    if (round == 50) resident = dropin::resident_bytes();
    Random random(static_cast<unsigned>(round));
    for (KeyValue*& value : values) {
      value = static_cast<KeyValue*>(malloc(sizeof(KeyValue)));
      EXPECT(value != nullptr);
      *value = {keys[0], 1 + round % PTHREAD_DESTRUCTOR_ITERATIONS, dropin::make_piece(random, 99)};
    }
    auto body = [] { EXPECT(pthread_setspecific(keys[0], values[next++ % 8]) == 0); };
    run_in_threads(8, body);
  }
  EXPECT(ended == 8 * 1000);
  EXPECT(dropin::resident_bytes() < resident + 8 * kMiB);
}

// --- exit ---------------------------------------------------------------------------------------

Piece for_exit;
Exchange in_use_at_exit;

struct Static {
  std::vector<std::string> texts = std::vector<std::string>(50, std::string(70, 's'));
};
Static destroyed_at_exit;

// exit() in main, or in another thread, while yet others allocate.
void exit_among_others() {
  for (unsigned round = 0; round < 60; ++round) {
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(60);  // a lock that nobody opens is a failure of this child, not the end of all tests
      Random random(round);
      for_exit = dropin::make_piece(random, 5000);
      EXPECT(atexit([] {
               dropin::end_piece(for_exit);
               Random late(9);
               for (int i = 0; i < 100; ++i) {
                 Piece piece = dropin::make_piece(late, late.size());
                 dropin::end_piece(piece);
               }
             }) == 0);
      std::atomic<int> turns{0};
      for (unsigned t = 0; t < 3; ++t) {
        std::thread([t, &turns] {
          Random own(t + 1);
          for (;; ++turns) in_use_at_exit.take_turn(own);
        }).detach();
      }
      while (turns < 50) std::this_thread::yield();
      if (round % 2 == 0) exit(0);
      std::thread([] { exit(0); }).join();
    }
    int status = -1;
    EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
    EXPECT(status == 0);
  }
}

// A thread whose heap was given up resizes what main made: that goes back to main at once, for
// there may be no later call of the kind.
void late_reallocs() {
  static std::array<void*, 16> blocks;
  const std::size_t before = mallinfo2().uordblks;
  for (void*& p : blocks) p = malloc(20'000);
  pthread_key_t key{};  // newer than the heap's own, so its destructor runs later
  auto resize = [](void*) {
    for (void*& p : blocks) p = realloc(p, 40'000);
  };
  EXPECT(pthread_key_create(&key, resize) == 0);
  std::thread([&] {
    free(malloc(1));
    EXPECT(pthread_setspecific(key, &blocks) == 0);
  }).join();
  for (void* p : blocks) {
    EXPECT(malloc_usable_size(p) >= 40'000);
    free(p);
  }
  malloc_trim(0);
  EXPECT(mallinfo2().uordblks < before + 20'000);
}

constexpr dropin::Case kCases[] = {
    {"first_calls", first_calls},
    {"leaving_blocks", leaving_blocks},
    {"freed_after_the_end", freed_after_the_end},
    {"destructors", destructors},
    {"destructors_only", destructors_only},
    {"exit_among_others", exit_among_others},
    {"late_reallocs", late_reallocs},
};

}  // namespace

int main(int argc, char** argv) { return dropin::run_case(argc, argv, kCases); }
