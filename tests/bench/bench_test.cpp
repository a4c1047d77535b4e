// bench_test.cpp - rows say what they are: right or wrong, measured or scaled, quiet or noisy
#include "host/bench/bench.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <utility>

#include "host/base/error.hpp"
#include "host/bench/cpu_peaks.hpp"
#include "host/bench/presets.hpp"
#include "host/bench/report.hpp"
#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

constexpr Rule kQuick{.warm_ups = 1, .fewest = 6, .most = 6};

/// Times of `seconds_of_run(i)` for run i, and what cpu-naive gives, multiplied by `gain`.
class Pretender final : public TimedPlan {
 public:
  Pretender(std::unique_ptr<TimedPlan> plan, std::function<double(int)> seconds, float gain)
      : plan_(std::move(plan)), seconds_(std::move(seconds)), gain_(gain) {}
  double run() override { return seconds_(runs_++); }
  std::optional<double> run_cold() override { return seconds_(runs_++); }
  Stereo<Signal> wet() override {
    Stereo<Signal> wet = plan_->wet();
    for (const Side side : kSides) {
      for (float& sample : wet[side]) sample *= gain_;
    }
    return wet;
  }

 private:
  std::unique_ptr<TimedPlan> plan_;
  std::function<double(int)> seconds_;
  float gain_;
  int runs_ = 0;
};

Contender pretender(const std::string& name, const std::function<double(int)>& seconds,
                    float gain = 1) {
  Contender contender = contender_of(find_method("cpu-naive"));
  contender.name = name;
  contender.plan = [seconds, gain, plan = contender.plan](const Problem& problem,
                                                          const Sounds& sounds,
                                                          const std::optional<Device>& device) {
    return std::make_unique<Pretender>(plan(problem, sounds, device), seconds, gain);
  };
  return contender;
}

Bench bench_of(std::vector<Contender> contenders, std::vector<Problem> problems) {
  Bench bench;
  bench.problems = std::move(problems);
  bench.contenders = std::move(contenders);
  bench.rule = kQuick;
  bench.is_tiny = true;
  bench.is_emulated = false;  // what pretends is not
  return bench;
}

/// Times of `seconds(problem, run)`.
Contender of_sizes(const std::function<double(const Problem&, int)>& seconds) {
  Contender contender = pretender("m", {});
  contender.plan = [seconds](const Problem& problem, const Sounds& sounds,
                             const std::optional<Device>& device) {
    const auto plan = contender_of(find_method("cpu-naive")).plan;
    const auto of_run = [seconds, problem](int run) { return seconds(problem, run); };
    return std::make_unique<Pretender>(plan(problem, sounds, device), of_run, 1.0f);
  };
  return contender;
}

const std::vector<Problem> kSeries{{"a", 100, 25}, {"b", 200, 50}, {"c", 400, 100}};

TEST(BenchTest, MeasuresEveryMethodThatCanRunHere) {
  const Devices devices = query_devices();
  Bench bench = bench_of({}, {{"one", 300, 40}, {"clips", 50, 7, 3}});
  bench.retries = 0;
  if (!devices.list.empty()) bench.device = devices.list.front();
  for (const Method& method : methods()) {
    if (method.processor == Processor::cpu || bench.device) {
      bench.contenders.push_back(contender_of(method));
    }
  }
  const BenchReport report = run_bench(bench);
  for (const Skipped& skipped : report.not_here) {
    EXPECT_NE(skipped.reason.find("cuFFT is not installed"), std::string::npos) << skipped.reason;
  }
  EXPECT_EQ(report.rows.size() + report.not_here.size(), 2 * bench.contenders.size());
  for (const Row& row : report.rows) {
    EXPECT_TRUE(row.is_right) << row.contender << " " << row.problem.name;
    EXPECT_GE(row.seconds.median, 0) << row.contender;
    EXPECT_EQ(row.seconds.runs, 6);
    EXPECT_EQ(row.cold.has_value(), row.processor == Processor::gpu);
    EXPECT_FALSE(row.is_extrapolated);
  }
}

