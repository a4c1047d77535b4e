// block_ring.hpp - blocks through a ring of slots, on three threads
//
//   reader   fills a free slot, ahead of the others
//   caller   queues what happens to a filled slot; makes slots
//   writer   waits for that, writes, and frees the slot
//
// Of four steps of which each takes its time (reading, copying, computing, writing), four slots let
// the slowest decide: a slot is never missing where it has something to do. Blocks keep their
// order, and block b is in slot b modulo the number of slots.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>

namespace gpuconv {

/// What happens to a block in `slot`. Each function may throw; none is called by two threads at a
/// time, and what a slot holds is handed from thread to thread.
struct BlockStages {
  /// Reader. Fills a slot; false if the source has ended in it.
  std::function<bool(std::size_t slot)> read;
  /// Reader. Whether another block follows one that is full.
  std::function<bool()> has_more;
  /// Caller. Makes one more slot; false without memory for it: then those there are have to do.
  std::function<bool()> add_slot;
  /// Caller. Starts the work on a filled slot; does not wait for it.
  std::function<void(std::size_t slot)> queue;
  /// Writer. Waits for that work and writes.
  std::function<void(std::size_t slot)> write;
  /// Writer, before all else, if it is a thread of its own.
  std::function<void()> begin_writing;
};

/// One passage of a source. Where one block is all of it, everything is called on the calling
/// thread, and no other one is started: two threads take longer to start than such a job.
class BlockRing {
 public:
  /// `slots` are there already; a further one is made when a block needs it, up to `most_slots`.
  BlockRing(BlockStages stages, std::size_t slots, std::size_t most_slots);

  /// Runs all stages to the end of the source. The first exception of any of them ends all, and is
  /// thrown here when the threads are gone. A stage that waits for a pipe is interrupted, another
  /// one that waits is waited for; on its thread stop_if_interrupted() then throws.
  void run();

 private:
  void run_threads();
  void read_blocks();
  void queue_blocks();
  void write_blocks();
  void add_slot();
  void guard(const std::function<void()>& work);
  void note(std::int64_t& count);
  std::size_t slot_of(std::int64_t block) const;
  bool has_slot_for(std::int64_t block) const;
  bool lacks_slot() const;

  const BlockStages stages_;

  // Below: only with the lock; `stop_` is read without it, too.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t slots_;
  std::size_t most_slots_;
  std::int64_t read_ = 0, queued_ = 0, written_ = 0;  // blocks that have passed a stage
  std::int64_t wanted_ = 0;                           // block that the reader wants a slot for
  bool is_all_read_ = false;
  std::atomic<bool> stop_ = false;
  std::exception_ptr failure_;  // the first
};

}  // namespace gpuconv
