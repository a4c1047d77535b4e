// kill_test.cpp - the program is killed or interrupted at random instants: an output is the old
// file or the complete new one. A few instants here; 200 for each signal with GPUCONV_LONG=1.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/problem.hpp"
#include "tests/support/program.hpp"

namespace gpuconv::test {
namespace {

class Killed : public ::testing::TestWithParam<int> {};

TEST_P(Killed, LeavesTheOldFileOrTheCompleteNewOne) {
  const Folder files;
  const std::vector<std::string> inputs{float_wav(files, "source.wav", 1, noise(600'000, 1)),
                                        float_wav(files, "room.wav", 2, noise(6'000, 2))};
  const Folder folder;
  const std::string output = folder.file("wet.wav");
  const auto render = [&](Sent sent) {
    return run_program({"render", inputs[0], inputs[1], output, "--device", "cpu", "-q"}, {}, sent);
  };
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(render({}).exit_code, 0);
  const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - start;
  const std::string right = read_bytes(output);

  const bool all = number_from_environment("GPUCONV_LONG", 0) != 0;
  const int instants = all ? 200 : 10;
  Random random(test_seed() + static_cast<std::uint64_t>(GetParam()));
  int stopped = 0;
  for (int i = 0; i < instants; ++i) {
    const bool was_there = i % 2 == 0;
    std::filesystem::remove(output);
    if (was_there) write_bytes(output, "what was there before");
    const double seconds = whole.count() * (1.05 * i + random.uniform()) / instants;
    const Ended ended = render({GetParam(), std::max(0.0, seconds)});
    SCOPED_TRACE(seconds);
    stopped += ended.exit_code != 0;
    const bool is_there = std::filesystem::exists(output);
    const std::string seen = is_there ? read_bytes(output) : "";
    const bool is_old = is_there == was_there && seen == (was_there ? "what was there before" : "");
    EXPECT_TRUE(seen == right || (ended.exit_code != 0 && is_old)) << seen.size() << " bytes";
    // What SIGKILL leaves, the next one finds. All other signals leave nothing.
    EXPECT_LE(folder.count(), (is_there ? 1 : 0) + (GetParam() == SIGKILL ? 1 : 0));
  }
  EXPECT_EQ(render({}).exit_code, 0);
  EXPECT_EQ(folder.count(), 1);
  std::printf("%s: %d instants in %.3f s, %d before the end\n", strsignal(GetParam()), instants,
              whole.count(), stopped);
  EXPECT_GT(stopped, 0);
}

TEST(Stopped, ForAWhileItGivesTheSameBytes) {
  const Folder folder;
  const std::string source = float_wav(folder, "source.wav", 1, noise(600'000, 1));
  const std::string room = float_wav(folder, "room.wav", 2, noise(6'000, 2));
  const auto render = [&](const std::string& output, Sent sent) {
    const Ended ended =
        run_program({"render", source, room, output, "--device", "cpu", "-q"}, {}, sent);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return read_bytes(output);
  };
  const std::string right = render(folder.file("right.wav"), {});
  for (const double seconds : {0.01, 0.03, 0.06}) {
    EXPECT_TRUE(render(folder.file("wet.wav"), {SIGSTOP, seconds}) == right) << seconds;
  }
}

TEST(BrokenPipe, IsARefusal) {
  const Folder folder;
  const std::string source = float_wav(folder, "source.wav", 1, noise(100'000, 1));
  const std::string room = float_wav(folder, "room.wav", 2, {0.5f, 0.5f});
  const std::string command = "'" GPUCONV_PROGRAM "' render '" + source + "' '" + room +
                              "' /dev/stdout --device cpu -q 2>'" + folder.file("err") +
                              "'; echo $? >'" + folder.file("code") + "'";
  ASSERT_EQ(std::system(("{ " + command + "; } | head -c 100 >/dev/null").c_str()), 0);
  const std::string err = read_bytes(folder.file("err"));
  EXPECT_EQ(read_bytes(folder.file("code")), "2\n") << err;
  EXPECT_TRUE(says(err, {"error: /dev/stdout: ", "Broken pipe"}));
  EXPECT_EQ(std::count(err.begin(), err.end(), '\n'), 1) << err;
}

INSTANTIATE_TEST_SUITE_P(, Killed, ::testing::Values(SIGKILL, SIGINT, SIGTERM, SIGHUP),
                         [](const auto& parameter) {
                           return std::string("by_SIG") + ::sigabbrev_np(parameter.param);
                         });

}  // namespace
}  // namespace gpuconv::test
