#include "tests/emulation/warps.hpp"

#include <bit>
#include <vector>

#include "tests/emulation/kernel.hpp"
#include "tests/emulation/race.hpp"

namespace emulation {
namespace {

constexpr const char* kNames[] = {"__syncwarp",       "__shfl_sync",     "__shfl_up_sync",
                                  "__shfl_down_sync", "__shfl_xor_sync", "__ballot_sync",
                                  "__any_sync",       "__all_sync"};

bool waits_in_warp(const Fibre& thread) {
  return !thread.is_done() && thread.stop().kind == Stop::Kind::warp;
}

bool names(unsigned mask, std::size_t lane) { return (mask >> lane & 1) != 0; }

[[noreturn]] void fault(const Fibre& one, const Fibre& other) {
  throw Fault("divergent warp: thread " + text(one.index()) + " " + one.whereabouts() +
              ", thread " + text(other.index()) + ", which its mask names, " + other.whereabouts());
}

/// The lane whose value a shuffle gives to `lane`.
int source_lane(int lane, const WarpCall& call) {
  const int first = lane & ~(call.width - 1);
  const int last = first + call.width - 1;
  switch (call.kind) {
    case WarpKind::shuffle:
      return first + (call.argument & (call.width - 1));
    case WarpKind::shuffle_up:
      return lane - call.argument < first ? lane : lane - call.argument;
    case WarpKind::shuffle_down:
      return lane + call.argument > last ? lane : lane + call.argument;
    default:  // a lane of an earlier group can be read, one of a later group cannot
      return (lane ^ call.argument) > last ? lane : lane ^ call.argument;
  }
}

std::uint64_t shuffled(std::span<Fibre* const> warp, std::size_t lane) {
  const Fibre& thread = *warp[lane];
  const WarpCall& call = thread.stop().call;
  if (call.width < 1 || call.width > 32 || !std::has_single_bit(unsigned(call.width))) {
    throw Fault("thread " + text(thread.index()) + " " + thread.whereabouts() + " with width " +
                std::to_string(call.width));
  }
  const int source = source_lane(static_cast<int>(lane), call);
  if (source < 0 || source >= static_cast<int>(warp.size()) ||
      !names(call.mask, static_cast<std::size_t>(source))) {
    throw Fault("thread " + text(thread.index()) + " " + thread.whereabouts() + " and reads lane " +
                std::to_string(source) + ", which its mask does not name");
  }
  return warp[static_cast<std::size_t>(source)]->stop().call.value;
}

/// What the operation gives to `lane`, all of its mask being there.
std::uint64_t result(std::span<Fibre* const> warp, std::size_t lane) {
  const WarpCall& call = warp[lane]->stop().call;
  unsigned votes = 0;
  unsigned voters = 0;
  for (std::size_t l = 0; l < warp.size(); ++l) {
    if (!names(call.mask, l)) continue;
    voters |= 1u << l;
    if (warp[l]->stop().call.value != 0) votes |= 1u << l;
  }
  switch (call.kind) {
    case WarpKind::sync:
      return 0;
    case WarpKind::ballot:
      return votes;
    case WarpKind::any:
      return votes != 0 ? 1 : 0;
    case WarpKind::all:
      return votes == voters ? 1 : 0;
    default:
      return shuffled(warp, lane);
  }
}

/// Whether all lanes that `lane` waits for wait with the same mask.
bool is_complete(std::span<Fibre* const> warp, std::size_t lane) {
  const Fibre& thread = *warp[lane];
  const WarpCall& call = thread.stop().call;
  if (!names(call.mask, lane)) {
    throw Fault("thread " + text(thread.index()) + " " + thread.whereabouts() +
                " with a mask that does not name itself");
  }
  bool is_complete = true;
  for (std::size_t l = 0; l < warp.size(); ++l) {
    if (!names(call.mask, l)) continue;
    const Fibre& other = *warp[l];
    if (other.is_done()) fault(thread, other);
    if (!waits_in_warp(other) || other.stop().call.mask != call.mask) {
      is_complete = false;
    } else if (other.stop().call.kind != call.kind || !(other.stop().site == thread.stop().site)) {
      fault(thread, other);
    }
  }
  return is_complete;
}

void complete(std::span<Fibre* const> warp, unsigned mask) {
  std::vector<std::uint64_t> results(warp.size());
  for (std::size_t l = 0; l < warp.size(); ++l) {
    if (names(mask, l)) results[l] = result(warp, l);
  }
  race::meet_in_warp(warp[0]->number(), mask);
  for (std::size_t l = 0; l < warp.size(); ++l) {
    if (names(mask, l)) warp[l]->proceed(results[l]);
  }
}

}  // namespace

std::string Fibre::whereabouts() const {
  switch (is_done_ ? Stop::Kind::none : stop_.kind) {
    case Stop::Kind::block:
      return "waits at " + stop_.site.text();
    case Stop::Kind::warp:
      return "waits in " + std::string(kNames[static_cast<int>(stop_.call.kind)]) + " at " +
             stop_.site.text();
    case Stop::Kind::previous:
      return "waits for the kernel before at " + stop_.site.text();
    default:
      return "has left the kernel";
  }
}

std::uint64_t meet(const WarpCall& call, const char* file, int line) {
  Fibre& self = *Fibre::running();
  self.wait({Stop::Kind::warp, {file, line}, call});
  return self.result();
}

bool complete_meetings(std::span<Fibre* const> warp) {
  const Fibre* stuck = nullptr;
  bool is_any_complete = false;
  for (std::size_t lane = 0; lane < warp.size(); ++lane) {
    if (!waits_in_warp(*warp[lane])) continue;
    if (is_complete(warp, lane)) {
      complete(warp, warp[lane]->stop().call.mask);
      is_any_complete = true;
    } else if (stuck == nullptr) {
      stuck = warp[lane];
    }
  }
  if (is_any_complete || stuck == nullptr) return is_any_complete;
  for (std::size_t lane = 0;; ++lane) {  // somebody of the mask is elsewhere
    const Fibre& other = *warp[lane];
    const bool is_there = waits_in_warp(other) && other.stop().call.mask == stuck->stop().call.mask;
    if (names(stuck->stop().call.mask, lane) && !is_there) fault(*stuck, other);
  }
}

}  // namespace emulation
