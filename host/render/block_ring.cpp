#include "host/render/block_ring.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/base/wait_until.hpp"
#include "host/base/worker.hpp"

namespace gpuconv {
namespace {

/// How often the caller looks whether a signal has come. The system delivers signals to the thread
/// of main(), and they end no wait for a condition.
constexpr std::chrono::milliseconds kGlance{20};

}  // namespace

BlockRing::BlockRing(BlockStages stages, std::size_t slots, std::size_t most_slots)
    : stages_(std::move(stages)), slots_(slots), most_slots_(most_slots) {}

void BlockRing::run() {
  if (slots_ == 0) add_slot();
  const bool is_full = stages_.read(0);
  stages_.queue(0);
  if (!is_full || !stages_.has_more()) return stages_.write(0);
  read_ = queued_ = 1;
  run_threads();
}

void BlockRing::run_threads() {
  std::optional<Worker> reader, writer;
  guard([&] {
    try {
      writer.emplace(stop_, [&] { guard([&] { write_blocks(); }); });
      reader.emplace(stop_, [&] { guard([&] { read_blocks(); }); });
    } catch (const std::system_error& error) {
      throw GpuError(std::string("no thread for reading and writing beside the GPU: ") +
                     error.what());
    }
    queue_blocks();
  });
  reader.reset();
  writer.reset();
  if (failure_) std::rethrow_exception(failure_);
}

/// Runs what a thread does. What it throws ends the others.
void BlockRing::guard(const std::function<void()>& work) {
  try {
    work();
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
    stop_ = true;
    changed_.notify_all();
  }
}

void BlockRing::note(std::int64_t& count) {
  const std::lock_guard lock(mutex_);
  ++count;
  changed_.notify_all();
}

std::size_t BlockRing::slot_of(std::int64_t block) const {
  return static_cast<std::size_t>(block) % slots_;
}

bool BlockRing::has_slot_for(std::int64_t block) const {
  const auto slots = static_cast<std::int64_t>(slots_);
  return block < slots || (slots_ == most_slots_ && block < written_ + slots);
}

bool BlockRing::lacks_slot() const {
  return wanted_ >= static_cast<std::int64_t>(slots_) && slots_ < most_slots_;
}

void BlockRing::read_blocks() {
  for (std::int64_t block = 1;; ++block) {
    std::size_t slot = 0;
    {
      std::unique_lock lock(mutex_);
      wanted_ = block;
      changed_.notify_all();
      wait_until(changed_, lock, [&] { return stop_ || has_slot_for(block); });
      if (stop_) return;
      slot = slot_of(block);
    }
    const bool is_full = stages_.read(slot);
    note(read_);  // before it is known whether there is more, for which a pipe may have to wait
    if (!is_full || !stages_.has_more()) break;
  }
  const std::lock_guard lock(mutex_);
  is_all_read_ = true;
  changed_.notify_all();
}

void BlockRing::queue_blocks() {
  for (;;) {
    std::optional<std::size_t> slot;
    {
      std::unique_lock lock(mutex_);
      const auto has_work = [&] {
        return stop_ || queued_ < read_ || lacks_slot() || (is_all_read_ && written_ == read_);
      };
      while (!changed_.wait_for(lock, kGlance, has_work)) stop_if_interrupted();
      if (stop_) return;
      if (queued_ < read_) {
        slot = slot_of(queued_);
      } else if (!lacks_slot()) {
        return;
      }
    }
    if (slot) {
      stages_.queue(*slot);
      note(queued_);
    } else {
      add_slot();
    }
  }
}

void BlockRing::write_blocks() {
  stages_.begin_writing();
  for (std::int64_t block = 0;; ++block) {
    std::size_t slot = 0;
    {
      std::unique_lock lock(mutex_);
      wait_until(changed_, lock,
                 [&] { return stop_ || block < queued_ || (is_all_read_ && block == read_); });
      if (stop_ || block == queued_) return;
      slot = slot_of(block);
    }
    stages_.write(slot);
    note(written_);
  }
}

void BlockRing::add_slot() {
  const bool is_added = stages_.add_slot();
  const std::lock_guard lock(mutex_);
  if (is_added) {
    ++slots_;
  } else {
    most_slots_ = slots_;
  }
  changed_.notify_all();
}

}  // namespace gpuconv
