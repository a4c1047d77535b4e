// clip_renderer_test.cpp - a clip's bytes do not depend on the group in which it is convolved
#include "host/render/clip_renderer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "cuda/runtime/resources.hpp"
#include "host/base/error.hpp"
#include "host/base/levels.hpp"
#include "host/render/clip_gatherer.hpp"
#include "host/render/convolver_cache.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

bool is_same_wet(const Stereo<Signal>& a, const Stereo<Signal>& b) {
  const auto is_same = [](const Signal& one, const Signal& other) {
    return std::ranges::equal(std::as_bytes(std::span(one)), std::as_bytes(std::span(other)));
  };
  return is_same(a.left, b.left) && is_same(a.right, b.right);
}

Stereo<Signal> copied(Stereo<std::span<const float>> wet) {
  return {Signal(wet.left.begin(), wet.left.end()), Signal(wet.right.begin(), wet.right.end())};
}

class ClipRendererTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const Devices devices = query_devices();
    if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
  }

  /// Of one bucket, in one group, in this order.
  void expect_same_as_alone(const std::vector<Signal>& clips, const Stereo<Signal>& response) {
    const auto K = std::ssize(response.left);
    const ClipLengths lengths = clip_lengths(method_, std::ssize(clips.front()), K).value();
    ClipLayout layout(lengths);
    const auto memory = make_clip_memory(0, clips.size());
    for (const Signal& clip : clips) {
      ASSERT_EQ(clip_lengths(method_, std::ssize(clip), K), lengths);
      const auto place = layout.add(std::ssize(clip));
      ASSERT_TRUE(place);
      memory->put(*place, clip);
    }
    // Planned for any of them.
    for (const Signal* const one : {&clips.front(), &clips.back()}) {
      const auto renderer = make_clip_renderer(method_, response, std::ssize(*one), 0);
      renderer->run(*memory, layout);
      for (std::size_t i = 0; i < clips.size(); ++i) {
        const auto wet = memory->frames(layout.places()[i]);
        EXPECT_TRUE(is_same_wet(copied(wet), run(method_, clips[i], response)))
            << "clip " << i << " of " << clips.size() << ": " << clips[i].size() << " samples, "
            << K << " taps";
        Stereo<Level> levels;
        measure(wet, levels);
        for (const Side side : kSides) {
          EXPECT_EQ(memory->levels(i)[side].peak, levels[side].peak);
          EXPECT_EQ(memory->levels(i)[side].over, levels[side].over);
        }
      }
    }
  }

  const Method& method_ = find_method(GetParam());
};

TEST_P(ClipRendererTest, GivesEachClipItsBytesInGroupsOfAnySizeAndOrder) {
  struct Case {
    std::size_t taps;
    std::vector<std::size_t> samples;  // of one bucket
  };
  // One segment without overlap, down to one sample and one tap; several with it.
  for (const auto& [taps, samples] : std::vector<Case>{{1, {4}},
                                                       {1, {3, 1, 2}},
                                                       {300, {301, 500, 420}},
                                                       {301, {4'000, 4'001}},
                                                       {3'000, {30'000, 32'001, 31'001}},
                                                       {3'001, {30'000, 29'999, 31'111}}}) {
    const Stereo<Signal> response{noise(taps, 1), noise(taps, 2)};
    std::vector<Signal> clips;
    const auto lengths = clip_lengths(method_, static_cast<std::int64_t>(samples.front()),
                                      std::ssize(response.left));
    for (std::size_t i = 0; i < 7; ++i) {
      const std::size_t N = samples[i % samples.size()];
      if (clip_lengths(method_, static_cast<std::int64_t>(N), std::ssize(response.left)) != lengths)
        continue;
      clips.push_back(noise(N, 10 + i));
    }
    ASSERT_GE(clips.size(), 2u);
    for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{3}, clips.size()}) {
      if (count > clips.size()) continue;
      expect_same_as_alone({clips.begin(), clips.begin() + static_cast<std::ptrdiff_t>(count)},
                           response);
    }
    std::ranges::reverse(clips);
    expect_same_as_alone(clips, response);
  }
}