// More blocks than one, of a source longer than what is planned as endless, is too much for the
// emulation; the direct methods have short blocks.
TEST(BenchTest, CountsTheOperationsOfAllClips) {
  const BenchReport report = run_bench(
      bench_of({contender_of(find_method("cpu-naive"))}, {{"one", 100, 7}, {"three", 100, 7, 3}}));
  EXPECT_EQ(report.rows.at(0).operations, 4.0 * 100 * 7);
  EXPECT_EQ(report.rows.at(1).operations, 3 * 4.0 * 100 * 7);
}

TEST(BenchTest, FindsOutWrongResults) {
  const BenchReport report = run_bench(bench_of(
      {pretender("right", [](int) { return 1e-3; }), pretender(
                                                         "wrong", [](int) { return 1e-3; }, 1.1f)},
      {{"p", 100, 9}}));
  EXPECT_TRUE(report.rows.at(0).is_right);
  EXPECT_FALSE(report.rows.at(1).is_right);
  EXPECT_TRUE(says(to_markdown({}, report), {"WRONG RESULT"}));
}

TEST(BenchTest, ConfessesNoise) {
  const auto noisy = [](int i) { return i % 2 == 0 ? 1e-3 : 2e-3; };
  const BenchReport report = run_bench(bench_of(
      {pretender("quiet", [](int) { return 1e-3; }), pretender("noisy", noisy)}, {{"p", 100, 9}}));
  EXPECT_FALSE(report.rows.at(0).is_noisy);
  EXPECT_TRUE(report.rows.at(1).is_noisy);
  EXPECT_EQ(report.rows.at(0).ratio.median, 1);
  EXPECT_EQ(report.rows.at(1).ratio.median, 1.5);
  EXPECT_TRUE(says(to_markdown({}, report), {"noisy: ±33 %"}));
}

// One run before the rounds, one to warm up, six in them: a burst of noise hits the first attempt.
TEST(BenchTest, MeasuresAgainWhatIsNoisy) {
  const auto burst = [](int run) { return run < 8 && run % 2 == 0 ? 2e-3 : 1e-3; };
  const BenchReport report = run_bench(bench_of(
      {pretender("quiet", [](int) { return 1e-3; }), pretender("burst", burst)}, {{"p", 100, 9}}));
  const Row& row = report.rows.at(1);
  EXPECT_FALSE(row.is_noisy);
  EXPECT_EQ(row.seconds.max, 1e-3);
  EXPECT_EQ(row.ratio.median, 1);
  EXPECT_EQ(row.ratio.runs, 6);  // the first one took part again
  EXPECT_FALSE(report.rows.at(0).is_noisy);
}

TEST(BenchTest, MeasuresAgainWhatIsOutOfLineAndMarksWhatStaysThere) {
  int burst = 8;  // runs
  const Contender late = of_sizes([&](const Problem& problem, int run) {
    return problem.name == "b" && run < burst ? 20e-3 : 1e-3;
  });
  const BenchReport good = run_bench(bench_of({late}, kSeries));
  for (const Row& row : good.rows) {
    EXPECT_FALSE(row.is_noisy) << row.problem.name;
    EXPECT_EQ(row.seconds.median, 1e-3);
  }
  burst = 1000;
  const BenchReport bad = run_bench(bench_of({late}, kSeries));
  ASSERT_EQ(bad.rows.size(), 3u);
  for (const Row& row : bad.rows) {
    EXPECT_EQ(row.is_noisy, row.problem.name == "b") << row.problem.name;
    EXPECT_EQ(row.is_out_of_line, row.problem.name == "b");
  }
  EXPECT_TRUE(says(to_markdown({}, bad), {"noisy: out of line with other sizes"}));
  const auto json = nlohmann::json::parse(to_json({}, bad));
  EXPECT_EQ(json["rows"][1]["is_noisy"], true);
  EXPECT_EQ(json["rows"][1]["is_out_of_line"], true);
}

