#include "host/render/scene_pass.hpp"

#include <gtest/gtest.h>

#include "host/render/prepared.hpp"
#include "host/write/float_store.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

TEST(ScenePass, TakesSoManyVoicesAtATimeThatTheirSpectraFit) {
  constexpr std::int64_t kGiB = std::int64_t{1} << 30;
  EXPECT_EQ(voices_at_a_time(1, std::int64_t{1} << 28), 1);
  EXPECT_EQ(voices_at_a_time(1000, 48'000), 1000);
  EXPECT_EQ(voices_at_a_time(2000, 48'000), 1000);  // 1398 would fit: the groups are alike
  EXPECT_EQ(voices_at_a_time(5, kGiB / 16 / 2), 2);
  EXPECT_EQ(voices_at_a_time(5, kGiB), 1);
  EXPECT_EQ(voices_at_a_time(1, 1), 1);
}

class ScenePasses : public ::testing::Test {
 protected:
  Stereo<Signal> rendered(std::int64_t at_a_time, WetLength length = WetLength::full) const {
    Job job;
    job.output = folder_.file("wet.wav");
    job.request.method = "cpu-naive";
    job.scene.emplace();
    job.scene->file = folder_.file("scene.json");
    const std::vector<std::string> sources{"a.wav", "b.wav", "a.wav", "two.wav", "two.wav"};
    const std::vector<std::string> rooms{"r.wav", "s.wav", "r.wav", "r.wav", "s.wav"};
    for (std::size_t v = 0; v < sources.size(); ++v) {
      VoiceRequest voice;
      voice.id = std::to_string(v);
      voice.name = "voice " + voice.id;
      voice.input = folder_.file(sources[v]);
      voice.response = folder_.file(rooms[v]);
      voice.start = v == 1 ? 0.05 : 0;
      if (v >= 3) voice.channel = static_cast<int>(v) - 2;
      job.scene->voices.push_back(voice);
    }
    Prepared prepared = resolve(job);
    Frames frames;
    Pass pass{prepared.scene.parts, length};
    pass.at_a_time = at_a_time;
    pass.write = std::ref(frames);
    pass.written = [] { return WriteReport{}; };
    const RenderReport report = render_pass(prepared.scene, job, prepared.report, pass);
    EXPECT_EQ(prepared.report.passes, at_a_time == 0 ? 1 : (5 + at_a_time - 1) / at_a_time);
    EXPECT_EQ(prepared.report.voices[4].source.samples, 1500);
    EXPECT_GT(prepared.report.voices[0].level->rms, 0.1);
    EXPECT_GT(report.frames, 0);
    return frames.wet;
  }

  const Folder folder_;
  const std::string a_ = float_wav(folder_, "a.wav", 1, noise(2000, 1));
  const std::string b_ = float_wav(folder_, "b.wav", 1, noise(1000, 2));
  const std::string two_ = float_wav(folder_, "two.wav", 2, noise(3000, 3));
  const std::string r_ = float_wav(folder_, "r.wav", 2, noise(80, 4));
  const std::string s_ = float_wav(folder_, "s.wav", 2, noise(20, 5));
};

TEST_F(ScenePasses, GroupsOfVoicesAddUpToAll) {
  for (const WetLength length : {WetLength::full, WetLength::same}) {
    const Stereo<Signal> all = rendered(0, length);
    ASSERT_EQ(all.left.size(), length == WetLength::full ? 2000u + 39 : 2000u);
    for (const std::int64_t at_a_time : {1, 2, 3, 4}) {
      const Stereo<Signal> sum = rendered(at_a_time, length);
      for (const Side side : kSides) {
        ASSERT_EQ(sum[side].size(), all[side].size());
        for (std::size_t n = 0; n < all[side].size(); ++n) {
          ASSERT_NEAR(sum[side][n], all[side][n], 5e-6) << at_a_time << " " << n;
        }
      }
    }
  }
}

TEST(FloatStoreTest, ReadsAnyFramesAndSilenceAfterThem) {
  const Folder folder;
  for (const std::size_t frames : {std::size_t{10}, FloatStore::kMemoryFrames + 1000}) {
    FloatStore store(folder.file("x.wav"));
    Signal left(frames), right(frames);
    for (std::size_t n = 0; n < frames; ++n) {
      left[n] = static_cast<float>(n);
      right[n] = -static_cast<float>(n);
    }
    store.write({left, right});
    EXPECT_EQ(store.frames(), static_cast<std::int64_t>(frames));
    for (const std::size_t first : {std::size_t{0}, frames - 5, frames - 1, frames, frames + 7}) {
      Signal some(8, 9.0F), others(8, 9.0F);
      store.read(static_cast<std::int64_t>(first), {some, others});
      for (std::size_t i = 0; i < 8; ++i) {
        const float expected = first + i < frames ? static_cast<float>(first + i) : 0;
        EXPECT_EQ(some[i], expected) << first << " " << i;
        EXPECT_EQ(others[i], -expected);
      }
    }
    // It goes on as before.
    store.write({std::span<const float>(left).first(3), std::span<const float>(right).first(3)});
    Signal some(3), others(3);
    store.read(static_cast<std::int64_t>(frames), {some, others});
    EXPECT_EQ(some, (Signal{0, 1, 2}));
  }
}

}  // namespace
}  // namespace gpuconv::test