TEST_P(ClipRendererTest, KeepsClipsAndEarsApart) {
  Stereo<Signal> response{noise(300, 1), Signal(300)};
  Signal loud = noise(500, 2);
  for (float& sample : loud) sample *= 1e30F;
  Signal huge(500, 3e38F);  // its frames overflow
  const std::vector<Signal> clips{loud, Signal(500), noise(500, 3), huge, noise(499, 4)};
  expect_same_as_alone({clips[0], clips[1], clips[2], clips[4]}, response);
  const ClipLengths lengths = clip_lengths(method_, 500, 300).value();
  ClipLayout layout(lengths);
  const auto memory = make_clip_memory(0, clips.size());
  for (const Signal& clip : clips) memory->put(*layout.add(std::ssize(clip)), clip);
  make_clip_renderer(method_, response, 500, 0)->run(*memory, layout);
  for (std::size_t i = 0; i < clips.size(); ++i) {
    const auto wet = memory->frames(layout.places()[i]);
    EXPECT_TRUE(is_same_wet(copied(wet), run(method_, clips[i], response))) << i;
    // Infinity times 0 is NaN, which stays in its clip.
    EXPECT_EQ(std::ranges::all_of(wet.right, [](float y) { return y == 0; }), i != 3);
    const bool is_finite = std::ranges::all_of(wet.left, [](float y) { return std::isfinite(y); });
    EXPECT_EQ(is_finite, i != 3);
  }
}

// ---- clips of several threads ---------------------------------------------------------------

/// Threads that take from one cache, as the jobs of a batch do.
class GatheredClips : public ClipRendererTest {
 protected:
  struct Task {
    Signal clip;
    std::int64_t promised;  // what its head says
    const Stereo<Signal>* response;
    bool fails = false;  // while it is read
    Stereo<Signal> wet = {};
    bool has_failed = false;
    std::optional<Stereo<Level>> levels = {};
  };

  void run_tasks(std::vector<Task>& tasks, int cores, std::size_t threads,
                 std::size_t most_clips = ClipGatherer::kMostClips) {
    gatherer_ = std::make_shared<ClipGatherer>(cores, most_clips);
    ConvolverCache cache;
    cache.gather(gatherer_);
    std::atomic<std::size_t> next = 0;
    std::atomic<int> at_once = 0, most_at_once = 0;
    std::vector<std::jthread> workers;
    for (std::size_t t = 0; t < threads; ++t) {
      workers.emplace_back([&] {
        const ClipGatherer::Working working(*gatherer_);
        for (std::size_t i = next++; i < tasks.size(); i = next++) {
          Task& task = tasks[i];
          try {
            auto plan = cache.take(method_, *task.response, task.promised, 0);
            MemorySource memory(task.clip);
            Frames frames;
            const RenderReport report = plan.renderer->run(
                [&](std::span<float> block) {
                  const int now = ++at_once;
                  most_at_once = std::max<int>(most_at_once, now);
                  if (task.fails) {
                    --at_once;
                    throw std::runtime_error("cannot be read");
                  }
                  const std::size_t count = memory(block);
                  --at_once;
                  return count;
                },
                std::ref(frames));
            cache.give_back(std::move(plan));
            task.wet = std::move(frames.wet);
            task.levels = report.device_levels;
          } catch (const std::runtime_error&) {
            task.has_failed = true;
          }
        }
      });
    }
    workers.clear();
    EXPECT_LE(most_at_once, cores);
  }

