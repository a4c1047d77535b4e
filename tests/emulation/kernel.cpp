#include "tests/emulation/kernel.hpp"

#include <algorithm>
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

std::int64_t passed_barriers = 0;
std::int64_t started_threads = 0;

class BlockRunner {
 public:
  void begin(const Launch& launch, unsigned number, bool is_early) {
    launch_ = &launch;
    number_ = number;
    is_early_ = is_early;
    start_threads(launch.block, launch.thread_body);
    shared_memory_.begin_block(launch.shared_bytes);
  }

  unsigned number() const { return number_; }

  /// To the end, or, early, until the threads wait for the kernel before.
  void run() {
    gridDim = launch_->grid;
    blockDim = launch_->block;
    blockIdx = unflatten(number_, launch_->grid);
    try {
      running_ = this;
      do {
        if (order().is_by_warp()) {
          run_warp_by_warp();
        } else {
          run_side_by_side();
        }
      } while (pass_barrier());
      if (!threads_[0]->is_done()) return;  // early
      shared_memory_.end_block();
      for (const Fibre* const thread : threads_) {
        if (!launch_->starts_early || thread->has_waited()) continue;
        throw Fault("thread " + text(thread->index()) +
                    " of a kernel that starts early never waits for the kernel before");
      }
    } catch (const Fault& fault) {
      throw Fault("kernel fault in block " + text(blockIdx) + ": " + fault.what());
    }
  }

  /// The kernel before has ended.
  void proceed() {
    is_early_ = false;
    for (Fibre* const thread : threads_) thread->proceed();
  }

  /// The one whose thread runs.
  static BlockRunner& running() { return *running_; }
  bool is_early() const { return is_early_; }
  SharedMemory& shared_memory() { return shared_memory_; }

 private:
  void start_threads(dim3 block, const std::function<void()>& body) {
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

  /// True: all waited at the same barrier. False: all are done, or wait for the kernel before.
  /// Anything else is a fault.
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
    if (first.is_done() || first.stop().kind == Stop::Kind::previous) return false;
    for (Fibre* const thread : threads_) thread->proceed();
    race::pass_barrier();
    ++passed_barriers;
    return true;
  }

  static inline BlockRunner* running_ = nullptr;

  const Launch* launch_ = nullptr;
  unsigned number_ = 0;
  bool is_early_ = false;
  SharedMemory shared_memory_;
  std::vector<std::unique_ptr<Fibre>> fibres_;  // kept from block to block
  std::vector<Fibre*> threads_;                 // of this block
  std::vector<unsigned> turns_;
};

}  // namespace

class EarlyBlock : public BlockRunner {};

void barrier(const char* file, int line) {
  Fibre::running()->wait({Stop::Kind::block, {file, line}, {}});
}

void wait_for_previous(const char* file, int line) {
  Fibre& thread = *Fibre::running();
  thread.set_waited();
  if (BlockRunner::running().is_early()) thread.wait({Stop::Kind::previous, {file, line}, {}});
}

std::int64_t barriers() { return passed_barriers; }

std::int64_t threads() { return started_threads; }

void forget_kernels() { passed_barriers = started_threads = 0; }

void* take_shared(int index, std::size_t bytes) {
  return BlockRunner::running().shared_memory().take(index, bytes);
}

std::shared_ptr<EarlyBlock> begin_early([[maybe_unused]] const Launch& launch) {
#ifdef GPUCONV_RACE_SHADOW
  return nullptr;
#else
  std::vector<unsigned> blocks(std::size_t{launch.grid.x} * launch.grid.y * launch.grid.z);
  order().arrange(blocks);
  // Kept from launch to launch: a fibre takes long to make.
  static std::vector<std::shared_ptr<EarlyBlock>> made;
  auto idle = std::ranges::find_if(made, [](const auto& one) { return one.use_count() == 1; });
  if (idle == made.end()) idle = made.insert(idle, std::make_shared<EarlyBlock>());
  const std::shared_ptr<EarlyBlock> early = *idle;
  early->begin(launch, blocks[0], true);
  early->run();
  return early;
#endif
}

void run_kernel(const Launch& launch, const std::shared_ptr<EarlyBlock>& begun) {
  static BlockRunner runner;
  race::begin_launch();
  std::vector<unsigned> blocks(std::size_t{launch.grid.x} * launch.grid.y * launch.grid.z);
  order().arrange(blocks);
  if (begun != nullptr) {
    begun->proceed();
    begun->run();
  }
  for (const unsigned number : blocks) {
    if (begun != nullptr && number == begun->number()) continue;
    race::begin_block(number);
    runner.begin(launch, number, false);
    runner.run();
  }
}

}  // namespace emulation
