// cause_test.cpp - what the program says when the GPU fails, and how the program ends
#include <cstdlib>
#include <set>

#include "tests/emulation/fixture.hpp"
#include "tests/support/child.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"

namespace gpuconv::test {
namespace {

TEST(Causes, HaveASentenceEach) {
  std::set<std::string> sentences;
  const std::vector<int> codes{2, 3, 35, 46, 100, 101, 209, 214, 220, 222, 700, 702, 719, 802, 803};
  for (const int code : codes) {
    const std::string sentence = cause(static_cast<cudaError_t>(code));
    EXPECT_NE(sentence, "") << code;
    sentences.insert(sentence);
  }
  EXPECT_EQ(sentences.size(), codes.size());
  EXPECT_EQ(cause(cudaErrorInvalidValue), "") << "a bug: CUDA's own words and the call are enough";
}

class FaultyGpu : public ::testing::Test {
 protected:
  ~FaultyGpu() override {
    ::unsetenv("GPUCONV_EMULATED_FAIL");
    ::unsetenv("GPUCONV_EMULATED_DEVICES");
  }

  int render(const char* variable, const std::string& value, std::vector<std::string> options) {
    ::setenv(variable, value.c_str(), 1);
    options.insert(options.begin(), {"render", source_, room_, wet(), "-q"});
    const int exit_code = Child(options, folder_.file("err")).wait();
    ::unsetenv(variable);
    return exit_code;
  }

  std::string wet() const { return folder_.file("wet.wav"); }
  std::string err() const { return read_bytes(folder_.file("err")); }

  /// Exit code 3, one line that says why, and the old output.
  void expect_gpu_error(int exit_code, std::initializer_list<std::string_view> parts) const {
    EXPECT_EQ(exit_code, 3);
    const std::string said = err();
    EXPECT_EQ(said.rfind("error: ", 0), 0u) << said;
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    EXPECT_TRUE(says(said, parts));
    EXPECT_EQ(read_bytes(wet()), "old");
    EXPECT_EQ(folder_.count(), 4);
  }

  void SetUp() override {
    write_bytes(wet(), "old");
    write_bytes(folder_.file("err"), "");
  }