TEST(BenchTest, TakesTurnsAmongTheSizesOfASeries) {
  std::string order;
  Bench bench = bench_of({of_sizes([&](const Problem& problem, int) {
                           order += problem.name;
                           return 1e-3;
                         })},
                         kSeries);
  bench.rule = {.warm_ups = 0, .fewest = 2, .most = 2};
  run_bench(bench);
  EXPECT_EQ(order, "abcabcabc");
  // What fills the memory is measured by itself.
  order.clear();
  bench.problems = {{"a", 1 << 21, 1}, {"b", 1 << 21, 1}, {"c", 10, 2}};
  run_bench(bench);
  EXPECT_EQ(order, "aaabcbcbc");
}

TEST(BenchTest, TellsWhatItDoesAndHowLongItWillTake) {
  Contender slow = pretender("slow", [](int) { return 2.0; });
  slow.estimate = [](const Problem&, const std::optional<Device>&) { return 2.0; };
  Bench bench = bench_of({slow}, {{"p", 10, 2}});
  std::vector<BenchStep> steps;
  bench.watch = [&](const BenchStep& step) { steps.push_back(step); };
  run_bench(bench);
  ASSERT_GE(steps.size(), 3u);
  EXPECT_EQ(steps[0].what, "peaks of the CPU");
  EXPECT_EQ(steps[0].seconds_left, 16);  // six runs, the first one, and the one that is judged
  EXPECT_EQ(steps[1].what, "slow, p");
  EXPECT_EQ(steps[1].seconds_of_it, 12);
  EXPECT_EQ(steps[2].seconds_of_it, 0);
  EXPECT_EQ(steps[2].seconds_left, 12);
}

TEST(BenchTest, OfAnEmulatedGpuMarksTimesAsMeaninglessAndMeasuresNoPeak) {
  Bench bench = bench_of({pretender("m", [](int) { return 1e-3; })}, {{"p", 10, 2}});
  bench.is_emulated = true;
  std::vector<std::string> steps;
  bench.watch = [&](const BenchStep& step) { steps.push_back(step.what); };
  const BenchReport report = run_bench(bench);
  EXPECT_EQ(steps.front(), "m, p");  // no peaks
  EXPECT_EQ(report.cpu_peaks.flops, 0);
  EXPECT_TRUE(
      says(to_markdown({}, report), {"meaningless: emulated", "ALL TIMES ARE MEANINGLESS"}));
  const auto json = nlohmann::json::parse(to_json({}, report));
  EXPECT_EQ(json["emulated"], true);
  EXPECT_EQ(json["rows"][0]["share_of_peak_operations"], 0);
}

TEST(BenchTest, ScalesWhatIsTooSlowAndSaysSo) {
  Contender slow = pretender("slow", [](int) { return 2.0; });
  slow.estimate = [](const Problem& problem, const std::optional<Device>&) {
    return 1e-3 * static_cast<double>(problem.N * problem.K);
  };
  Bench bench = bench_of({slow}, {{"p", 400, 100}});
  bench.too_slow = 6;  // 40 s by estimate; a sixteenth of it takes less than half of 6 s
  const Row row = run_bench(bench).rows.at(0);
  EXPECT_TRUE(row.is_extrapolated);
  EXPECT_EQ(row.measured.N, 100);
  EXPECT_EQ(row.measured.K, 25);
  EXPECT_DOUBLE_EQ(row.seconds.median, 16 * 2.0);
  EXPECT_TRUE(row.is_right);
  EXPECT_EQ(row.operations, 4.0 * 400 * 100);
}

