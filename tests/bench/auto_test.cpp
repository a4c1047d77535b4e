// auto_test.cpp - "auto" costs little against the best choice, which is found by trying all
//
// Not in emulated builds, where sanitizers take the time. Each time is the shortest of several, so
// that other work on the machine does not count.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <limits>
#include <map>
#include <optional>
#include <tuple>

#include "host/bench/calibrate.hpp"
#include "host/bench/problem.hpp"
#include "host/bench/timer.hpp"
#include "host/methods/choose.hpp"

namespace gpuconv::test {
namespace {

std::vector<Problem> shapes() {
  std::vector<Problem> list;
  for (const std::int64_t N :
       {30, 300, 3'000, 10'000, 30'000, 100'000, 300'000, 1'000'000, 3'000'000}) {
    for (const std::int64_t K : {1, 4, 16, 64, 256, 1'000, 10'000, 70'000}) {
      list.push_back({"", N, K});
    }
  }
  return list;
}

/// The shortest time that each method has taken for each shape, so far.
class Times {
 public:
  explicit Times(const std::optional<Device>& device) : device_(device) {}

  /// Measures the methods of `field` on `shape`; they take turns.
  void measure(const std::vector<const Method*>& field, const Problem& shape) {
    constexpr double kEnough = 0.1;  // seconds on one shape, after three rounds
    const Sounds sounds(shape);
    double spent = 0;
    for (int round = 0; round < 25 && (round < 3 || spent < kEnough); ++round) {
      for (const Method* const method : field) {
        const double seconds = job_seconds(*method, sounds.source, sounds.response, device_);
        double& shortest = (*this)(*method, shape);
        shortest = std::min(shortest, seconds);
        spent += seconds;
      }
    }
  }

  double& operator()(const Method& method, const Problem& shape) {
    return shortest_
        .try_emplace({&method, shape.N, shape.K}, std::numeric_limits<double>::infinity())
        .first->second;
  }

 private:
  std::optional<Device> device_;
  std::map<std::tuple<const Method*, std::int64_t, std::int64_t>, double> shortest_;
};

/// Seconds of all shapes together: as a model chooses, and at best.
struct Sums {
  double chosen = 0;
  double best = 0;
  double ratio = 1;  ///< geometric mean of chosen / best: small jobs count like large ones
  double most_lost = 0;
  std::string worst = {};  ///< where that is
};

Sums try_all(const CostModel& model, const std::optional<Device>& device, Times& times) {
  Sums sums;
  const std::vector<Problem> list = shapes();
  Devices devices;
  if (device) devices.list = {*device};
  for (const Problem& shape : list) {
    const Choice choice = choose({}, shape.N, shape.K, devices, model);
    std::vector<const Method*> field;
    for (const Method& method : methods()) {
      if (method.is_yardstick) continue;
      if (method.processor == Processor::gpu &&
          (!device || !why_too_much(method, shape.N, shape.K, *device).empty())) {
        continue;
      }
      // Who is expected to be thirty times slower would have to be misjudged as much to matter.
      if (model.seconds(method, shape.N, shape.K, device) < 30 * choice.estimated_seconds) {
        field.push_back(&method);
      }
    }
    times.measure(field, shape);
    const auto time_of = [&](const Method* method) { return times(*method, shape); };
    const Method* const fastest = *std::ranges::min_element(field, {}, time_of);
    // Among slow methods a fast one has few rounds, and what disturbs them decides.
    if (time_of(choice.method) > time_of(fastest) + 1e-3) {
      times.measure({choice.method, fastest}, shape);
    }
    const double chosen = time_of(choice.method);
    const double best = std::min(chosen, time_of(fastest));
    sums.chosen += chosen;
    sums.best += best;
    if (chosen - best > sums.most_lost) {
      sums.most_lost = chosen - best;
      sums.worst = fmt::format("{} for {} x {}", choice.method->name, shape.N, shape.K);
    }
    sums.ratio *= std::pow(chosen / best, 1 / static_cast<double>(list.size()));
  }
  return sums;
}

/// What disturbs the machine for some seconds, like a core that another process takes, must not
/// count: each attempt makes its model anew, and times can only get shorter. A wrong model fails
/// every time.
void expect_little_regret(const std::function<CostModel()>& make_model,
                          const std::optional<Device>& device = std::nullopt) {
  ASSERT_GE(shapes().size(), 60u);
  Times times(device);
  Sums sums;
  for (int attempt = 0; attempt < 4; ++attempt) {
    sums = try_all(make_model(), device, times);
    std::cout << "auto: " << sums.chosen / sums.best << " of the best by the sum, " << sums.ratio
              << " in the mean of the shapes; " << sums.worst << " loses " << sums.most_lost
              << " s\n";
    if (sums.chosen <= 1.10 * sums.best && sums.ratio <= 1.25) return;
  }
  FAIL() << sums.chosen << " s against " << sums.best << " s at best";
}

TEST(Auto, CostsNoMoreThanATenthOverTheBestMethodWhenCalibrated) {
  expect_little_regret([] { return calibrate(std::nullopt); });
}

TEST(Auto, CostsNoMoreThanATenthOverTheBestMethodWithBuiltInConstants) {
  expect_little_regret([] { return CostModel(); });
}

TEST(Auto, CostsNoMoreThanATenthOverTheBestMethodOfCpuAndGpu) {
  const Devices devices = query_devices();
  if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
  const Device& device = devices.list.front();
  expect_little_regret(
      [&] {
        CostModel model = calibrate(device);
        model.set_gpu_start(1e-6);  // this process has long paid for it
        return model;
      },
      device);
}

TEST(Calibration, MeasuresEveryMethodOfTheCpuInSeconds) {
  const double seconds = seconds_of([] {
    const CostModel model = calibrate(std::nullopt);
    for (const Method& method : methods()) {
      if (method.processor == Processor::gpu) continue;
      const Speed speed = model.speed(method);
      EXPECT_GT(speed.rate, 1e7) << method.name;
      EXPECT_LT(speed.rate, 1e13) << method.name;
      EXPECT_GT(speed.bandwidth, 1e6) << method.name;
      EXPECT_GT(speed.launch, 1e-8) << method.name;
      EXPECT_LT(speed.launch, 0.1) << method.name;
    }
  });
  EXPECT_LT(seconds, 30);
}

}  // namespace
}  // namespace gpuconv::test
