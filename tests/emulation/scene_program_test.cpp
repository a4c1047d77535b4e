// scene_program_test.cpp - the program's scenes on a GPU: what a CPU method makes of them, too
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/heard.hpp"
#include "tests/support/program_fixture.hpp"
#include "tests/support/smooth_head.hpp"
#include "tests/support/sofa_writer.hpp"

namespace gpuconv::test {
namespace {

class SceneOfProgram : public Program {
 protected:
  /// Renders on the CPU and by each GPU method, and compares both ears.
  void expect_same_on_a_gpu(const std::vector<std::string>& job,
                            std::initializer_list<const char*> methods) const {
    std::vector<std::string> on_cpu = job;
    on_cpu.insert(on_cpu.end(), {"-q", "-m", "cpu-vectorised"});
    const Outcome right = run(on_cpu);
    ASSERT_EQ(right.exit_code, 0) << right.err;
    const Heard expected = heard(wet());
    double energy = 0;
    for (const auto& ear : expected.samples) {
      for (const float y : ear) energy += double{y} * double{y};
    }
    ASSERT_GT(energy, 0);
    for (const char* const method : methods) {
      std::filesystem::remove(wet());
      std::vector<std::string> on_gpu = job;
      on_gpu.insert(on_gpu.end(), {"-q", "-m", method});
      const Outcome outcome = run(on_gpu);
      ASSERT_EQ(outcome.exit_code, 0) << method << ": " << outcome.err;
      const Heard got = heard(wet());
      for (std::size_t e = 0; e < 2; ++e) {
        ASSERT_EQ(got.samples[e].size(), expected.samples[e].size()) << method;
        double error = 0;
        for (std::size_t n = 0; n < got.samples[e].size(); ++n) {
          error += std::pow(double{got.samples[e][n]} - double{expected.samples[e][n]}, 2);
        }
        EXPECT_LT(std::sqrt(error), 2e-6 * std::sqrt(energy)) << method << ", ear " << e;
      }
    }
  }

  const std::string other_ = float_wav(folder_, "other.wav", 1, noise(700, 3));
};

TEST_F(SceneOfProgram, IsTheSameOnAGpu) {
  const std::string scene = folder_.file("scene.json");
  write_bytes(scene, R"({"voices": [{"input": "source.wav", "response": "room.wav"},
    {"input": "other.wav", "response": "room.wav", "start": 0.05, "gain": -6},
    {"input": "other.wav", "response": "room.wav", "start": 0.2}]})");
  expect_same_on_a_gpu({"scene", scene, wet()}, {"gpu-direct", "gpu-tiled", "gpu-radix2",
                                                 "gpu-cufft", "gpu-fourstep", "gpu-fused"});
}

TEST_F(SceneOfProgram, TrueStereoIsTheSameOnAGpu) {
  const std::string stereo = float_wav(folder_, "stereo.wav", 2, noise(2 * 900, 4));
  const std::string four = float_wav(folder_, "four.wav", 4, noise(4 * 120, 5));
  expect_same_on_a_gpu({"render", stereo, four, wet()}, {"gpu-tiled", "gpu-fourstep", "gpu-fused"});
}

TEST_F(SceneOfProgram, ASourceThatMovesIsTheSameOnAGpu) {
  const std::string head = folder_.file("head.sofa");
  write_sofa(head, SmoothHead{}.sofa(rings(30, -30, 30, 30)));
  const std::string path = folder_.file("path.csv");
  write_bytes(path, "time,azimuth,elevation\n0,-90,0\n0.1,90,0\n");
  expect_same_on_a_gpu({"render", source_, head, wet(), "--trajectory", path},
                       {"gpu-fourstep", "gpu-fused"});
}

}  // namespace
}  // namespace gpuconv::test
