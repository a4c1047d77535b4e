// long_render_test.cpp - the program with a recording of several blocks: what looks on while three
// threads work, and what ends them
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "host/files/file_descriptor.hpp"
#include "tests/support/child.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"

namespace gpuconv::test {
namespace {

class LongRender : public ::testing::Test {
 protected:
  static constexpr std::size_t kBlock = 1 << 19;  // of the direct methods
  static constexpr std::size_t kSamples = kBlock + 777;

  std::string wet() const { return outputs_.file("wet.wav"); }
  std::string err() const { return read_bytes(inputs_.file("err")); }

  /// Of the output that is being written.
  std::uintmax_t bytes_of_temporary() const {
    std::uintmax_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator(outputs_.path())) {
      bytes = std::max(bytes, file.file_size());
    }
    return bytes;
  }

  std::vector<std::string> job(const std::string& source, const std::string& output,
                               const std::vector<std::string>& options = {}) const {
    std::vector<std::string> words{"render", source, room_, output, "-q", "-m", "gpu-tiled"};
    words.insert(words.end(), options.begin(), options.end());
    return words;
  }

  std::string render(const std::vector<std::string>& options) const {
    EXPECT_EQ(Child(job(source_, wet(), options), inputs_.file("err")).wait(), 0) << err();
    return read_bytes(wet());
  }

  /// Of a WAV, two floats each.
  static std::string frames_of(const std::string& wav) { return wav.substr(wav.find("data") + 8); }

  /// It has ended with one line, and left everything as it was.
  void expect_error(int exit_code, int expected, std::initializer_list<std::string_view> parts) {
    EXPECT_EQ(exit_code, expected) << err();
    EXPECT_TRUE(says(err(), parts));
    EXPECT_EQ(std::ranges::count(err(), '\n'), 1) << err();
    EXPECT_EQ(read_bytes(wet()), "old");
    EXPECT_EQ(outputs_.count(), 1);
  }

  void SetUp() override { write_bytes(wet(), "old"); }

  const Folder inputs_;
  const Folder outputs_;
  const Signal samples_ = noise(kSamples, 1);
  const std::string source_ = float_wav(inputs_, "source.wav", 1, samples_);
  const std::string room_ = float_wav(inputs_, "room.wav", 2, {0.5F, 0.25F, -0.25F, 0.125F});
};

TEST_F(LongRender, GivesTheSameFramesWhateverLooksOn) {
  const std::string right = frames_of(render({}));
  ASSERT_EQ(right.size(), 8 * (kSamples + 1));
  const std::string file = inputs_.file("trace.json");
  const std::string watched = frames_of(render(
      {"--verify", "--progress", "--trace", file, "--length", "same", "--max-gpu-mem", "9MB"}));
  ASSERT_EQ(watched.size(), 8 * kSamples);
  EXPECT_TRUE(right.starts_with(watched));
  EXPECT_TRUE(says(read_bytes(file), {"\"thread 1\"", "\"thread 2\"", "\"thread 3\""}));
  EXPECT_EQ(frames_of(render({"--norm"})).size(), right.size());
}

// The device has measured other frames than those that are written.
TEST_F(LongRender, WritesOneEarAnEarlyPartAndNoise) {
  const std::string both = frames_of(render({}));
  const std::string right = frames_of(render({"--channels", "right", "--early", "0", "--verify"}));
  ASSERT_EQ(right.size(), 4 * (kSamples + 1));
  for (std::size_t n = 0; n <= kSamples; n += 97) {
    ASSERT_EQ(right.substr(4 * n, 4), both.substr(8 * n + 4, 4)) << n;
  }
  // One tap of 0.25 is left: a product that is exact.
  const std::string early = frames_of(read_bytes(outputs_.file("wet.early.wav")));
  ASSERT_EQ(early.size(), right.size());
  Signal exact(kSamples + 1);
  std::ranges::transform(samples_, exact.begin(), [](float x) { return 0.25F * x; });
  EXPECT_TRUE(early == test::bytes_of(exact));
  const std::string noisy =
      render({"--level", "rms=-20", "--noise", source_, "--snr", "3", "--early", "0"});
  EXPECT_EQ(frames_of(noisy).size(), both.size());
  double sum = 0;
  for (std::size_t at = noisy.find("data") + 8; at < noisy.size(); at += 4) {
    float y = 0;
    std::memcpy(&y, noisy.data() + at, 4);
    sum += double{y} * double{y};
  }
  EXPECT_NEAR(10 * std::log10(sum / (2.0 * (kSamples + 1))), -20, 1e-4);
}

TEST_F(LongRender, EndsWithTheErrorOfItsSource) {
  Signal samples = samples_;
  samples[kSamples - 10] = NAN;
  const std::string broken = float_wav(inputs_, "broken.wav", 1, samples);
  expect_error(Child(job(broken, wet()), inputs_.file("err")).wait(), 2,
               {"broken.wav: frame " + std::to_string(kSamples - 10) + " is not a number"});
}

TEST_F(LongRender, EndsWithinASecondOfASignalThoughItsPipeSaysNothing) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const std::string pipe = inputs_.file("pipe" + std::to_string(signal));
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    Child child(job(pipe, wet()), inputs_.file("err"));
    const FileDescriptor writer(::open(pipe.c_str(), O_WRONLY));
    const std::string bytes = read_bytes(source_);
    const std::string_view begin = std::string_view(bytes).substr(0, 4 * kBlock + 100'000);
    for (std::size_t sent = 0; sent < begin.size();) {
      const ssize_t written = ::write(writer.get(), begin.data() + sent, begin.size() - sent);
      ASSERT_GT(written, 0);
      sent += static_cast<std::size_t>(written);
    }
    // The first block is in the file by then: nothing is left but to read on.
    ASSERT_TRUE(eventually([&] { return bytes_of_temporary() > 8 * kBlock; }));
    const auto asked = std::chrono::steady_clock::now();
    child.send(signal);
    const int code = child.wait();
    EXPECT_LT(seconds_since(asked), 1.0);
    expect_error(code, 128 + signal, {"error: stopped by a signal"});
  }
}

TEST_F(LongRender, IsGivenUpWhereTheGpuDoesNotAnswer) {
  ::setenv("GPUCONV_EMULATED_HANG", "1", 1);
  Child child(job(source_, wet(), {"--gpu-timeout", "1"}), inputs_.file("err"));
  ::unsetenv("GPUCONV_EMULATED_HANG");
  expect_error(child.wait(), 3, {"the GPU does not answer"});
}

}  // namespace
}  // namespace gpuconv::test
