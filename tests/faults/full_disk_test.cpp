// full_disk_test.cpp - a disk that is full at every size of a small one: the complete output, or
// one sentence and the old file. Some sizes here; all 64 with GPUCONV_LONG=1.
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/problem.hpp"
#include "tests/support/program.hpp"

namespace gpuconv::test {
namespace {

/// A disk in memory that only this process and its children see; of 0 KiB: without a limit.
class SmallDisk {
 public:
  SmallDisk(std::string folder, int kibibytes) : folder_(std::move(folder)) {
    const std::string size = "size=" + std::to_string(kibibytes) + "k";
    if (::mount("tmpfs", folder_.c_str(), "tmpfs", 0, size.c_str()) != 0) {
      throw std::runtime_error(std::strerror(errno));
    }
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() { ::umount2(folder_.c_str(), MNT_DETACH); }

 private:
  std::string folder_;
};

/// Whether mounts of this process are its own from now on.
bool has_own_mounts() {
  static const bool has = ::unshare(CLONE_NEWNS) == 0 &&
                          ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return has;
}

class FullDisk : public ::testing::TestWithParam<const char*> {};

TEST_P(FullDisk, LeavesTheOldFileAtEverySize) {
  if (!has_own_mounts()) GTEST_SKIP() << "mounting needs root: " << std::strerror(errno);
  constexpr int kStep = 64;         // KiB
  constexpr int kSizes = 64;        // up to 4 MiB
  constexpr int kFrames = 430'000;  // 3.3 MiB of float, 2.5 of FLAC
  const Folder files;
  const std::string source = float_wav(files, "source.wav", 1, noise(kFrames, 1));
  const std::string room = float_wav(files, "room.wav", 2, {0.5f, 0.25f});
  const std::string name = std::string("wet") + GetParam();
  const auto render = [&](const std::string& output) {
    return run_program({"render", source, room, output, "--device", "cpu", "-q"});
  };
  ASSERT_EQ(render(files.file(name)).exit_code, 0);
  const std::string right = read_bytes(files.file(name));

  const bool all = number_from_environment("GPUCONV_LONG", 0) != 0;
  int refused = 0;
  int runs = 0;
  for (int size = kSizes; size >= 1; size -= all ? 1 : 6, ++runs) {
    SCOPED_TRACE(size);
    const Folder folder;
    const SmallDisk disk(folder.path(), size * kStep);
    const std::string output = folder.file(name);
    write_bytes(output, "old");
    const Ended ended = render(output);
    EXPECT_EQ(folder.count(), 1);
    if (ended.exit_code == 0) {
      EXPECT_TRUE(read_bytes(output) == right);
      continue;
    }
    ++refused;
    EXPECT_EQ(ended.exit_code, 2) << ended.err;
    EXPECT_EQ(read_bytes(output), "old");
    EXPECT_EQ(ended.err.rfind("error: " + output, 0), 0u) << ended.err;
    EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
  }
  std::printf("%s: full at %d sizes of %d\n", GetParam(), refused, runs);
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, runs);
}

// A disk that does not count its blocks says 0 for all numbers: it was taken for a full one.
TEST(UncountedDisk, IsNotTakenForAFullOne) {
  if (!has_own_mounts()) GTEST_SKIP() << "mounting needs root: " << std::strerror(errno);
  const Folder files;
  const Folder folder;
  const SmallDisk disk(folder.path(), 0);
  const Ended ended = run_program({"render", float_wav(files, "source.wav", 1, noise(1'000, 1)),
                                   float_wav(files, "room.wav", 2, {0.5f, 0.25f}),
                                   folder.file("wet.wav"), "--device", "cpu", "-q"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
}

INSTANTIATE_TEST_SUITE_P(, FullDisk, ::testing::Values(".wav", ".rf64", ".flac"),
                         [](const auto& parameter) { return parameter.param + 1; });

}  // namespace
}  // namespace gpuconv::test
