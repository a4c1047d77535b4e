#include "host/read/flac_frames.hpp"

#include <gtest/gtest.h>
#include <sndfile.h>

#include <map>
#include <set>

#include "tests/support/noise.hpp"
#include "tests/support/recordings.hpp"

namespace gpuconv {
namespace {

using namespace test;

/// As libsndfile writes it, but without the total.
std::string flac_of(const std::vector<float>& samples) {
  std::string bytes = encoded(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, samples);
  bytes[21] = static_cast<char>(bytes[21] & 0xf0);
  return bytes.replace(22, 4, std::string(4, '\0'));
}

std::optional<FlacFrames::Verdict> verdict_of(const std::string& bytes, std::size_t piece = 1000) {
  FlacFrames frames;
  for (std::size_t i = 0; i < bytes.size(); i += piece) {
    const std::string part = bytes.substr(i, piece);
    frames.take({reinterpret_cast<const unsigned char*>(part.data()), part.size()});
  }
  return frames.verdict();
}

TEST(FlacFramesTest, AreCountedInPiecesOfAnySize) {
  for (const std::size_t count : {1u, 15u, 16u, 17u, 4096u, 4097u, 20'000u}) {
    const std::string noisy = flac_of(noise(count, 1));
    const std::string silent = flac_of(std::vector<float>(count));  // frames of a few bytes
    for (const std::size_t piece : {1u, 3u, 16u, 17u, 1000u, 1'000'000u}) {
      for (const std::string& bytes : {noisy, silent}) {
        const auto verdict = verdict_of(bytes, piece);
        ASSERT_TRUE(verdict);
        EXPECT_TRUE(verdict->is_whole) << count << " in pieces of " << piece;
        EXPECT_FALSE(verdict->is_damaged);
        EXPECT_EQ(verdict->samples, static_cast<std::int64_t>(count));
      }
    }
  }
}

TEST(FlacFramesTest, BreakOffAnywhereButBetweenTwo) {
  const std::string whole = flac_of(noise(10'000, 2));
  std::set<std::int64_t> seen;
  int by_chance = 0;  // once in 65,536 a checksum of 16 bits is right
#ifdef GPUCONV_EMULATED
  constexpr std::size_t kStep = 11;  // sanitizers make a minute of all
#else
  constexpr std::size_t kStep = 1;
#endif
  for (std::size_t size = whole.size() - 9'000; size < whole.size(); size += kStep) {
    const auto verdict = verdict_of(whole.substr(0, size), 100'000);
    ASSERT_TRUE(verdict);
    EXPECT_FALSE(verdict->is_damaged) << size;
    if (verdict->is_whole) by_chance += seen.insert(verdict->samples).second ? 0 : 1;
    EXPECT_EQ(verdict->samples % 4096, 0) << size;
  }
  if (kStep == 1) {
    EXPECT_EQ(seen.count(8192), 1u);
  }
  EXPECT_LE(by_chance, 1);
}

TEST(FlacFramesTest, AreMissedWhereOneIsNotThere) {
  const std::string whole = flac_of(noise(20'000, 5));
  std::map<std::int64_t, std::size_t> ends;  // by the samples before
  for (std::size_t at = whole.find("\xff\xf8"); at != whole.npos;
       at = whole.find("\xff\xf8", at + 1)) {
    const auto verdict = verdict_of(whole.substr(0, at), 100'000);
    if (verdict && verdict->is_whole) ends[verdict->samples] = at;
  }
  ASSERT_TRUE(ends.contains(4096) && ends.contains(8192));
  const std::string gap = whole.substr(0, ends[4096]) + whole.substr(ends[8192]);
  const auto verdict = verdict_of(gap, 100'000);
  ASSERT_TRUE(verdict);
  EXPECT_FALSE(verdict->is_whole);
  EXPECT_TRUE(verdict->is_damaged);
  EXPECT_EQ(verdict->samples, 0) << "the frame before the gap has no end";
}

TEST(FlacFramesTest, OfOneThatNamesItsLengthNothingIsSaid) {
  std::string bytes = flac_of(noise(10'000, 3));
  bytes[25] = 1;
  EXPECT_FALSE(verdict_of(bytes));
}

TEST(FlacFramesTest, AreFollowedToTheHoleAlsoWhereTheLengthIsNamed) {
  std::string bytes = flac_of(noise(20'000, 5));
  bytes[25] = 1;
  const auto hole_of = [](const std::string& flac, std::size_t piece) {
    FlacFrames frames(FlacFrames::Follow::always);
    for (std::size_t i = 0; i < flac.size(); i += piece) {
      const std::string part = flac.substr(i, piece);
      frames.take({reinterpret_cast<const unsigned char*>(part.data()), part.size()});
    }
    return frames.hole();
  };
  std::vector<std::size_t> begins;
  for (std::size_t at = bytes.find("\xff\xf8"); at != bytes.npos;
       at = bytes.find("\xff\xf8", at + 1)) {
    if (static_cast<std::size_t>(bytes[at + 4]) == begins.size()) begins.push_back(at);
  }
  ASSERT_EQ(begins.size(), 5u);
  std::string broken = bytes;
  broken[begins[2] + 100] ^= 1;
  for (const std::size_t piece : {1u, 17u, 1000u, 1'000'000u}) {
    EXPECT_FALSE(hole_of(bytes, piece)) << piece;
    const auto missing = hole_of(bytes.substr(0, begins[1]) + bytes.substr(begins[3]), piece);
    ASSERT_TRUE(missing) << piece;
    EXPECT_EQ(missing->begin, 4096);
    EXPECT_TRUE(missing->is_missing);
    const auto damaged = hole_of(broken, piece);
    ASSERT_TRUE(damaged) << piece;
    EXPECT_EQ(damaged->begin, 8192);
    EXPECT_FALSE(damaged->is_missing);
    EXPECT_FALSE(hole_of(bytes.substr(0, begins[3]), piece)) << "it ends, but has no hole";
  }
}

TEST(FlacFramesTest, SomethingElseInTheirPlaceIsDamage) {
  std::string bytes = flac_of(noise(100, 4));
  const std::size_t first = bytes.find("\xff\xf8");
  ASSERT_NE(first, bytes.npos);
  EXPECT_TRUE(verdict_of(bytes.substr(0, first))->is_whole) << "no sound at all";
  bytes.replace(first, 2, "xx");
  EXPECT_TRUE(verdict_of(bytes)->is_damaged);
  EXPECT_FALSE(verdict_of("fLaC")->is_whole);
}

}  // namespace
}  // namespace gpuconv
