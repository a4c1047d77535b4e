// long_source_test.cpp - the memory of a render is that of its response and its blocks, not of its
// source
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/closeness.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/problem.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

/// Bytes of this process in memory now.
std::int64_t resident_bytes() {
  std::int64_t total = 0;
  std::int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

/// Noise of `length` samples, made while it is read.
class EndlessNoise {
 public:
  explicit EndlessNoise(std::int64_t length) : left_(length), period_(noise(kPeriod, 1)) {}
  std::size_t operator()(std::span<float> block) {
    const auto count = static_cast<std::size_t>(std::min(std::ssize(block), left_));
    for (std::size_t n = 0; n < count; ++n) block[n] = period_[phase_++ % kPeriod];
    left_ -= static_cast<std::int64_t>(count);
    return count;
  }

 private:
  static constexpr std::size_t kPeriod = 65'537;
  std::int64_t left_;
  std::size_t phase_ = 0;
  Signal period_;
};

class LongSources : public ::testing::TestWithParam<const Method*> {};

TEST_P(LongSources, TakeTheMemoryOfShortOnes) {
  GPUCONV_SKIP_UNLESS_RUNS(*GetParam());
  // Slow, and rendered in the blocks of cpu-cooley-tukey.
  if (GetParam()->name == "cpu-hybrid" && number_from_environment("GPUCONV_LONG", 0) == 0) {
    GTEST_SKIP() << "cpu-hybrid with GPUCONV_LONG=1";
  }
  constexpr std::int64_t kShort = 6'000'000;  // takes every block
  const auto renderer =
      make_renderer(*GetParam(), {noise(60, 2), noise(60, 3)}, std::max(2 * kShort, kEndless), 0);
  std::int64_t most = 0;
  const auto render = [&](std::int64_t length) {
    EndlessNoise source(length);
    const RenderReport report = renderer->run(
        std::ref(source),
        [&](Stereo<std::span<const float>>) { most = std::max(most, resident_bytes()); });
    EXPECT_EQ(report.source_samples, length);
    EXPECT_EQ(report.frames, length + 59);
  };
#ifdef GPUCONV_EMULATED
  render(60'000);  // slow, and a sanitizer keeps what was freed: whether it works at all
#else
  render(kShort);  // what the allocator keeps of the first is there for the second
  render(kShort);
  const std::int64_t most_of_short = most;
  render(2 * kShort);
  EXPECT_LT(most - most_of_short, 6 << 20);  // the source alone would add 24 MB
#endif
}

INSTANTIATE_TEST_SUITE_P(, LongSources, ::testing::ValuesIn([] {
                           std::vector<const Method*> all;
                           for (const Method& method : methods()) {
                             // Blocks of a million samples squared would take hours.
                             if (method.name != "cpu-dft") all.push_back(&method);
                           }
                           return all;
                         }()),
                         [](const auto& parameter) { return test_name(parameter.param->name); });

}  // namespace
}  // namespace gpuconv::test
