// race.cpp - the last writer and two readers of every watched word
#include "tests/emulation/race.hpp"

#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "tests/emulation/fibre.hpp"
#include "tests/emulation/kernel.hpp"
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

/// All zero at first: nobody was there. The second reader is of another thread than the first in
/// the same period, or of another block in the same launch.
struct Cell {
  Access write, read, other_read;
};

/// One cell for each word, in pages that cost nothing until they are touched.
struct Region {
  const char* start;
  std::size_t bytes;
  Memory memory;
  Cell* cells;
};

/// What the threads of a warp know of each other: known[l][m] is the latest tick of lane m that
/// happened before what lane l does now.
struct WarpClock {
  std::array<std::array<std::uint32_t, kWarp>, kWarp> known{};
};

struct State {
  std::map<const char*, Region> regions;
  const Region* latest = nullptr;
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

const Region* find(const char* address) {
  State& all = state();
  const auto is_in = [address](const Region& region) {
    return address >= region.start && address < region.start + region.bytes;
  };
  if (all.latest != nullptr && is_in(*all.latest)) return all.latest;
  const auto after = all.regions.upper_bound(address);
  if (after == all.regions.begin()) return nullptr;
  const Region& region = std::prev(after)->second;
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

std::string text(const Access& access, bool is_write) {
  return "thread " + emulation::text(unflatten(access.thread, blockDim)) + " of block " +
         emulation::text(unflatten(access.block, gridDim)) + (is_write ? " writes" : " reads") +
         " at " + place(access.code);
}

/// Keeps the readers of two threads of a period, and of two blocks of a launch.
void note_read(Cell& cell, const Access& now) {
  const Access& first = cell.read;
  const bool is_first = first.launch != now.launch || first.period == 0;
  if (is_first) {
    cell.read = now;
    cell.other_read = {};
  } else if (first.block != now.block) {
    cell.other_read = first;
    cell.read = now;
  } else if (first.period != now.period) {
    cell.read = now;
    if (cell.other_read.block == now.block) cell.other_read = {};
  } else if (first.thread == now.thread) {
    cell.read = now;
  } else if (cell.other_read.period == 0 || cell.other_read.block == now.block) {
    cell.other_read = now;
  }
}

}  // namespace

void watch(const void* start, std::size_t bytes, Memory memory) {
  Region region{static_cast<const char*>(start), bytes, memory, nullptr};
  void* const cells = mmap(nullptr, cell_bytes(region), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (cells == MAP_FAILED) throw std::bad_alloc();
  region.cells = static_cast<Cell*>(cells);
  state().regions[region.start] = region;
}

void unwatch(const void* start) {
  const auto found = state().regions.find(static_cast<const char*>(start));
  if (found == state().regions.end()) return;
  munmap(found->second.cells, cell_bytes(found->second));
  state().regions.erase(found);
  state().latest = nullptr;
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

void touch(const void* address, std::size_t bytes, bool is_write, const void* code) {
  Fibre* const self = Fibre::running();
  if (self == nullptr) return;
  const char* const from = static_cast<const char*>(address);
  const Region* const region = find(from);
  if (region == nullptr) return;
  const Access now{state().period, state().launch,       state().block,
                   self->number(), tick(self->number()), code};
  const std::size_t first = static_cast<std::size_t>(from - region->start) / kWord;
  const std::size_t last = (static_cast<std::size_t>(from - region->start) + bytes - 1) / kWord;
  for (std::size_t w = first; w <= last && w * kWord < region->bytes; ++w) {
    Cell& cell = region->cells[w];
    const auto check = [&](const Access& before, bool was_write) {
      if (is_ordered(before, now.thread, region->memory)) return;
      const char* const name = region->memory == Memory::shared ? "shared" : "device";
      self->fail(std::make_exception_ptr(
          Fault(std::string("race: ") + text(before, was_write) + ", " + text(now, is_write) +
                ", word " + std::to_string(w) + " of " + std::to_string(region->bytes) +
                " bytes of " + name + " memory, no barrier between them")));
    };
    check(cell.write, true);
    if (is_write) {
      check(cell.read, false);
      check(cell.other_read, false);
      cell.write = now;
    } else {
      note_read(cell, now);
    }
  }
}

}  // namespace emulation::race