TEST(BenchTest, ScalesWhatItHasMeasuredBefore) {
  int runs = 0;
  Contender slow = pretender("slow", [&runs](int) { return ++runs, 2.0; });
  slow.estimate = [](const Problem& problem, const std::optional<Device>&) {
    return 1e-3 * static_cast<double>(problem.N * problem.K);
  };
  Bench bench = bench_of({slow}, {{"small", 100, 25}, {"large", 400, 100}});
  bench.too_slow = 6;
  const BenchReport small = run_bench(bench_of({slow}, {{"small", 100, 25}}));
  const int once = std::exchange(runs, 0);
  const BenchReport report = run_bench(bench);
  EXPECT_EQ(runs, once);
  ASSERT_EQ(report.rows.size(), 2u);
  const Row& large = report.rows[1];
  EXPECT_TRUE(large.is_extrapolated);
  EXPECT_EQ(large.problem.name, "large");
  EXPECT_EQ(large.measured.N, 100);
  EXPECT_DOUBLE_EQ(large.seconds.median, 16 * 2.0);
  EXPECT_EQ(large.operations, 4.0 * 400 * 100);
  EXPECT_EQ(large.ratio.median, 1);
  EXPECT_FALSE(report.rows[0].is_extrapolated);
}

TEST(BenchTest, ScalesByTheNumberOfClipsFirst) {
  Contender slow = pretender("slow", [](int) { return 2.0; });
  slow.estimate = [](const Problem& problem, const std::optional<Device>&) {
    return 1e-3 * problem.clips * static_cast<double>(problem.N * problem.K);
  };
  Bench bench = bench_of({slow}, {{"p", 100, 10, 32}});  // a second each
  bench.too_slow = 6;
  const BenchReport report = run_bench(bench);
  const Row& row = report.rows.at(0);
  EXPECT_TRUE(row.is_extrapolated);
  EXPECT_EQ(row.measured.N, 100);
  EXPECT_EQ(row.measured.clips, 2);
  EXPECT_DOUBLE_EQ(row.seconds.median, 16 * 2.0);
  EXPECT_TRUE(row.is_right);
  EXPECT_EQ(nlohmann::json::parse(to_json({}, report))["rows"][0]["measured"]["clips"], 2);
}

