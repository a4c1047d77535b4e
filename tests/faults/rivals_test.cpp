// rivals_test.cpp - several processes and one OUTPUT: at once, and one after the other
#include <fmt/core.h>
#include <sys/stat.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <memory>

#include "host/files/file_descriptor.hpp"
#include "tests/support/child.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/program.hpp"

namespace gpuconv::test {
namespace {

/// A render that has opened OUTPUT and waits for the second half of its recording.
class Waiting {
 public:
  Waiting(const std::vector<float>& source, const std::string& room, const std::string& output,
          const std::string& err, const std::vector<std::string>& options = {}) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    const FileDescriptor reading(ends[0]);
    writing_ = FileDescriptor(ends[1]);
    std::vector<std::string> words{"render", "-", room, output, "-q", "-g", "-40"};
    words.insert(words.end(), options.begin(), options.end());
    child_ = std::make_unique<Child>(words, err, reading.get());
    const std::string bytes = wav_bytes({}, bytes_of(source));
    write(bytes.substr(0, bytes.size() / 2));
    rest_ = bytes.substr(bytes.size() / 2);
  }

  int end() {
    write(rest_);
    writing_ = FileDescriptor();
    return child_->wait();
  }

 private:
  /// A pipe holds as much, whether or not it is read.
  void write(const std::string& bytes) const {
    EXPECT_EQ(::write(writing_.get(), bytes.data(), bytes.size()), std::ssize(bytes));
  }

  FileDescriptor writing_;
  std::string rest_;
  std::unique_ptr<Child> child_;
};

/// Calls that can give a file a name only where there is none fail, in programs started meanwhile.
class WithoutSafeRename {
 public:
  /// The number of calls of each kind is written to `counts`.
  WithoutSafeRename(const char* fault, const std::string& counts) {
    ::setenv("LD_PRELOAD", GPUCONV_PRELOADED, 1);
    ::setenv("GPUCONV_FAULT_COUNT", counts.c_str(), 1);
    ::setenv("GPUCONV_FAULT", fault, 1);
  }
  WithoutSafeRename(const WithoutSafeRename&) = delete;
  WithoutSafeRename& operator=(const WithoutSafeRename&) = delete;
  ~WithoutSafeRename() {
    ::unsetenv("LD_PRELOAD");
    ::unsetenv("GPUCONV_FAULT_COUNT");
    ::unsetenv("GPUCONV_FAULT");
  }
};

class Rivals : public ::testing::Test {
 protected:
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }
  void TearDown() override { std::signal(SIGPIPE, SIG_DFL); }

  std::string wet() const { return outputs_.file("wet.wav"); }
  std::string kept() const { return outputs_.file("wet.kept.wav"); }
  std::string err(int number) const {
    return inputs_.file(std::string("err").append(std::to_string(number)));
  }

  std::unique_ptr<Waiting> start(int number, const std::vector<std::string>& options = {}) const {
    return std::make_unique<Waiting>(source(number), room_, wet(), err(number), options);
  }

  /// Waits until so many files lie beside each other.
  bool are_there(int files) const {
    return eventually([&] { return outputs_.count() == files; });
  }

  /// What `number` alone writes.
  std::string expected(int number) const {
    const std::string path = inputs_.file("expected.wav");
    const Ended ended = run_program({"render", float_wav(inputs_, "source.wav", 1, source(number)),
                                     room_, path, "-q", "-g", "-40"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return read_bytes(path);
  }

  static std::vector<float> source(int number) {
    return noise(1'000, static_cast<std::uint64_t>(number));
  }

  const Folder inputs_;
  const Folder outputs_;
  const std::string room_ = float_wav(inputs_, "room.wav", 2, noise(600, 9));
};

TEST_F(Rivals, TheLastOneWinsWhole) {
  const auto first = start(1);
  const auto second = start(2);
  ASSERT_TRUE(are_there(2));
  EXPECT_EQ(second->end(), 0) << read_bytes(err(2));
  EXPECT_TRUE(read_bytes(wet()) == expected(2));
  EXPECT_EQ(first->end(), 0) << read_bytes(err(1));
  EXPECT_TRUE(read_bytes(wet()) == expected(1));
  EXPECT_EQ(outputs_.count(), 1);
}

// --no-clobber was looked at before the work alone: the last one replaced what the first had made.
TEST_F(Rivals, TheFirstOneWinsIfNoneMayReplace) {
  if (!std::filesystem::exists(GPUCONV_PRELOADED)) GTEST_SKIP() << "no " GPUCONV_PRELOADED;
  // Also where a drive has no rename that replaces nothing: NFS, which links, and exFAT, which can
  // do neither.
  for (const auto& [fault, calls] :
       {std::pair{"link:0:0", 2}, {"link:1:22", 3}, {"link:1:22:persistent", 4}}) {
    SCOPED_TRACE(fault);
    const WithoutSafeRename without(fault, inputs_.file("counts"));
    const auto first = start(1, {"--no-clobber"});
    const auto second = start(2, {"--no-clobber"});
    ASSERT_TRUE(are_there(2));
    EXPECT_EQ(second->end(), 0) << read_bytes(err(2));
    EXPECT_EQ(outputs_.count(), 2);
    EXPECT_EQ(first->end(), 2);
    EXPECT_TRUE(says(read_bytes(inputs_.file("counts")), {fmt::format("\nlink {}\n", calls)}));
    EXPECT_TRUE(says(read_bytes(err(1)), {wet() + ": has appeared meanwhile", "--no-clobber",
                                          "the result is complete in", kept() + "'\n"}));
    EXPECT_TRUE(read_bytes(wet()) == expected(2));
    EXPECT_TRUE(read_bytes(kept()) == expected(1));
    EXPECT_EQ(outputs_.count(), 2);
    std::filesystem::remove(wet());
    std::filesystem::remove(kept());
  }
}

// The result that could not take its place was kept under its temporary name, and without a lock
// once its process had ended: the next one removed it.
TEST_F(Rivals, LeaveAResultThatWasKept) {
  const auto job = start(1);
  ASSERT_TRUE(are_there(1));
  std::filesystem::create_directory(wet());
  EXPECT_EQ(job->end(), 2);
  EXPECT_TRUE(
      says(read_bytes(err(1)), {"cannot take its place", "is complete in", kept() + "'\n"}));
  const std::string right = expected(1);
  EXPECT_TRUE(read_bytes(kept()) == right);
  const Ended next = run_program(
      {"render", inputs_.file("source.wav"), room_, outputs_.file("next.wav"), "-q", "-g", "-40"});
  EXPECT_EQ(next.exit_code, 0) << next.err;
  EXPECT_TRUE(read_bytes(kept()) == right);
  EXPECT_EQ(outputs_.count(), 3);
}

}  // namespace
}  // namespace gpuconv::test
