#include "host/batch/pairing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "host/base/error.hpp"
#include "host/batch/file_pool.hpp"
#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

std::int64_t no_sofa(const std::string&) { return 0; }

std::vector<PairingLine> lines_named(const std::vector<std::string>& names) {
  std::vector<PairingLine> lines;
  for (const std::string& name : names) lines.push_back({.identity = {.input = name}});
  return lines;
}

std::vector<PairingLine> lines_named(std::vector<std::string>&& names) = delete;  // they are views

const std::vector<std::string> kNames{"a.wav", "b.wav", "c.wav", "d.wav"};
const std::vector<std::string> kTwo{"a.wav", "b.wav"};
const std::vector<std::string> kRooms{"r0", "r1", "r2"};

TEST(PairingTest, ZipGivesEachLineTheNextResponseAndKeepsItsOwn) {
  auto lines = lines_named(kNames);
  lines[1].response = "own";
  const PairingOptions options{.responses = kRooms, .pair = Pair::zip};
  const auto jobs = pair_jobs(lines, options, no_sofa);
  ASSERT_EQ(jobs.size(), 4u);
  EXPECT_EQ(jobs[0].response, "r0");
  EXPECT_EQ(jobs[1].response, "own");
  EXPECT_EQ(jobs[2].response, "r1");
  EXPECT_EQ(jobs[3].response, "r2");
  for (const PairedJob& job : jobs) EXPECT_EQ(job.copy, 0);
  lines[1].response = "";
  EXPECT_TRUE(says(message_of<UsageError>([&] { pair_jobs(lines, options, no_sofa); }),
                   {"--pair zip: 4 lines name no response and --responses has 3"}));
}

TEST(PairingTest, ProductGivesEachLineAllResponses) {
  auto lines = lines_named(kTwo);
  lines[1].response = "own";
  const PairingOptions options{.responses = kRooms, .pair = Pair::product};
  const auto jobs = pair_jobs(lines, options, no_sofa);
  ASSERT_EQ(jobs.size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(jobs[i].line, 0u);
    EXPECT_EQ(jobs[i].response, kRooms[i]);
    EXPECT_EQ(jobs[i].copy, static_cast<int>(i) + 1);
  }
  EXPECT_EQ(jobs[3].response, "own");
  EXPECT_EQ(jobs[3].copy, 0);
}

/// Everything that was drawn for a job, in words.
std::string words_of(const PairedJob& job) {
  return std::string(job.response) + " " + std::string(job.noise) + " " +
         std::to_string(job.measurement.value_or(-1)) + " " + std::to_string(job.snr_db) + " " +
         std::to_string(job.noise_draw);
}

const PairingOptions kRandom{.responses = kRooms,
                             .seed = 5,
                             .per_input = 2,
                             .draws_directions = true,
                             .noises = {"n0", "n1"},
                             .snr = {-5, 20}};
std::int64_t thousand(const std::string&) { return 1000; }

TEST(PairingTest, WhatAJobDrawsDependsOnNoOtherLineAndNoPlace) {
  const auto lines = lines_named(kNames);
  const auto all = pair_jobs(lines, kRandom, thousand);
  ASSERT_EQ(all.size(), 8u);
  auto turned = lines;
  std::ranges::reverse(turned);
  turned.pop_back();
  const auto others = pair_jobs(turned, kRandom, thousand);
  for (std::size_t i = 0; i < others.size(); ++i) {
    const std::size_t same =
        2 * (3 - others[i].line) + static_cast<std::size_t>(others[i].copy) - 1;
    EXPECT_EQ(words_of(others[i]), words_of(all[same])) << i;
  }
  // What one purpose draws does not move what another one does.
  PairingOptions fewer = kRandom;
  fewer.noises.clear();
  fewer.draws_directions = false;
  const auto without = pair_jobs(lines, fewer, thousand);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(without[i].response, all[i].response);
    EXPECT_FALSE(without[i].measurement);
    EXPECT_EQ(without[i].noise, "");
  }
  // But it does on the seed, and each copy draws anew.
  std::set<std::string> drawn;
  for (const PairedJob& job : all) drawn.insert(words_of(job));
  PairingOptions other_seed = kRandom;
  other_seed.seed = 6;
  for (const PairedJob& job : pair_jobs(lines, other_seed, thousand)) drawn.insert(words_of(job));
  EXPECT_EQ(drawn.size(), 16u);
}