/// As large as any GPU; of estimates alone.
Device made_up_device() {
  Device device;
  device.name = "made up";
  device.major = 9;
  device.multiprocessors = 132;
  device.memory_bytes = std::size_t{141'000'000'000};
  device.shared_bytes_per_block = 227 * 1024;
  device.peak_flops = 67e12;
  return device;
}

std::vector<Contender> gpu_contenders(const Preset& preset, const CostModel& model) {
  std::vector<Contender> list;
  for (const Method& method : methods()) {
    if (method.processor == Processor::gpu) list.push_back(contender_of(method, model));
  }
  for (const Contender& peer : peers()) {
    if (preset.has_peers && peer.processor == Processor::gpu) list.push_back(peer);
  }
  return list;
}

/// What a preset would measure on a GPU, at its real sizes; nothing runs.
void expect_full_sizes(const Preset& preset, const CostModel& model) {
  Bench bench = bench_for(preset);
  bench.device = made_up_device();
  bench.contenders = gpu_contenders(preset, model);
  for (const Problem& problem : preset.problems(Processor::gpu)) {
    std::vector<Skipped> absent;
    std::set<std::string> seen;
    for (const auto& [contender, measured] : entries(problem, bench, absent)) {
      seen.insert(contender.name);
      const bool is_whole =
          measured.N == problem.N && measured.K == problem.K && measured.clips == problem.clips;
      const double products = problem.clips * static_cast<double>(problem.N * problem.K);
      EXPECT_TRUE(is_whole || (contender.is_direct && products > 1e13))
          << preset.name << ", " << problem.name << ", " << contender.name << ": " << measured.N
          << " x " << measured.K << " x " << measured.clips;
    }
    for (const Skipped& one : absent) {
      EXPECT_NE(one.kind, Skipped::Kind::error);
      const bool is_beyond_it = one.reason.find("taps are too many") != std::string::npos;
      if (is_beyond_it) seen.insert(one.contender);
    }
    for (const char* const name : {"gpu-radix2", "gpu-cufft", "gpu-fourstep", "gpu-fused"}) {
      EXPECT_TRUE(seen.contains(name)) << preset.name << ", " << problem.name << ", " << name;
    }
  }
}

// The start of the GPU once counted for each clip, so that of 1024 clips one sample was measured.
TEST(BenchTest, WouldMeasureGpuMethodsAtFullSizeButForTheLongestSums) {
  CostModel calibrated;  // 10 ms for a job with its planning
  calibrated.set_gpu_start(1);
  for (const Method& method : methods()) {
    if (method.processor == Processor::gpu)
      calibrated.set_speed(method, {method.speed.rate, 5e9, 10e-3});
  }
  for (const Preset& preset : presets()) {
    expect_full_sizes(preset, CostModel());
    expect_full_sizes(preset, calibrated);
  }
}

TEST(BenchTest, LeavesOutMethodsThatAreMuchSlowerButNoPeer) {
  Contender slow = pretender("slow", [](int) { return 1.0; });
  Contender fast = pretender("fast", [](int) { return 1.0; });
  Contender peer = pretender("peer", [](int) { return 1.0; });
  slow.estimate = [](const Problem&, const std::optional<Device>&) { return 30.0; };
  fast.estimate = [](const Problem&, const std::optional<Device>&) { return 1.0; };
  peer.estimate = nullptr;
  Bench bench = bench_of({slow, fast, peer}, {{"p", 10, 2}});
  bench.field = 20;
  const BenchReport report = run_bench(bench);
  ASSERT_EQ(report.rows.size(), 2u);
  EXPECT_EQ(report.rows[0].contender, "fast");
  EXPECT_EQ(report.rows[1].contender, "peer");
  ASSERT_EQ(report.not_here.size(), 1u);
  EXPECT_EQ(report.not_here[0].kind, Skipped::Kind::slower);
  EXPECT_EQ(report.not_here[0].reason, "by estimate 30 times slower than another method");
}

TEST(BenchTest, HoldsTimesToThePeaksOfTheirPlace) {
  BenchReport report;
  report.cpu_peaks = {100, 1000};
  report.peaks = {1e6, 1e6};
  Row row;
  row.seconds.median = 2;
  row.operations = 50;
  row.traffic.bytes = 4000;
  EXPECT_DOUBLE_EQ(shares_of_peaks(row, report).operations, 0.25);
  EXPECT_DOUBLE_EQ(shares_of_peaks(row, report).bytes, 2);
  row.processor = Processor::gpu;
  EXPECT_DOUBLE_EQ(shares_of_peaks(row, report).operations, 25e-6);
  row.traffic.bytes = 0;  // not known
  EXPECT_EQ(shares_of_peaks(row, report).bytes, 0);
  report.peaks = {};
  EXPECT_EQ(shares_of_peaks(row, report).operations, 0);
}

// Peaks grow neither with the work they are asked from nor without bounds.
TEST(BenchTest, MeasuresThePeaksOfTheProcessor) {
  const Peaks peaks = measure_cpu_peaks(1 << 22, 1 << 14, 9);
  EXPECT_GT(peaks.flops, 1e8);
  EXPECT_LT(peaks.flops, 1e14);
  EXPECT_GT(peaks.bytes_per_second, 1e8);
  EXPECT_LT(peaks.bytes_per_second, 1e13);
  const Peaks longer = measure_cpu_peaks(1 << 22, 1 << 16, 9);
  EXPECT_LT(longer.flops, 20 * peaks.flops);
  EXPECT_GT(longer.flops, peaks.flops / 20);
}

TEST(BenchTest, GoesOnWithoutWhoCanNotTakePart) {
  Contender absent = pretender("absent", [](int) { return 1.0; });
  absent.plan = [](const Problem&, const Sounds&,
                   const std::optional<Device>&) -> std::unique_ptr<TimedPlan> {
    throw GpuError("no such library");
  };
  const BenchReport report =
      run_bench(bench_of({absent, pretender("here", [](int) { return 1.0; })}, {{"p", 10, 2}}));
  ASSERT_EQ(report.not_here.size(), 1u);
  EXPECT_EQ(report.not_here[0].reason, "no such library");
  EXPECT_EQ(report.not_here[0].kind, Skipped::Kind::error);
  EXPECT_EQ(report.rows.at(0).contender, "here");
}

// Of any class, at any time: while planning, in a timed run, in a cold one.
TEST(BenchTest, GoesOnWithoutWhoFails) {
  const auto one = [](int) { return 1.0; };
  Contender unplanned = pretender("unplanned", one);
  unplanned.plan = [](const Problem&, const Sounds&,
                      const std::optional<Device>&) -> std::unique_ptr<TimedPlan> {
    throw std::invalid_argument("2147483648 floats");
  };
  const auto fails_at = [](int last) {
    return [last](int run) {
      if (run == last) throw std::bad_alloc();
      return 1.0;
    };
  };
  Contender warm = pretender("warm", fails_at(3));
  Contender cold = pretender("cold", fails_at(9));  // one run, one to warm up, six; cold ones
  cold.processor = Processor::gpu;
  Contender limited = pretender("limited", one);
  limited.why_too_much = [](const Problem&, const std::optional<Device>&) { return "too much"; };
  const BenchReport report =
      run_bench(bench_of({unplanned, warm, cold, limited, pretender("here", one)}, {{"p", 10, 2}}));
  ASSERT_EQ(report.rows.size(), 1u);
  EXPECT_EQ(report.rows[0].contender, "here");
  EXPECT_EQ(report.rows[0].seconds.runs, 6);
  EXPECT_EQ(report.rows[0].ratio.median, 1);
  const auto json = nlohmann::json::parse(to_json({}, report))["not_here"];
  ASSERT_EQ(json.size(), 4u);
  EXPECT_EQ(json[0]["method"], "limited");
  EXPECT_EQ(json[0]["kind"], "limit");
  EXPECT_EQ(json[1]["reason"], "2147483648 floats");
  for (std::size_t i = 1; i < json.size(); ++i) EXPECT_EQ(json[i]["kind"], "error") << json[i];
  EXPECT_EQ(json[2]["method"], "warm");
  EXPECT_EQ(json[3]["method"], "cold");
}

TEST(BenchTest, GoesOnWithoutSoundsThatNoMemoryHolds) {
  Contender here = pretender("here", [](int) { return 1.0; });
  const BenchReport report = run_bench(bench_of({here}, {{"huge", 1LL << 61, 2}, {"p", 10, 2}}));
  ASSERT_EQ(report.not_here.size(), 1u);
  EXPECT_EQ(report.not_here[0].problem, "huge");
  EXPECT_NE(report.not_here[0].reason, "");
  ASSERT_EQ(report.rows.size(), 1u);
  EXPECT_EQ(report.rows[0].problem.name, "p");
}

// Between two runs of a GPU method no CPU method has its seconds.
TEST(BenchTest, MeasuresOnePlaceAfterTheOther) {
  std::string order;
  const auto noted = [&](const char* name, Processor processor, double seconds) {
    Contender contender = pretender(name, [&order, name, seconds](int) {
      order += name;
      return seconds;
    });
    contender.processor = processor;
    return contender;
  };
  Bench bench = bench_of({noted("a", Processor::cpu, 1), noted("G", Processor::gpu, 2),
                          noted("b", Processor::cpu, 1), noted("H", Processor::gpu, 2)},
                         {{"p", 10, 2}});
  bench.rule = {.warm_ups = 0, .fewest = 2, .most = 2};
  const BenchReport report = run_bench(bench);
  EXPECT_EQ(order,
            "aGbH"
            "abab"
            "GHGH"
            "GHGH");
  EXPECT_EQ(report.rows.at(1).contender, "G");
  EXPECT_EQ(report.rows.at(1).ratio.median, 2);
  EXPECT_EQ(report.rows.at(1).ratio.runs, 1);  // no rounds in common
  EXPECT_EQ(report.rows.at(2).ratio.runs, 2);
  EXPECT_TRUE(report.rows.at(3).cold.has_value());
}

}  // namespace
}  // namespace gpuconv::test
