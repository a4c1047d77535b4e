// selftest_test.cpp - the user's own check passes what is right, and nothing else
#include "host/bench/selftest.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cmath>
#include <cstdio>
#include <limits>

#include "host/base/error.hpp"
#include "host/render/renderer.hpp"
#include "tests/support/files.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

/// Renders as it should, then lets `spoil` have the frames.
class Spoiled final : public Renderer {
 public:
  using Spoil = std::function<void(Stereo<Signal>& wet)>;
  Spoiled(std::unique_ptr<Renderer> renderer, Spoil spoil)
      : renderer_(std::move(renderer)), spoil_(std::move(spoil)) {}
  RenderReport run(const ReadSource& source, const WriteWet& wet) override {
    Frames frames;
    RenderReport report = renderer_->run(source, std::ref(frames));
    spoil_(frames.wet);
    wet({frames.wet.left, frames.wet.right});
    return report;
  }

 private:
  std::unique_ptr<Renderer> renderer_;
  Spoil spoil_;
};

SelfTest spoiled(const Spoiled::Spoil& spoil) {
  return selftest(find_method("cpu-naive"), std::nullopt, "",
                  [&](const Method& method, const Stereo<Signal>& response, std::int64_t N, int) {
                    return std::make_unique<Spoiled>(make_renderer(method, response, N, 0), spoil);
                  });
}

TEST(SelfTestTest, PassesEveryMethodThatCanRunHere) {
  const Devices devices = query_devices();
  const auto device =
      devices.list.empty() ? std::nullopt : std::optional<Device>(devices.list.front());
  for (const Method& method : methods()) {
#ifdef GPUCONV_EMULATED
    if (method.processor == Processor::cpu) continue;  // slow, and the plain build runs them
#endif
    const SelfTest test = selftest(method, device, devices.why_none, make_renderer);
    EXPECT_EQ(test.failure, "") << method.name;
    EXPECT_EQ(test.not_here.empty(), test.problems >= 6) << method.name;
    EXPECT_LE(test.error, test.bound) << method.name;
    EXPECT_TRUE(method.processor == Processor::gpu || test.is_ok()) << method.name;
  }
}

TEST(SelfTestTest, FailsWhatIsWrong) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::pair<const char*, Spoiled::Spoil> kSpoils[] = {
      {"one sample off by a little",
       [](Stereo<Signal>& wet) { wet.right.back() += 1e-3f * std::abs(wet.right.front()); }},
      {"a NaN", [=](Stereo<Signal>& wet) { wet.left.front() = nan; }},
      {"silence", [](Stereo<Signal>& wet) { wet.left.assign(wet.left.size(), 0.0f); }},
      {"ears swapped", [](Stereo<Signal>& wet) { std::swap(wet.left, wet.right); }},
      {"a sign", [](Stereo<Signal>& wet) { wet.right.front() *= -1; }},
      {"a frame too few", [](Stereo<Signal>& wet) { wet.left.pop_back(), wet.right.pop_back(); }},
      {"a frame too many",
       [](Stereo<Signal>& wet) {
         wet.left.push_back(0);
         wet.right.push_back(0);
       }},
      {"a silent ear that is not",
       [](Stereo<Signal>& wet) {
         if (wet.left == Signal(wet.left.size())) wet.left.front() = 1e-30f;
       }},
  };
  EXPECT_TRUE(spoiled([](Stereo<Signal>&) {}).is_ok());
  for (const auto& [what, spoil] : kSpoils) EXPECT_NE(spoiled(spoil).failure, "") << what;
}

SelfTest throwing(const char* message) {
  return selftest(find_method("gpu-cufft"), Device{}, "",
                  [=](const Method&, const Stereo<Signal>&, std::int64_t,
                      int) -> std::unique_ptr<Renderer> { throw GpuError(message); });
}

TEST(SelfTestTest, TellsAFailureFromWhatIsNotHere) {
  EXPECT_EQ(throwing("GPU: out of memory").failure, "GPU: out of memory");
  EXPECT_EQ(throwing("cuFFT is not installed where").not_here, "cuFFT is not installed where");
  const SelfTest without = selftest(find_method("gpu-tiled"), std::nullopt, "no GPU", {});
  EXPECT_EQ(without.not_here, "no GPU");
  EXPECT_FALSE(without.is_ok());
}

/// What `gpuconv selftest` prints, and its exit code.
std::pair<std::string, int> run_program(const std::string& options) {
  const std::string command = "'" GPUCONV_PROGRAM "' selftest " + options + " 2>&1";
  FILE* const pipe = popen(command.c_str(), "r");
  std::string text;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text += static_cast<char>(c);
  return {text, WEXITSTATUS(pclose(pipe))};
}

TEST(SelfTestProgram, NamesEveryMethodAndSaysHowMany) {
  const auto [text, exit_code] = run_program("--device cpu");
  EXPECT_EQ(exit_code, 0) << text;
  int on_cpu = 0;
  for (const Method& method : methods()) {
    EXPECT_NE(text.find(method.name), std::string::npos) << text;
    on_cpu += method.processor == Processor::cpu;
  }
  const std::string others = std::to_string(static_cast<int>(methods().size()) - on_cpu);
  EXPECT_TRUE(says(text, {std::to_string(on_cpu) + " ok, 0 failed, " + others + " not here",
                          "not here: --device cpu forbids"}));
}

TEST(SelfTestProgram, RefusesADeviceThatIsNotThere) {
  EXPECT_EQ(run_program("--device cuda:999").second, 3);
  EXPECT_EQ(run_program("--device gpu").second, 1);
}

}  // namespace
}  // namespace gpuconv::test
