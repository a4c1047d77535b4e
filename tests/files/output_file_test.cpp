#include "host/files/output_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <future>
#include <thread>

#include "host/files/location.hpp"
#include "tests/support/files.hpp"
#include "tests/support/nobody.hpp"

namespace gpuconv {
namespace {

using namespace test;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string refusal(const std::string& path, const OutputOptions& options = {}) {
  return message_of<FileError>([&] { OutputFile file(path, options); });
}

void write_whole(const std::string& path, std::string_view text) {
  OutputFile file(path, {});
  file.write(bytes(text));
  file.sync();
  file.publish();
}

TEST(OutputFileTest, NothingIsToBeSeenBeforePublish) {
  const Folder folder;
  const std::string path = folder.file("a.wav");
  OutputFile file(path, {});
  file.write(bytes("wet"));
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(folder.count(), 1);
  file.publish();
  EXPECT_EQ(read_bytes(path), "wet");
  EXPECT_EQ(folder.count(), 1);
}

TEST(OutputFileTest, WithoutPublishTheOldFileStaysAndNoOther) {
  const Folder folder;
  write_bytes(folder.file("a.wav"), "old");
  {
    OutputFile file(folder.file("a.wav"), {});
    file.write(bytes("new"));
    EXPECT_EQ(folder.count(), 2);
  }
  EXPECT_EQ(read_bytes(folder.file("a.wav")), "old");
  EXPECT_EQ(folder.count(), 1);
}

TEST(OutputFileTest, TheOldFileIsReplacedAndKeepsItsPermissions) {
  const Folder folder;
  write_bytes(folder.file("a.wav"), "old and longer");
  ::chmod(folder.file("a.wav").c_str(), 0640);
  write_whole(folder.file("a.wav"), "new");
  EXPECT_EQ(read_bytes(folder.file("a.wav")), "new");
  struct stat status {};
  ASSERT_EQ(::stat(folder.file("a.wav").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(OutputFileTest, ANewFileHasTheUsualPermissions) {
  const Folder folder;
  const mode_t mask = ::umask(027);
  write_whole(folder.file("a.wav"), "new");
  ::umask(mask);
  struct stat status {};
  ASSERT_EQ(::stat(folder.file("a.wav").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(OutputFileTest, SeveralAtOnceDoNotMeet) {
  const Folder folder;
  OutputFile first(folder.file("a.wav"), {});
  OutputFile second(folder.file("a.wav"), {});
  first.write(bytes("first"));
  second.write(bytes("second"));
  second.publish();
  first.publish();
  EXPECT_EQ(read_bytes(folder.file("a.wav")), "first");
  EXPECT_EQ(folder.count(), 1);
}

TEST(OutputFileTest, ALinkIsFollowed) {
  const Folder folder;
  std::filesystem::create_directory(folder.file("there"));
  std::filesystem::create_symlink("there/real.wav", folder.file("link.wav"));
  write_whole(folder.file("link.wav"), "new");  // the link dangles at first
  write_whole(folder.file("link.wav"), "newer");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.file("link.wav")));
  EXPECT_EQ(read_bytes(folder.file("there/real.wav")), "newer");
  std::filesystem::create_symlink("loop.wav", folder.file("loop.wav"));
  EXPECT_TRUE(says(refusal(folder.file("loop.wav")), {"loop.wav", "links"}));
}

TEST(OutputFileTest, ADeviceIsWrittenInPlace) {
  OutputFile file("/dev/null", {});
  EXPECT_TRUE(file.in_place());
  file.write(bytes("gone"));
  file.sync();
  file.publish();
  EXPECT_TRUE(is_special_file("/dev/null"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(OutputFileTest, ADeviceCanNotBeEmptied) {
  OutputFile file("/dev/null", {});
  EXPECT_TRUE(says(message_of<FileError>([&] { file.clear(); }), {"/dev/null", "be emptied"}));
}

TEST(OutputFileTest, AFullDiskIsToldWithItsNumbers) {
  OutputFile file("/dev/full", {});
  EXPECT_TRUE(says(message_of<FileError>([&] { file.write(bytes("12345")); }),
                   {"/dev/full", "0 bytes", "5 more", "No space left"}));
}

TEST(OutputFileTest, APipeIsWaitedForAlsoByWhoDoesNotWantToWait) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const FileDescriptor reading(ends[0]);
  std::fflush(stdout);
  const FileDescriptor standard_output(::dup(STDOUT_FILENO));
  ASSERT_EQ(::dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
  ::close(ends[1]);
  constexpr std::size_t kBytes = 1'000'000;  // more than a pipe holds
  std::future<std::size_t> receiving = std::async(std::launch::async, [&] {
    std::size_t received = 0;
    std::vector<char> some(10'000);
    for (;;) {
      const ssize_t got = ::read(reading.get(), some.data(), some.size());
      if (got == 0) return received;
      if (got > 0) received += static_cast<std::size_t>(got);
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  });
  const std::string failure = [&] {
    try {
      OutputFile file("-", {});
      file.write(std::vector<std::byte>(kBytes));
      file.publish();
    } catch (const std::exception& error) {
      return std::string(error.what());
    }
    return std::string();
  }();
  ::dup2(standard_output.get(), STDOUT_FILENO);
  EXPECT_EQ(receiving.get(), kBytes);
  EXPECT_EQ(failure, "");
}

TEST(OutputFileTest, ALimitOfTheFileSizeIsTold) {
  const Folder folder;
  write_bytes(folder.file("a.wav"), "old");
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  struct rlimit limit = before;
  limit.rlim_cur = 1'000;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::string message;
  {
    OutputFile file(folder.file("a.wav"), {});
    message = message_of<FileError>([&] { file.write(bytes(std::string(1'500, 'x'))); });
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(says(message, {"a.wav", "1000 bytes are, 500 more", "File too large"}));
  EXPECT_EQ(read_bytes(folder.file("a.wav")), "old");
  EXPECT_EQ(folder.count(), 1);
}

TEST(OutputFileTest, WhatCanNotBeWrittenIsFoundBeforeTheWork) {
  const Folder folder;
  EXPECT_TRUE(says(refusal(folder.file("no/a.wav")), {"folder", "No such file"}));
  EXPECT_TRUE(says(refusal(folder.path()), {"is a folder"}));
  write_bytes(folder.file("plain"), "x");
  EXPECT_TRUE(says(refusal(folder.file("plain/a.wav")), {"plain"}));
  EXPECT_EQ(folder.count(), 1);
}

TEST(OutputFileTest, AForbiddenFolderOrFileIsFoundBeforeTheWork) {
  const AsNobody nobody;
  if (!nobody) GTEST_SKIP() << "root may write everything";
  const Folder folder;
  write_bytes(folder.file("a.wav"), "old");
  ::chmod(folder.file("a.wav").c_str(), 0444);
  EXPECT_TRUE(says(refusal(folder.file("a.wav")), {"cannot be written", "Permission denied"}));
  ::chmod(folder.path().c_str(), 0555);
  EXPECT_TRUE(says(refusal(folder.file("b.wav")), {"folder", "Permission denied"}));
  ::chmod(folder.path().c_str(), 0755);
}

TEST(OutputFileTest, NoClobberKeepsWhatIsThere) {
  const Folder folder;
  write_bytes(folder.file("a.wav"), "old");
  EXPECT_TRUE(says(refusal(folder.file("a.wav"), {true, {}}), {"exists", "--no-clobber"}));
  EXPECT_NO_THROW(OutputFile(folder.file("b.wav"), {true, {}}));
  EXPECT_NO_THROW(OutputFile("/dev/null", {true, {}}));
}

TEST(OutputFileTest, AnInputIsNeverReplaced) {
  const Folder folder;
  const std::string input = folder.file("in.wav");
  write_bytes(input, "dry");
  std::filesystem::create_symlink("in.wav", folder.file("soft.wav"));
  std::filesystem::create_hard_link(input, folder.file("hard.wav"));
  for (const char* name : {"in.wav", "soft.wav", "hard.wav", "./in.wav"}) {
    EXPECT_TRUE(says(refusal(folder.file(name), {false, {folder.file("x"), input}}),
                     {"is the same file as the input", input}))
        << name;
  }
  EXPECT_NO_THROW(OutputFile(folder.file("out.wav"), {false, {input}}));
  EXPECT_NO_THROW(OutputFile("/dev/null", {false, {"/dev/null"}}));
  EXPECT_EQ(read_bytes(input), "dry");
}

TEST(OutputFileTest, WhatAppearedMeanwhileIsNotReplacedIfNoneMayBe) {
  const Folder folder;
  OutputFile file(folder.file("a.wav"), {true, {}});
  file.write(bytes("wet"));
  write_bytes(folder.file("a.wav"), "another's");
  EXPECT_TRUE(says(message_of<FileError>([&] { file.publish(); }),
                   {"a.wav: has appeared meanwhile", "--no-clobber", folder.file("a.kept.wav")}));
  EXPECT_EQ(read_bytes(folder.file("a.wav")), "another's");
  EXPECT_EQ(read_bytes(folder.file("a.kept.wav")), "wet");
}

TEST(OutputFileTest, AResultThatCanNotTakeItsPlaceIsKeptAndNamed) {
  const Folder folder;
  const std::string path = folder.file("a.wav");
  for (const char* const name : {"a.kept.wav", "a.kept-1.wav", "a.kept-2.wav"}) {
    OutputFile file(path, {});
    file.write(bytes(name));
    std::filesystem::create_directory(path);  // somebody else was faster
    EXPECT_TRUE(says(message_of<FileError>([&] { file.publish(); }),
                     {path, "cannot take its place (Is a directory); the result is complete in '" +
                                folder.file(name) + "'"}));
    std::filesystem::remove(path);
  }
  remove_stale_temporaries(folder.path() + "/.", false);  // as another process would
  EXPECT_EQ(read_bytes(folder.file("a.kept.wav")), "a.kept.wav");
  EXPECT_EQ(read_bytes(folder.file("a.kept-2.wav")), "a.kept-2.wav");
  EXPECT_EQ(folder.count(), 3);
}

TEST(OutputFileTest, AResultThatIsGoneIsNotPromised) {
  const Folder folder;
  OutputFile file(folder.file("a.wav"), {});
  file.write(bytes("wet"));
  std::filesystem::remove(file.written_path());
  EXPECT_TRUE(says(message_of<FileError>([&] { file.publish(); }),
                   {"a.wav: cannot take its place (No such file or directory)",
                    file.written_path() + "', which held the result, is gone"}));
  EXPECT_EQ(folder.count(), 0);
}

TEST(OutputFileTest, AResultThatCanNotBeMovedStaysWhereItIsAndThatIsTold) {
  const AsNobody nobody;
  if (!nobody) GTEST_SKIP() << "root may write everything";
  const Folder folder;
  std::string temporary;
  {
    OutputFile file(folder.file("a.wav"), {});
    file.write(bytes("wet"));
    temporary = file.written_path();
    ::chmod(folder.path().c_str(), 0555);
    EXPECT_TRUE(says(message_of<FileError>([&] { file.publish(); }),
                     {"Permission denied", "the result is complete in '" + temporary + "' until"}));
    ::chmod(folder.path().c_str(), 0755);
  }
  EXPECT_EQ(read_bytes(temporary), "wet");
}

/// What stands for this machine in the name of a temporary file.
std::string machine_in_names() {
  const Folder folder;
  const std::string name = OutputFile(folder.file("a.wav"), {}).written_path();
  const std::size_t begin = name.rfind(".gpuconv-") + std::string_view(".gpuconv-").size();
  return name.substr(begin, name.rfind('-') + 1 - begin);
}

// A lock may end at the border of a machine: the file of a process that lived elsewhere was
// removed.
TEST(OutputFileTest, OnNetworkDrivesTheTemporaryFilesOfOtherMachinesAreLeftForADay) {
  using namespace std::chrono_literals;
  const Folder folder;
  const auto left = [&](const char* name, std::chrono::hours age) {
    const std::string path = folder.file(name);
    write_bytes(path, "wet");
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - age);
    return path;
  };
  left(".a.wav.gpuconv-00c0ffee-1.tmp", 23h);
  left(".b.wav.gpuconv-1.tmp", 23h);
  left(".c.wav.gpuconv-00c0ffee-2.tmp", 25h);
  const std::string held = left(".d.wav.gpuconv-00c0ffee-3.tmp", 25h);
  const FileDescriptor lock(::open(held.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  remove_stale_temporaries(folder.path(), true);
  EXPECT_EQ(folder.count(), 3);
  EXPECT_FALSE(std::filesystem::exists(folder.file(".c.wav.gpuconv-00c0ffee-2.tmp")));
  // Nobody else writes to a disk of this machine: they are from before it was started.
  remove_stale_temporaries(folder.path() + "/.", false);
  EXPECT_EQ(folder.count(), 1);
  EXPECT_TRUE(std::filesystem::exists(held));
  EXPECT_TRUE(is_shared_drive(folder.file("nowhere"))) << "who does not know is careful";
}

TEST(OutputFileTest, OnlyTemporaryFilesThatNobodyHoldsAreRemoved) {
  const Folder folder;
  const std::vector<std::string> kept{"a.wav", ".a.wav.gpuconv-1x.tmp", ".a.wav.gpuconv-.tmp",
                                      "a.wav.gpuconv-1.tmp", ".a.wav.gpuconv-1.tmp.wav"};
  for (const std::string& name : kept) write_bytes(folder.file(name), "kept");
  const std::string mark = ".a.wav.gpuconv-" + machine_in_names();
  std::filesystem::create_directory(folder.file(mark + "2.tmp"));
  std::filesystem::create_symlink("a.wav", folder.file(mark + "3.tmp"));
  ASSERT_EQ(::mkfifo(folder.file(mark + "4.tmp").c_str(), 0600), 0);
  const auto before = folder.count();
  write_bytes(folder.file(mark + "4000000.tmp"), "stale");
  write_bytes(folder.file(".b.gpuconv-5" + mark + "1-12.tmp"), "stale");
  OutputFile held(folder.file("b.wav"), {});
  EXPECT_EQ(folder.count(), before + 1);
  remove_stale_temporaries(folder.path() + "/.", false);  // as another process would
  EXPECT_EQ(folder.count(), before + 1);
}

TEST(OutputFileTest, ALongNameHasATemporaryOneToo) {
  const Folder folder;
  const std::string path = folder.file(std::string(250, 'n') + ".wav");
  write_whole(path, "wet");
  EXPECT_EQ(read_bytes(path), "wet");
}

}  // namespace
}  // namespace gpuconv
