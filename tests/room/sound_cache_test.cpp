// sound_cache_test.cpp - decoded once, with the bytes of the file
#include "host/room/sound_cache.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "host/base/noise.hpp"
#include "host/room/background.hpp"
#include "host/write/sndfile_writer.hpp"
#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

class SoundCacheTest : public ::testing::Test {
 protected:
  std::string compressed(const std::string& name, std::size_t frames, std::uint64_t seed) const {
    std::vector<std::int32_t> samples;
    for (const float sample : noise(2 * frames, seed)) {
      samples.push_back(static_cast<std::int32_t>(sample * 1e9F));
    }
    OutputFile file(folder_.file(name), {});
    SndfileWriter writer(file, {Container::flac, Encoding::pcm, 24}, 44'100);
    writer.write(std::span<const std::int32_t>(samples));
    writer.finish();
    file.publish();
    return folder_.file(name);
  }

  static Stereo<Signal> heard_from(const std::string& path, const BackgroundOptions& options,
                                   int rate, std::int64_t start, std::size_t frames) {
    Background background(path, options, rate);
    background.start_at(start);
    Stereo<Signal> ears{Signal(frames), Signal(frames)};
    background.read({ears.left, ears.right});
    return ears;
  }

  std::shared_ptr<const DecodedSound> find(SoundCache& cache, const std::string& path) const {
    return cache.find(path, Truncated::error, Formats::allowed);
  }

  const Folder folder_;
};

TEST_F(SoundCacheTest, GivesTheNoiseOfTheFile) {
  const std::string path = compressed("hiss.flac", 20'001, 1);
  const auto cache = std::make_shared<SoundCache>();
  const BackgroundOptions cached{.sounds = cache};
  for (const int rate : {44'100, 16'000}) {
    for (const std::int64_t start : {0, 1, 8'192, 20'000}) {
      const Stereo<Signal> own = heard_from(path, {}, rate, start, 50'000);  // more than once
      const Stereo<Signal> shared = heard_from(path, cached, rate, start, 50'000);
      EXPECT_EQ(own.left, shared.left) << rate << " Hz from " << start;
      EXPECT_EQ(own.right, shared.right) << rate << " Hz from " << start;
    }
  }
  ASSERT_TRUE(find(*cache, path));
  EXPECT_EQ(find(*cache, path), find(*cache, path));
  EXPECT_EQ(Background(path, cached, 16'000).length(), 20'001);
  EXPECT_EQ(Background(path, cached, 16'000).channels(), 2);
  EXPECT_EQ(Background(path, cached, 16'000).file_rate(), 44'100);
  EXPECT_THROW(Background(path, cached, 16'000).start_at(20'002), FileError);
}

TEST_F(SoundCacheTest, DecodesAFileOnceForAllThreads) {
  const std::string path = compressed("hiss.flac", 100'000, 2);
  SoundCache cache;
  std::vector<std::shared_ptr<const DecodedSound>> found(6);
  {
    std::vector<std::jthread> threads;
    for (auto& one : found) threads.emplace_back([&] { one = find(cache, path); });
  }
  ASSERT_TRUE(found[0]);
  for (const auto& one : found) EXPECT_EQ(one, found[0]);
}

TEST_F(SoundCacheTest, KeepsWhatHasRoomAndNoPlainFile) {
  const std::string first = compressed("a.flac", 1'000, 3);
  const std::string second = compressed("b.flac", 1'000, 4);
  SoundCache cache(1'500 * 2 * sizeof(float));
  EXPECT_TRUE(find(cache, first));
  EXPECT_FALSE(find(cache, second));
  EXPECT_TRUE(find(cache, first));
  EXPECT_FALSE(find(cache, float_wav(folder_, "c.wav", 1, noise(10, 5))));
  EXPECT_FALSE(find(cache, folder_.file("missing.flac")));
}

TEST_F(SoundCacheTest, SeesThatAFileIsAnotherOneNow) {
  const std::string path = compressed("a.flac", 1'000, 3);
  SoundCache cache;
  const auto before = find(cache, path);
  std::filesystem::remove(path);
  compressed("a.flac", 999, 4);
  ASSERT_TRUE(find(cache, path));
  EXPECT_NE(find(cache, path), before);
  EXPECT_EQ(find(cache, path)->interleaved.size(), 2u * 999);
}

TEST_F(SoundCacheTest, LeavesATruncatedFileToWhoeverReadsIt) {
  const std::string path = compressed("a.flac", 50'000, 3);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  const auto cache = std::make_shared<SoundCache>();
  EXPECT_FALSE(find(*cache, path));
  const BackgroundOptions cached{.sounds = cache};
  // What comes before the gap can be used, as without the cache.
  EXPECT_EQ(heard_from(path, cached, 44'100, 0, 100).left,
            heard_from(path, {}, 44'100, 0, 100).left);
  EXPECT_THROW(heard_from(path, cached, 44'100, 0, 50'000), FileError);
  BackgroundOptions accepting{.truncated = Truncated::accept};
  const std::int64_t length = Background(path, accepting, 44'100).length();
  const Stereo<Signal> own = heard_from(path, accepting, 44'100, 5, 50'000);
  const std::string shortfall = [&] {
    Background background(path, accepting, 44'100);
    background.length();
    return background.repairs().shortfall;
  }();
  accepting.sounds = cache;
  EXPECT_EQ(heard_from(path, accepting, 44'100, 5, 50'000).left, own.left);
  Background background(path, accepting, 44'100);
  EXPECT_EQ(background.length(), length);
  EXPECT_EQ(background.repairs().shortfall, shortfall);
  EXPECT_FALSE(shortfall.empty());
}

}  // namespace
}  // namespace gpuconv::test
