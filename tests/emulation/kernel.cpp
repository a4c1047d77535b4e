#include "tests/emulation/kernel.hpp"

#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "tests/emulation/emulation.hpp"
#include "tests/emulation/fibre.hpp"
#include "tests/emulation/order.hpp"
#include "tests/emulation/race.hpp"
#include "tests/emulation/shared.hpp"
#include "tests/emulation/warps.hpp"

namespace emulation {
namespace {

SharedMemory shared_memory;
std::int64_t passed_barriers = 0;
std::int64_t started_threads = 0;

class BlockRunner {
 public:
  void run(dim3 block, std::size_t shared_bytes, const std::function<void()>& body) {
    begin(block, body);
    shared_memory.begin_block(shared_bytes);
    do {
      if (order().is_by_warp()) {
        run_warp_by_warp();
      } else {
        run_side_by_side();
      }
    } while (pass_barrier());
    shared_memory.end_block();
  }

 private:
  void begin(dim3 block, const std::function<void()>& body) {
    const unsigned threads = block.x * block.y * block.z;
    while (fibres_.size() < threads) fibres_.push_back(std::make_unique<Fibre>());
    threads_.clear();
    started_threads += threads;
    for (unsigned t = 0; t < threads; ++t) {
      fibres_[t]->start(t, unflatten(t, block), body);
      threads_.push_back(fibres_[t].get());
    }
  }

  std::span<Fibre* const> warp(unsigned number) const {
    const std::size_t first = std::size_t{number} * kWarp;
    return std::span(threads_).subspan(first,
                                       std::min<std::size_t>(kWarp, threads_.size() - first));
  }
  unsigned warps() const { return static_cast<unsigned>((threads_.size() + kWarp - 1) / kWarp); }

  static void run(Fibre& thread) {
    if (!thread.can_run()) return;
    thread.resume();
    if (thread.failure()) std::rethrow_exception(thread.failure());
  }

  /// Every thread to its next stop, in turn, until all wait at a barrier or are done.
  void run_side_by_side() {
    turns_.resize(threads_.size());
    bool has_met = true;
    while (has_met) {
      order().arrange(turns_);
      for (const unsigned t : turns_) run(*threads_[t]);
      has_met = false;
      for (unsigned w = 0; w < warps(); ++w) has_met |= complete_meetings(warp(w));
    }
  }

  /// A warp as far as it can go before the next.
  void run_warp_by_warp() {
    turns_.resize(warps());
    order().arrange(turns_);
    for (const unsigned w : turns_) {
      do {
        for (Fibre* const thread : warp(w)) run(*thread);
      } while (complete_meetings(warp(w)));
    }
  }

  /// True: all waited at the same barrier. False: all are done. Anything else is a fault.
  bool pass_barrier() {
    const Fibre& first = *threads_[0];
    for (const Fibre* const other : threads_) {
      if (first.is_done() == other->is_done() && first.stop().site == other->stop().site) continue;
      const bool is_first_gone = first.is_done();
      const Fibre& waiting = is_first_gone ? *other : first;
      const Fibre& elsewhere = is_first_gone ? first : *other;
      throw Fault("divergent barrier: thread " + text(waiting.index()) + " " +
                  waiting.whereabouts() + ", thread " + text(elsewhere.index()) + " " +
                  elsewhere.whereabouts());
    }
    if (first.is_done()) return false;
    for (Fibre* const thread : threads_) thread->proceed();
    race::pass_barrier();
    ++passed_barriers;
    return true;
  }

  std::vector<std::unique_ptr<Fibre>> fibres_;  // kept from block to block
  std::vector<Fibre*> threads_;                 // of this block
  std::vector<unsigned> turns_;
};

}  // namespace

void barrier(const char* file, int line) {
  Fibre::running()->wait({Stop::Kind::block, {file, line}, {}});
}

std::int64_t barriers() { return passed_barriers; }

std::int64_t threads() { return started_threads; }

void forget_kernels() { passed_barriers = started_threads = 0; }

void* take_shared(int index, std::size_t bytes) { return shared_memory.take(index, bytes); }

void run_kernel(dim3 grid, dim3 block, std::size_t shared_bytes,
                const std::function<void()>& thread_body) {
  static BlockRunner runner;
  gridDim = grid;
  blockDim = block;
  race::begin_launch();
  std::vector<unsigned> blocks(std::size_t{grid.x} * grid.y * grid.z);
  order().arrange(blocks);
  for (const unsigned number : blocks) {
    blockIdx = unflatten(number, grid);
    race::begin_block(number);
    try {
      runner.run(block, shared_bytes, thread_body);
    } catch (const Fault& fault) {
      throw Fault("kernel fault in block " + text(blockIdx) + ": " + fault.what());
    }
  }
}

}  // namespace emulation
