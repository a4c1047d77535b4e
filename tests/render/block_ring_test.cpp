// block_ring_test.cpp - three threads around a ring of slots: order, overlap, errors
#include "host/render/block_ring.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <future>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "host/base/interrupt.hpp"
#include "tests/support/child.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/pipe.hpp"
#include "tests/support/problem.hpp"

namespace gpuconv::test {
namespace {

using std::chrono::milliseconds;

/// A source of `blocks` full blocks, numbered in the slots. What a test gives replaces nothing: it
/// is called after the stage has done its own.
struct FakeStages {
  struct Slot {
    int block = -1;
    bool is_queued = false;
  };

  int blocks = 10;
  bool ends_in_a_short_block = false;  // then the last one is known without asking for more
  std::size_t room = 4;                // slots that there is memory for
  std::function<void(int block)> while_reading = [](int) {};
  std::function<void(int block)> while_asking = [](int) {};
  std::function<void(int block)> while_queueing = [](int) {};
  std::function<void(int block)> while_writing = [](int) {};

  // What happened.
  std::array<Slot, 8> slots;
  int slots_made = 0;
  int read = 0, queued = 0;
  std::vector<int> written;
  std::set<std::thread::id> readers, callers, writers;
  int begun = 0;

  BlockStages stages() {
    return {.read =
                [this](std::size_t slot) {
                  readers.insert(std::this_thread::get_id());
                  EXPECT_LT(slot, static_cast<std::size_t>(slots_made));
                  EXPECT_FALSE(slots[slot].is_queued) << "block " << read << " is read too early";
                  slots[slot].block = read;
                  while_reading(read);
                  ++read;
                  return !(ends_in_a_short_block && read == blocks);
                },
            .has_more =
                [this] {
                  readers.insert(std::this_thread::get_id());
                  while_asking(read - 1);
                  return read < blocks;
                },
            .add_slot =
                [this] {
                  callers.insert(std::this_thread::get_id());
                  if (static_cast<std::size_t>(slots_made) == room) return false;
                  ++slots_made;
                  return true;
                },
            .queue =
                [this](std::size_t slot) {
                  callers.insert(std::this_thread::get_id());
                  EXPECT_EQ(slots[slot].block, queued);
                  while_queueing(queued++);
                  slots[slot].is_queued = true;
                },
            .write =
                [this](std::size_t slot) {
                  writers.insert(std::this_thread::get_id());
                  EXPECT_TRUE(slots[slot].is_queued);
                  while_writing(slots[slot].block);
                  written.push_back(slots[slot].block);
                  slots[slot].is_queued = false;
                },
            .begin_writing = [this] { ++begun; }};
  }

  void run(std::size_t most_slots = 4) { BlockRing(stages(), 0, most_slots).run(); }