  void expect_right(const std::vector<Task>& tasks) const {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      const Task& task = tasks[i];
      EXPECT_EQ(task.has_failed, task.fails) << i;
      if (task.fails) continue;
      const auto renderer = make_renderer(method_, *task.response, task.promised, 0);
      EXPECT_TRUE(is_same_wet(task.wet, run(*renderer, task.clip))) << i;
      ASSERT_TRUE(task.levels) << i;
      Stereo<Level> levels;
      measure({task.wet.left, task.wet.right}, levels);
      EXPECT_EQ(task.levels->left.peak, levels.left.peak) << i;
    }
  }

  std::vector<Task> some_tasks(std::size_t count) const {
    std::vector<Task> tasks;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t N = 400 + 37 * (i % 7);
      tasks.push_back({noise(N, i), static_cast<std::int64_t>(N), i % 5 == 0 ? &hall_ : &room_});
    }
    return tasks;
  }

  const Stereo<Signal> room_{noise(300, 1), noise(300, 2)};
  const Stereo<Signal> hall_{noise(900, 3), noise(900, 4)};
  std::shared_ptr<ClipGatherer> gatherer_;
};

TEST_P(GatheredClips, GiveTheSameBytesOnAnyNumberOfThreadsAndInAnyGroups) {
  for (const auto& [cores, threads, most] :
       std::vector<std::array<int, 3>>{{1, 1, 16}, {1, 9, 3}, {3, 20, 16}, {2, 7, 2}, {4, 4, 1}}) {
    std::vector<Task> tasks = some_tasks(30);
    run_tasks(tasks, cores, static_cast<std::size_t>(threads), static_cast<std::size_t>(most));
    expect_right(tasks);
    EXPECT_EQ(gatherer_->counts().clips, 30u);
    if (threads == 1 || most == 1) {
      EXPECT_EQ(gatherer_->counts().groups, 30u);
    }
    if (threads == 20) {
      EXPECT_LE(gatherer_->counts().groups, 15u);
    }
  }
}

TEST_P(GatheredClips, FailAlone) {
  std::vector<Task> tasks = some_tasks(12);
  tasks[3].fails = tasks[4].fails = true;
  tasks[5].clip = Signal(400);      // silence
  tasks[6].clip.resize(100);        // fewer samples than promised
  tasks[7].clip = noise(2'000, 9);  // more
  tasks[8].clip.resize(1);
  run_tasks(tasks, 2, 8);
  expect_right(tasks);
  EXPECT_EQ(gatherer_->counts().clips, 9u);
}

TEST_P(GatheredClips, TakeTurnsWithLongRecordings) {
  std::vector<Task> tasks = some_tasks(12);
  for (const std::size_t i : {2u, 3u, 9u}) tasks[i].promised = kEndless;
  run_tasks(tasks, 2, 8);
  expect_right(tasks);
  EXPECT_EQ(gatherer_->counts().clips, 9u);
}

TEST_P(GatheredClips, AreConvolvedOneByOneWhereMemoryIsShort) {
  std::vector<Task> tasks = some_tasks(8);
  limit_device_memory(std::size_t{20} << 20);  // a group needs 24 MiB
  run_tasks(tasks, 2, 8);
  limit_device_memory(std::size_t{40} << 20);  // for one
  std::vector<Task> more = some_tasks(8);
  EXPECT_EQ(gatherer_->counts().clips, 0u);
  run_tasks(more, 2, 8);
  limit_device_memory(std::numeric_limits<std::size_t>::max());
  EXPECT_EQ(gatherer_->counts().clips, 8u);
  expect_right(tasks);
  expect_right(more);
}

INSTANTIATE_TEST_SUITE_P(Methods, ClipRendererTest, ::testing::Values("gpu-fourstep", "gpu-fused"),
                         [](const auto& tested) { return test_name(tested.param); });
INSTANTIATE_TEST_SUITE_P(Methods, GatheredClips, ::testing::Values("gpu-fourstep", "gpu-fused"),
                         [](const auto& tested) { return test_name(tested.param); });

}  // namespace
}  // namespace gpuconv::test