TEST(PairingTest, DrawsWithinItsLimitsAndReachesAll) {
  std::vector<std::string> names;
  for (int i = 0; i < 2000; ++i) names.push_back(std::to_string(i));
  const auto jobs = pair_jobs(lines_named(names), kRandom, thousand);
  std::set<std::string> responses, noises;
  double low = 100, high = -100;
  for (const PairedJob& job : jobs) {
    responses.insert(std::string(job.response));
    noises.insert(std::string(job.noise));
    low = std::min(low, job.snr_db);
    high = std::max(high, job.snr_db);
    ASSERT_GE(*job.measurement, 0);
    ASSERT_LT(*job.measurement, 1000);
  }
  EXPECT_EQ(responses.size(), 3u);
  EXPECT_EQ(noises.size(), 2u);
  EXPECT_GE(low, -5);
  EXPECT_LT(low, -4.9);
  EXPECT_LE(high, 20);
  EXPECT_GT(high, 19.9);
}

TEST(PairingTest, LeavesADirectionOfTheLineAndFilesWithoutMeasurements) {
  auto lines = lines_named(kTwo);
  lines[0].has_direction = true;
  const PairingOptions options{.draws_directions = true};
  EXPECT_FALSE(pair_jobs(lines, options, thousand)[0].measurement);
  EXPECT_TRUE(pair_jobs(lines, options, thousand)[1].measurement);
  EXPECT_FALSE(pair_jobs(lines, options, no_sofa)[1].measurement);
}

TEST(PairingTest, CountsLinesThatDrawAlike) {
  EXPECT_EQ(lines_that_draw_alike(lines_named(kNames)), 0u);
  const std::vector<std::string> names{"a.wav", "b.wav", "a.wav", "a.wav"};
  auto lines = lines_named(names);
  EXPECT_EQ(lines_that_draw_alike(lines), 2u);
  lines[2].identity.id = "another";
  lines[3].identity.offset = 0.5;
  EXPECT_EQ(lines_that_draw_alike(lines), 0u);
}

TEST(PairingTest, NamesCopies) {
  EXPECT_EQ(name_of_copy("a/b.c.wav", 0), "a/b.c.wav");
  EXPECT_EQ(name_of_copy("a/b.c.wav", 12), "a/b.c-12.wav");
  EXPECT_EQ(name_of_copy("b.flac", 1), "b-1.flac");
}

class FilePoolTest : public ::testing::Test {
 protected:
  std::string refusal(const std::string& text) const {
    return message_of<FileError>([&] { file_pool("--responses", text); });
  }
  const Folder folder_;
};

TEST_F(FilePoolTest, HoldsWhatMatchesInTheOrderOfBytes) {
  for (const char* const name : {"b.wav", "a.wav", "B.wav", "c.flac", "[d].wav"}) {
    write_bytes(folder_.file(name), "x");
  }
  std::filesystem::create_directory(folder_.file("folder.wav"));
  const auto file = [&](const char* name) { return folder_.file(name); };
  EXPECT_EQ(file_pool("--noise", folder_.file("*.wav")),
            (std::vector{file("B.wav"), file("[d].wav"), file("a.wav"), file("b.wav")}));
  EXPECT_EQ(file_pool("--noise", folder_.file("[ab].wav")),
            (std::vector{file("a.wav"), file("b.wav")}));
  EXPECT_TRUE(says(refusal(folder_.file("*.mp3")), {"--responses ", "*.mp3: matches no file"}));
}

TEST_F(FilePoolTest, HoldsTheLinesOfAText) {
  const std::string a = float_wav(folder_, "a.wav", 1, {1}),
                    b = float_wav(folder_, "b.wav", 1, {1});
  const std::string list = folder_.file("rooms.txt");
  write_bytes(list, "\xef\xbb\xbf" + b + "\r\n# a comment\n\n" + a + "\n" + b);
  EXPECT_EQ(file_pool("--responses", list), (std::vector{b, a, b}));
  write_bytes(list, a + "\n" + folder_.file("missing.wav") + "\n");
  EXPECT_TRUE(says(refusal(list), {"rooms.txt: line 2: ", "missing.wav: cannot be opened"}));
  write_bytes(list, "\n# nothing\n");
  EXPECT_TRUE(says(refusal(list), {"names no file"}));
  EXPECT_TRUE(says(refusal(folder_.file("none.txt")), {"none.txt: cannot be opened"}));
  EXPECT_TRUE(says(refusal("/dev/null"), {"is a pipe or a device"}));
  EXPECT_EQ(file_pool("--responses", a), std::vector{a});
}

}  // namespace
}  // namespace gpuconv::test
