#include "host/methods/cost_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "host/base/error.hpp"
#include "host/methods/choose.hpp"
#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

const Method& naive() { return find_method("cpu-naive"); }

TEST(CostModelTest, AddsUpWhatAJobConsistsOf) {
  CostModel model;
  model.set_speed(naive(), {.rate = 1e9, .bandwidth = 1e6, .launch = 0.5});
  const double bytes = 4 * 1000 + 8 * 1099;
  EXPECT_DOUBLE_EQ(model.seconds(naive(), 1000, 100, std::nullopt),
                   0.5 + bytes / 1e6 + 4.0 * 1000 * 100 / 1e9);
}

TEST(CostModelTest, CountsTheStartOfAGpuAndEachOfItsBlocks) {
  Device device;
  device.peak_flops = 1e12;
  const Method& direct = find_method("gpu-direct");
  CostModel model;
  model.set_gpu_start(2);
  model.set_speed(direct, {.rate = 0.5, .bandwidth = 1e30, .launch = 1});
  const double blocks = direct.blocks(1e9, 1);
  EXPECT_GT(blocks, 1);
  EXPECT_DOUBLE_EQ(model.seconds(direct, 1'000'000'000, 1, device),
                   2 + blocks + 4.0 * 1e9 / 0.5e12);
  EXPECT_GT(model.seconds(direct, 1, 1, std::nullopt), 1e300);  // no device, no end
}

TEST(CostModelTest, EstimatesGrowWithBothLengths) {
  Device device;
  device.peak_flops = 50e12;
  for (const Method& method : methods()) {
    const CostModel model;
    const double small = model.seconds(method, 10'000, 1'000, device);
    EXPECT_GT(small, 0) << method.name;
    EXPECT_LT(small, model.seconds(method, 100'000'000, 1'000, device)) << method.name;
    const std::int64_t longest = std::min<std::int64_t>(10'000'000, method.longest_response);
    const double large = model.seconds(method, 10'000, longest, device);
    EXPECT_LT(small, large) << method.name;
    EXPECT_TRUE(std::isfinite(large)) << method.name;
    const double too_much = model.seconds(method, 1, method.longest_response + 1, device);
    EXPECT_EQ(std::isfinite(too_much), method.processor == Processor::cpu) << method.name;
  }
}

TEST(CostModelTest, ChangesWhatAutoTakesAndSaysSo) {
  const auto choice = [](const CostModel& model) {
    return choose({.device = "cpu"}, 100'000, 10'000, Devices{}, model);
  };
  EXPECT_EQ(choice({}).method->name, "cpu-vectorised");
  EXPECT_TRUE(says(choice({}).why, {"; not calibrated"}));
  CostModel model;
  model.set_speed(naive(), {.rate = 1e18, .bandwidth = 1e18, .launch = 1e-9});
  EXPECT_EQ(choice(model).method->name, "cpu-naive");
  EXPECT_TRUE(says(choice(model).why, {"; calibrated"}));
}

TEST(CostModelTest, SurvivesBeingWrittenAndRead) {
  CostModel written;
  written.set_speed(naive(), {.rate = 1.5e9, .bandwidth = 2e6, .launch = 3e-6});
  CostModel read;
  read.read_json(written.to_json(Processor::cpu, "a machine"), "a machine");
  EXPECT_EQ(read.speed(naive()).rate, 1.5e9);
  EXPECT_EQ(read.speed(naive()).bandwidth, 2e6);
  EXPECT_EQ(read.speed(naive()).launch, 3e-6);
  EXPECT_TRUE(read.is_calibrated(Processor::cpu));
  EXPECT_FALSE(read.is_calibrated(Processor::gpu));
  CostModel of_gpu;
  of_gpu.set_gpu_start(7);
  read.read_json(of_gpu.to_json(Processor::gpu, "b"), "b");
  EXPECT_EQ(read.gpu_start(), 7);
}

TEST(CostModelTest, RefusesWhatItDidNotWrite) {
  CostModel good;
  good.set_speed(naive(), {.rate = 1e9, .bandwidth = 1e6, .launch = 1e-6});
  const std::string text = good.to_json(Processor::cpu, "m");
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    const std::size_t at = other.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return other.replace(at, from.size(), to);
  };
  for (const std::string& bad :
       {std::string(), std::string("null"), std::string("[]"), text.substr(0, text.size() / 2),
        changed("1000000000.0", "-1"), changed("1000000000.0", "0"), changed("1000000.0", "\"x\""),
        changed("\"launch\"", "\"lunch\""), changed("\"speeds\"", "\"speed\""),
        changed("\"gpuconv_calibration\": 1", "\"gpuconv_calibration\": 2"),
        changed("\"m\"", "\"another\"")}) {
    CostModel model;
    EXPECT_THROW(model.read_json(bad, "m"), std::runtime_error) << bad;
    EXPECT_FALSE(model.is_calibrated(Processor::cpu)) << bad;
  }
}

/// With a cache folder of its own.
class CalibrationFileTest : public ::testing::Test {
 protected:
  CalibrationFileTest() {
    if (const char* const cache = std::getenv("XDG_CACHE_HOME")) before_ = cache;
    setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1);
  }
  ~CalibrationFileTest() override {
    if (before_.empty()) {
      unsetenv("XDG_CACHE_HOME");
    } else {
      setenv("XDG_CACHE_HOME", before_.c_str(), 1);
    }
  }
  static CostModel model() {
    CostModel model;
    model.set_speed(naive(), {.rate = 1e9, .bandwidth = 1e6, .launch = 1e-6});
    return model;
  }

  const Folder folder_;
  std::string before_;
  std::string warning_;
};

TEST_F(CalibrationFileTest, IsKeptInTheCacheFolderAndFoundAgain) {
  EXPECT_FALSE(load_cost_model(std::nullopt, warning_).is_calibrated(Processor::cpu));
  EXPECT_EQ(warning_, "");  // not to be calibrated is no fault
  const std::string path = save_cost_model(model(), Processor::cpu, std::nullopt);
  EXPECT_EQ(path.rfind(folder_.path() + "/gpuconv/speeds-", 0), 0u) << path;
  EXPECT_EQ(load_cost_model(std::nullopt, warning_).speed(naive()).rate, 1e9);
  EXPECT_EQ(warning_, "");
}

TEST_F(CalibrationFileTest, IsLeftOutWithAWarningWhenItIsDamaged) {
  const std::string path = save_cost_model(model(), Processor::cpu, std::nullopt);
  write_bytes(path, "{\"gpuconv_calibration\": 1");
  const CostModel loaded = load_cost_model(std::nullopt, warning_);
  EXPECT_FALSE(loaded.is_calibrated(Processor::cpu));
  EXPECT_TRUE(says(warning_, {path, "not used", "--calibrate"}));
}

TEST_F(CalibrationFileTest, NeedsAFolder) {
  setenv("XDG_CACHE_HOME", "relative", 1);
  const char* const home = std::getenv("HOME");
  const std::string kept = home == nullptr ? "" : home;
  unsetenv("HOME");
  EXPECT_EQ(calibration_file("m"), "");
  EXPECT_THROW(save_cost_model(model(), Processor::cpu, std::nullopt), UsageError);
  setenv("HOME", "/home/nobody", 1);
  EXPECT_EQ(calibration_file("A GPU, 2x"), "/home/nobody/.cache/gpuconv/speeds-A-GPU-2x.json");
  if (kept.empty()) {
    unsetenv("HOME");
  } else {
    setenv("HOME", kept.c_str(), 1);
  }
}

}  // namespace
}  // namespace gpuconv::test