  std::vector<int> all() const {
    std::vector<int> numbers;
    for (int block = 0; block < blocks; ++block) numbers.push_back(block);
    return numbers;
  }
};

TEST(BlockRing, KeepsTheOrderOfBlocksWhateverIsSlow) {
  Random random(test_seed());
  for (const bool is_short : {false, true}) {
    for (std::size_t most = 1; most <= 4; ++most) {
      for (int blocks = 1; blocks <= 12; ++blocks) {
        std::array<std::array<int, 12>, 4> pauses{};  // microseconds
        for (auto& of_stage : pauses) {
          for (int& pause : of_stage) {
            pause = std::max(0, static_cast<int>(400 * random.uniform()));  // half of them none
          }
        }
        const auto pause = [&](std::size_t stage) {
          return [&pauses, stage](int block) {
            const int time = pauses[stage][static_cast<std::size_t>(block)];
            if (time > 0) std::this_thread::sleep_for(std::chrono::microseconds(time));
          };
        };
        FakeStages fake;
        fake.blocks = blocks;
        fake.ends_in_a_short_block = is_short;
        fake.while_reading = pause(0);
        fake.while_asking = pause(1);
        fake.while_queueing = pause(2);
        fake.while_writing = pause(3);
        fake.run(most);
        EXPECT_EQ(fake.written, fake.all());
        EXPECT_EQ(fake.slots_made, std::min(blocks, static_cast<int>(most)));
      }
    }
  }
}

TEST(BlockRing, StartsNoThreadForOneBlock) {
  for (const bool is_short : {false, true}) {
    FakeStages fake;
    fake.blocks = 1;
    fake.ends_in_a_short_block = is_short;
    fake.run();
    EXPECT_EQ(fake.written, fake.all());
    const std::set here{std::this_thread::get_id()};
    EXPECT_EQ(fake.readers, here);
    EXPECT_EQ(fake.callers, here);
    EXPECT_EQ(fake.writers, here);
    EXPECT_EQ(fake.begun, 0);
    EXPECT_EQ(fake.slots_made, 1);
  }
}

TEST(BlockRing, ReadsQueuesAndWritesOnThreeThreads) {
  FakeStages fake;
  fake.run();
  EXPECT_EQ(fake.callers, std::set{std::this_thread::get_id()});
  EXPECT_EQ(fake.readers.size(), 2u) << "the first block is read by the caller";
  EXPECT_EQ(fake.writers.size(), 1u);
  EXPECT_EQ(fake.begun, 1);
  std::set<std::thread::id> all = fake.readers;
  all.merge(fake.writers);
  EXPECT_EQ(all.size(), 3u);
}

/// Reached by one thread, waited for by another one.
class Point {
 public:
  void reach() { reached_.set_value(); }
  /// False if it was not reached in time.
  bool wait(milliseconds longest = milliseconds(10'000)) {
    return future_.wait_for(longest) == std::future_status::ready;
  }

 private:
  std::promise<void> reached_;
  std::future<void> future_ = reached_.get_future();
};

TEST(BlockRing, ReadsAheadWhileABlockIsWrittenAsFarAsThereAreSlots) {
  for (const std::size_t most : {2u, 4u}) {
    FakeStages fake;
    Point last_slot_is_filled, next_is_begun;
    std::atomic<bool> is_written = false;
    const int ahead = static_cast<int>(most);
    fake.while_reading = [&](int block) {
      if (block == ahead - 1) last_slot_is_filled.reach();
      if (block == ahead) {
        EXPECT_TRUE(is_written) << "the slot of a block that is still being written";
        next_is_begun.reach();
      }
    };
    fake.while_writing = [&](int block) {
      if (block > 0) return;
      EXPECT_TRUE(last_slot_is_filled.wait()) << "nothing is read meanwhile";
      EXPECT_FALSE(next_is_begun.wait(milliseconds(50)));
      is_written = true;
    };
    fake.run(most);
    EXPECT_EQ(fake.written, fake.all());
  }
}

TEST(BlockRing, WritesABlockWhileTheNextOneIsAwaited) {
  // In a pipe, the sample after a block may be long in coming.
  FakeStages fake;
  fake.blocks = 3;
  Point second_is_written;
  fake.while_asking = [&](int block) {
    if (block != 1) return;
    EXPECT_TRUE(second_is_written.wait()) << "the block waits for its successor";
  };
  fake.while_writing = [&](int block) {
    if (block == 1) second_is_written.reach();
  };
  fake.run();
  EXPECT_EQ(fake.written, fake.all());
}

TEST(BlockRing, QueuesABlockWhileTheOneBeforeIsWritten) {
  FakeStages fake;
  Point second_is_queued;
  fake.while_queueing = [&](int block) {
    if (block == 1) second_is_queued.reach();
  };
  fake.while_writing = [&](int block) {
    if (block > 0) return;
    EXPECT_TRUE(second_is_queued.wait());
  };
  fake.run();
  EXPECT_EQ(fake.written, fake.all());
}

TEST(BlockRing, MakesDoWithTheSlotsThereIsMemoryFor) {
  for (std::size_t room = 1; room <= 4; ++room) {
    FakeStages fake;
    fake.room = room;
    fake.run();
    EXPECT_EQ(fake.written, fake.all());
    EXPECT_EQ(fake.slots_made, static_cast<int>(room));
  }
}

TEST(BlockRing, TakesNoSlotForABlockThatDoesNotCome) {
  FakeStages fake;
  fake.blocks = 2;
  fake.while_asking = [](int) { std::this_thread::sleep_for(milliseconds(20)); };
  fake.run();
  EXPECT_EQ(fake.slots_made, 2);
}

TEST(BlockRing, ThrowsWhatAnyStageThrowsAtAnyBlock) {
  enum Stage { reading, asking, queueing, writing };
  for (const Stage stage : {reading, asking, queueing, writing}) {
    for (const int failing : {0, 1, 2, 7, 9}) {
      FakeStages fake;
      const auto fail = [&](int block) {
        if (block == failing) throw std::runtime_error("block " + std::to_string(block));
      };
      auto& faulty = stage == reading    ? fake.while_reading
                     : stage == asking   ? fake.while_asking
                     : stage == queueing ? fake.while_queueing
                                         : fake.while_writing;
      faulty = fail;
      std::string words;
      try {
        fake.run();
      } catch (const std::runtime_error& error) {
        words = error.what();
      }
      EXPECT_EQ(words, "block " + std::to_string(failing)) << stage;
      EXPECT_LE(fake.written.size(), static_cast<std::size_t>(failing + 1));
      for (std::size_t i = 0; i < fake.written.size(); ++i) {
        EXPECT_EQ(fake.written[i], static_cast<int>(i));
      }
    }
  }
}

TEST(BlockRing, ThrowsTheFirstOfSeveralErrors) {
  FakeStages fake;
  Point reader_is_there;
  fake.while_reading = [&](int block) {
    if (block < 3) return;
    reader_is_there.reach();
    while (!must_stop()) std::this_thread::yield();
    throw std::runtime_error("second");
  };
  fake.while_writing = [&](int) {
    EXPECT_TRUE(reader_is_there.wait());
    throw std::runtime_error("first");
  };
  try {
    fake.run();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "first");
  }
}

TEST(BlockRing, ThrowsWhereThereIsNoMemoryForASlot) {
  FakeStages fake;
  BlockStages stages = fake.stages();
  stages.add_slot = [&fake]() -> bool {
    if (fake.slots_made++ == 2) throw std::runtime_error("slot");
    return true;
  };
  EXPECT_THROW(BlockRing(stages, 0, 4).run(), std::runtime_error);
}

/// As the program waits for a pipe.
ssize_t interruptible(const std::function<ssize_t()>& call) {
  for (;;) {
    const ssize_t got = call();
    if (got >= 0) return got;
    stop_if_interrupted();
    if (errno != EINTR) throw std::runtime_error("the pipe is broken");
  }
}

TEST(BlockRing, LeavesAPipeThatSaysNothingWhenTheGpuFails) {
  const Pipe pipe;
  FakeStages fake;
  Point reader_waits;
  fake.while_reading = [&](int block) {
    if (block < 2) return;
    reader_waits.reach();
    char byte = 0;
    interruptible([&] { return ::read(pipe.reading.get(), &byte, 1); });
  };
  fake.while_queueing = [&](int block) {
    if (block == 0) return;
    EXPECT_TRUE(reader_waits.wait());
    throw std::runtime_error("GPU");
  };
  fake.slots_made = 4;  // by an earlier render; the caller has no time to make one
  const auto start = std::chrono::steady_clock::now();
  try {
    BlockRing(fake.stages(), 4, 4).run();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "GPU");
  }
  EXPECT_LT(seconds_since(start), 5.0);
}

TEST(BlockRing, LeavesAPipeThatNobodyReadsWhenTheSourceFails) {
  const Pipe pipe;
  FakeStages fake;
  Point writer_waits;
  fake.while_reading = [&](int block) {
    if (block < 2) return;
    EXPECT_TRUE(writer_waits.wait());
    throw std::runtime_error("source");
  };
  fake.while_writing = [&](int) {
    writer_waits.reach();
    const std::vector<char> more(1 << 20);
    for (;;) {
      interruptible([&] { return ::write(pipe.writing.get(), more.data(), more.size()); });
    }
  };
  try {
    fake.run();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "source");
  }
}

TEST(BlockRing, StopsWhenItsCallerHasTo) {
  const Pipe pipe;
  std::atomic<bool> stop = false;
  FakeStages fake;
  fake.while_reading = [&](int block) {
    if (block < 2) return;
    stop = true;
    char byte = 0;
    interruptible([&] { return ::read(pipe.reading.get(), &byte, 1); });
  };
  obey(&stop);
  EXPECT_THROW(fake.run(), Interrupted);
  obey(nullptr);
}

TEST(BlockRing, RunsInsideAThreadThatMustNotStop) {
  // Its threads obey the ring, not what stopped an earlier one.
  for (int i = 0; i < 20; ++i) {
    FakeStages fake;
    if (i % 2 == 0) {
      fake.while_writing = [](int block) {
        if (block == 3) throw std::runtime_error("once");
      };
      EXPECT_THROW(fake.run(), std::runtime_error);
    } else {
      fake.run();
      EXPECT_EQ(fake.written, fake.all());
    }
  }
}

}  // namespace
}  // namespace gpuconv::test
