// batch_kill_test.cpp - a batch is killed at random instants and resumed: the bytes are those of an
// undisturbed run. Some instants here; 50 with GPUCONV_LONG=1.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/problem.hpp"
#include "tests/support/program.hpp"

namespace gpuconv::test {
namespace {

TEST(BatchKilled, ResumesToTheBytesOfAnUndisturbedRun) {
  constexpr int kJobs = 200;
  const Folder folder;
  const std::string room = float_wav(folder, "room.wav", 2, noise(6'000, 2));
  std::string list = "input,output\n";
  for (int i = 0; i < kJobs; ++i) {
    if (i < 20) float_wav(folder, fmt::format("{}.wav", i), 1, noise(8'000 + 400 * i, 3));
    list += folder.file(fmt::format("{}.wav", i % 20)) + fmt::format(",{}/{}.wav\n", i % 4, i);
  }
  write_bytes(folder.file("list.csv"), list);
  const auto batch = [&](const std::string& out, Sent sent) {
    return run_program({"batch", folder.file("list.csv"), "-o", out, "--response", room, "-g",
                        "-40", "-q", "--resume", "-j", "3"},
                       {}, sent);
  };
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(batch(folder.file("right"), {}).exit_code, 0);
  const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - start;
  const auto bytes_of = [](const std::string& out) {
    std::string all;
    for (int i = 0; i < kJobs; ++i) {
      const std::string path = fmt::format("{}/{}/{}.wav", out, i % 4, i);
      all += std::filesystem::exists(path) ? read_bytes(path) : "missing";
    }
    return all;
  };
  const std::string right = bytes_of(folder.file("right"));

  const bool all = number_from_environment("GPUCONV_LONG", 0) != 0;
  const int instants = all ? 50 : 6;
  Random random(test_seed());
  int stopped = 0;
  for (int i = 0; i < instants; ++i) {
    const std::string out = folder.file("out");
    std::filesystem::remove_all(out);
    const int signal = i % 3 == 2 ? SIGTERM : SIGKILL;
    const double seconds =
        std::max(0.0, whole.count() * (i + 0.5 + double{random.uniform()} / 2) / instants);
    SCOPED_TRACE(fmt::format("{} after {:.4f} s", signal, seconds));
    const Ended ended = batch(out, {signal, seconds});
    stopped += ended.exit_code != 0;
    // What the journal claims is there and whole.
    std::ifstream journal(out + "/.gpuconv-batch");
    std::size_t claimed = 0;
    for (std::string line; std::getline(journal, line);) claimed += line.find(" 0 {") == 16;
    const Ended resumed = batch(out, {});
    EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
    EXPECT_TRUE(bytes_of(out) == right) << claimed << " claimed";
    // No temporary file is left, and the results name all jobs.
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(out)) {
      files += entry.is_regular_file();
    }
    EXPECT_EQ(files, kJobs + 2u);
    std::ifstream results(out + "/results.jsonl");
    std::size_t lines = 0;
    for (std::string line; std::getline(results, line);) lines += line.ends_with('}');
    EXPECT_EQ(lines, std::size_t{kJobs});
  }
  std::printf("%d instants in %.3f s, %d before the end\n", instants, whole.count(), stopped);
  EXPECT_GT(stopped, 0);
}

}  // namespace
}  // namespace gpuconv::test