  const Folder folder_;
  const std::string source_ = float_wav(folder_, "source.wav", 1, noise(2000, 1));
  const std::string room_ = float_wav(folder_, "room.wav", 2, noise(600, 2));
};

TEST_F(FaultyGpu, EndsTheProgramWithThreeAndASentence) {
  const std::vector<std::string> on_gpu{"-m", "gpu-radix2"};
  // The first call asks for devices; the sixtieth is in the middle of the work.
  expect_gpu_error(render("GPUCONV_EMULATED_FAIL", "1:35:persistent", on_gpu),
                   {"no NVIDIA driver is installed"});
  expect_gpu_error(render("GPUCONV_EMULATED_FAIL", "1:35", on_gpu), {"driver is too old"});
  expect_gpu_error(render("GPUCONV_EMULATED_DEVICES", "0", on_gpu), {"no NVIDIA GPU is visible"});
  expect_gpu_error(render("GPUCONV_EMULATED_FAIL", "60:214", on_gpu), {"(ECC)", "nvidia-smi"});
  expect_gpu_error(render("GPUCONV_EMULATED_FAIL", "60:700", on_gpu), {"illegal address"});
  expect_gpu_error(render("GPUCONV_EMULATED_FAIL", "60:209", on_gpu), {"no kernel for this GPU"});
  expect_gpu_error(render("GPUCONV_EMULATED_DEVICES", "2", {"--device", "cuda:2"}),
                   {"cuda:2", "there are 2 devices"});
  expect_gpu_error(
      render("GPUCONV_EMULATED_FAIL", "1000000:2", {"-m", "gpu-radix2", "--max-gpu-mem", "1KB"}),
      {"out of device memory: needs ", " more bytes, and ", " of 1000 allowed ones are free"});
}

TEST_F(FaultyGpu, IsLeftForTheCpuOnlyIfAskedTo) {
  std::vector<std::string> options{"-m", "gpu-radix2", "-g", "-60", "--fallback", "cpu"};
  EXPECT_EQ(render("GPUCONV_EMULATED_FAIL", "60:700", options), 0);
  EXPECT_TRUE(says(err(), {"warning: ", "illegal address", "done on the CPU (--fallback cpu)"}));
  const std::string after_fault = read_bytes(wet());
  EXPECT_EQ(render("GPUCONV_EMULATED_DEVICES", "1", {"--device", "cpu", "-g", "-60"}), 0);
  EXPECT_TRUE(after_fault == read_bytes(wet()));
}

TEST_F(FaultyGpu, ThatDoesNotAnswerIsGivenUp) {
  const auto start = std::chrono::steady_clock::now();
  expect_gpu_error(render("GPUCONV_EMULATED_HANG", "1", {"-m", "gpu-tiled", "--gpu-timeout", "1"}),
                   {"the GPU does not answer", "--gpu-timeout"});
  EXPECT_LT(seconds_since(start), 5);
}

TEST_F(FaultyGpu, IsGivenItsTimeWhereTheProcessWasStopped) {
  ::setenv("GPUCONV_EMULATED_HANG", "1", 1);
  Child child({"render", source_, room_, wet(), "-q", "-m", "gpu-tiled", "--gpu-timeout", "3"},
              folder_.file("err"));
  ::unsetenv("GPUCONV_EMULATED_HANG");
  ASSERT_TRUE(eventually([&] { return folder_.count() == 5; }));  // the temporary file
  std::this_thread::sleep_for(std::chrono::milliseconds(500));    // it is waiting by now
  child.send(SIGSTOP);
  std::this_thread::sleep_for(std::chrono::milliseconds(3'500));
  child.send(SIGCONT);
  const auto woken = std::chrono::steady_clock::now();
  expect_gpu_error(child.wait(), {"the GPU does not answer"});
  EXPECT_GT(seconds_since(woken), 1.0) << "the stop counts as one second of three";
}

TEST_F(FaultyGpu, MayBeGivenLessMemoryAndGivesTheSameBytes) {
  const std::string long_source = float_wav(folder_, "long.wav", 1, noise(100'000, 1));
  const auto bytes_with = [&](const std::string& memory) {
    const std::vector<std::string> options{
        "render", long_source, room_,       wet(),           "-q",  "-g",
        "-60",    "-m",        "gpu-tiled", "--max-gpu-mem", memory};
    EXPECT_EQ(Child(options, folder_.file("err")).wait(), 0) << err();
    return read_bytes(wet());
  };
  EXPECT_TRUE(bytes_with("2GiB") == bytes_with("2MB"));
}

TEST_F(FaultyGpu, ThatDamagesFramesOnTheWayIsFoundOut) {
  // Also where not all frames are wanted.
  for (const char* const length : {"full", "same"}) {
    const std::vector<std::string> quiet{"-m", "gpu-radix2", "-g", "-60", "--length", length};
    int copies = 0;
    while (render("GPUCONV_EMULATED_DAMAGE", std::to_string(copies + 1), quiet) != 0) {
      ++copies;
      expect_gpu_error(3, {"ear's peak was ", "on the device", "frames were damaged on the way"});
      ASSERT_LT(copies, 100);
    }
    EXPECT_GE(copies, 4) << "frames and level of two ears, " << length;
    EXPECT_NE(read_bytes(wet()), "old");
    write_bytes(wet(), "old");
  }
}

TEST_F(FaultyGpu, IsVerifiedToo) {
  for (const char* const method : {"gpu-direct", "gpu-radix2", "gpu-fourstep", "gpu-fused"}) {
    EXPECT_EQ(render("GPUCONV_EMULATED_DEVICES", "1", {"-m", method, "--verify", "-g", "-60"}), 0)
        << err();
  }
}

}  // namespace
}  // namespace gpuconv::test
