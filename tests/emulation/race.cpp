// race.cpp - the last writer, two readers and two atomics of every watched word,
// and whether it was written at all
#include "tests/emulation/race.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "tests/emulation/fibre.hpp"
#include "tests/emulation/kernel.hpp"
#include "tests/emulation/memory.hpp"
#include "tests/emulation/race_places.hpp"
#include "tests/emulation/warps.hpp"

namespace emulation::race {
namespace {

constexpr std::size_t kWord = 4;

/// An access by a thread in a period: the time between two barriers of a block.
struct Access {
  std::uint32_t period;  // 0: none
  std::uint32_t launch;
  unsigned block;
  unsigned thread;
  std::uint32_t tick;  // of the thread's own clock
  const void* code;
};

/// The second is of another thread than the first in the same period, or of another block in the
/// same launch.
struct Pair {
  Access first, second;
};

/// All zero at first: nobody was there.
struct Cell {
  Access write;
  Pair reads, atomics;
};

/// One cell for each word, in pages that cost nothing until they are touched.
struct Region {
  const char* start;
  std::size_t bytes;
  Memory memory;
  Cell* cells;
  std::vector<bool> is_written;  // by word

  std::size_t word_of(const char* address) const {
    return static_cast<std::size_t>(address - start) / kWord;
  }
  const char* name() const { return memory == Memory::shared ? "shared" : "device"; }
};

/// What the threads of a warp know of each other: known[l][m] is the latest tick of lane m that
/// happened before what lane l does now.
struct WarpClock {
  std::array<std::array<std::uint32_t, kWarp>, kWarp> known{};
};

struct State {
  std::map<const char*, Region> regions;
  Region* latest = nullptr;
  std::uint32_t launch = 0;
  std::uint32_t period = 0;
  unsigned block = 0;
  std::vector<WarpClock> warps = std::vector<WarpClock>(1024 / kWarp);
  bool has_met = false;  // since the last barrier
};

/// Never destroyed: shared memory is unwatched as late as at the end of the program.
State& state() {
  static State& state = *new State;
  return state;
}

std::size_t cell_bytes(const Region& region) {
  return ((region.bytes + kWord - 1) / kWord + 1) * sizeof(Cell);
}

Region* find(const char* address) {
  State& all = state();
  const auto is_in = [address](const Region& region) {
    return address >= region.start && address < region.start + region.bytes;
  };
  if (all.latest != nullptr && is_in(*all.latest)) return all.latest;
  const auto after = all.regions.upper_bound(address);
  if (after == all.regions.begin()) return nullptr;
  Region& region = std::prev(after)->second;
  if (!is_in(region)) return nullptr;
  all.latest = &region;
  return &region;
}

std::uint32_t& tick(unsigned thread) {
  const unsigned lane = thread % kWarp;
  return state().warps[thread / kWarp].known[lane][lane];
}

/// Whether a barrier or a meeting stands between `before` and what `thread` does now.
bool is_ordered(const Access& before, unsigned thread, Memory memory) {
  const State& all = state();
  if (before.period == 0) return true;
  if (before.period != all.period) {
    return memory == Memory::shared || before.launch != all.launch || before.block == all.block;
  }
  if (before.thread == thread) return true;
  return before.thread / kWarp == thread / kWarp &&
         before.tick <= all.warps[thread / kWarp].known[thread % kWarp][before.thread % kWarp];
}

std::string text(const Access& access, Touch touch) {
  constexpr const char* kVerbs[] = {" reads", " writes", " has an atomic"};
  return "thread " + emulation::text(unflatten(access.thread, blockDim)) + " of block " +
         emulation::text(unflatten(access.block, gridDim)) + kVerbs[static_cast<int>(touch)] +
         " at " + place(access.code);
}

/// Keeps those of two threads of a period, and of two blocks of a launch.
void note(Pair& pair, const Access& now) {
  auto& [first, second] = pair;
  if (first.launch != now.launch || first.period == 0) {
    pair = {now, {}};
  } else if (first.block != now.block) {
    pair = {now, first};
  } else if (first.period != now.period) {
    first = now;
    if (second.block == now.block) second = {};
  } else if (first.thread == now.thread) {
    first = now;
  } else if (second.period == 0 || second.block == now.block) {
    second = now;
  }
}

}  // namespace

void watch(const void* start, std::size_t bytes, Memory memory) {
  Region region{static_cast<const char*>(start), bytes, memory, nullptr,
                std::vector<bool>((bytes + kWord - 1) / kWord)};
  void* const cells = mmap(nullptr, cell_bytes(region), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (cells == MAP_FAILED) throw std::bad_alloc();
  region.cells = static_cast<Cell*>(cells);
  state().regions[region.start] = std::move(region);
}

void unwatch(const void* start) {
  const auto found = state().regions.find(static_cast<const char*>(start));
  if (found == state().regions.end()) return;
  munmap(found->second.cells, cell_bytes(found->second));
  state().regions.erase(found);
  state().latest = nullptr;
}

void fill(const void* start, std::size_t bytes) {
  const char* const from = static_cast<const char*>(start);
  Region* const region = find(from);
  if (region == nullptr || bytes == 0) return;
  const auto first =
      region->is_written.begin() + static_cast<std::ptrdiff_t>(region->word_of(from));
  const auto words = region->word_of(from + bytes - 1) - region->word_of(from) + 1;
  std::fill_n(first, words, true);
}

void forget(const void* start) {
  auto& is_written = state().regions.at(static_cast<const char*>(start)).is_written;
  std::fill(is_written.begin(), is_written.end(), false);
}

void begin_launch() { ++state().launch; }

void begin_block(unsigned block) {
  state().block = block;
  pass_barrier();
}

void pass_barrier() {
  State& all = state();
  ++all.period;
  if (all.has_met || all.period == 1) {
    for (WarpClock& warp : all.warps) {
      warp = {};
      for (unsigned lane = 0; lane < kWarp; ++lane) warp.known[lane][lane] = 1;
    }
  }
  all.has_met = false;
}

void meet_in_warp(unsigned first, unsigned mask) {
  State& all = state();
  all.has_met = true;
  WarpClock& warp = all.warps[first / kWarp];
  std::array<std::uint32_t, kWarp> joined{};
  for (unsigned l = 0; l < kWarp; ++l) {
    if ((mask >> l & 1) == 0) continue;
    for (unsigned m = 0; m < kWarp; ++m) joined[m] = std::max(joined[m], warp.known[l][m]);
  }
  for (unsigned l = 0; l < kWarp; ++l) {
    if ((mask >> l & 1) == 0) continue;
    warp.known[l] = joined;
    ++warp.known[l][l];
  }
}

void touch(const void* address, std::size_t bytes, Touch touch, const void* code) {
  // Host code of a kernel file: another thread may be executing a kernel meanwhile.
  if (!has_device_access()) return;
  const char* const from = static_cast<const char*>(address);
  Region* const region = find(from);
  if (region == nullptr) return;
  if (touch == Touch::write) fill(address, bytes);
  Fibre* const self = Fibre::running();
  if (self == nullptr) return;  // CUB's work
  const Access now{state().period, state().launch,       state().block,
                   self->number(), tick(self->number()), code};
  const std::size_t last = region->word_of(from + bytes - 1);
  for (std::size_t w = region->word_of(from); w <= last && w * kWord < region->bytes; ++w) {
    Cell& cell = region->cells[w];
    const auto fault = [&](const std::string& sentence) {
      self->fail(std::make_exception_ptr(Fault(sentence + ", word " + std::to_string(w) + " of " +
                                               std::to_string(region->bytes) + " bytes of " +
                                               region->name() + " memory")));
    };
    const auto check = [&](const Access& before, Touch touch_before) {
      if (is_ordered(before, now.thread, region->memory)) return;
      fault("race: " + text(before, touch_before) + ", " + text(now, touch) +
            ", no barrier between them");
    };
    const auto check_pair = [&](const Pair& before, Touch touch_before) {
      check(before.first, touch_before);
      check(before.second, touch_before);
    };
    if (!region->is_written[w]) fault("never written: " + text(now, touch));
    check(cell.write, Touch::write);
    if (touch != Touch::read) check_pair(cell.reads, Touch::read);
    if (touch != Touch::atomic) check_pair(cell.atomics, Touch::atomic);
    switch (touch) {
      case Touch::read:
        note(cell.reads, now);
        break;
      case Touch::write:
        cell.write = now;
        break;
      case Touch::atomic:
        note(cell.atomics, now);
        break;
    }
  }
}

}  // namespace emulation::race
