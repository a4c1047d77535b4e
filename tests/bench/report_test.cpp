#include "host/bench/report.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "host/base/error.hpp"
#include "host/bench/presets.hpp"
#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

class ReportTest : public ::testing::Test {
 protected:
  static BenchReport measured() {
    Bench bench;
    bench.problems = {{"small", 100, 9}, {"clips", 10, 3, 2}};
    bench.contenders = {contender_of(find_method("cpu-naive")),
                        contender_of(find_method("cpu-vectorised"))};
    bench.rule = {.warm_ups = 1, .fewest = 6, .most = 6};
    bench.is_tiny = true;
    bench.is_emulated = false;  // of methods of the CPU
    return run_bench(bench);
  }

  const BenchReport report_ = measured();
};

TEST_F(ReportTest, HoldsEveryNumberAsJson) {
  const auto json = nlohmann::json::parse(to_json(this_machine("1.2", std::nullopt), report_));
  EXPECT_EQ(json["gpuconv"], "1.2");
  EXPECT_TRUE(json["gpu"].is_null());
  EXPECT_TRUE(says(json["cpu"].get<std::string>(), {" threads"}));
  EXPECT_EQ(json["timer"]["before"]["asked_seconds"], report_.before.asked);
  EXPECT_EQ(json["emulated"], false);
  EXPECT_EQ(json["date"].get<std::string>().size(), 20u) << json["date"];
  EXPECT_EQ(json["load"]["before"], report_.load_before);
  EXPECT_EQ(json["load"]["after"], report_.load_after);
  EXPECT_GE(json["load"]["cores"], 1);
  EXPECT_EQ(json["cpu_peaks"]["flops"], report_.cpu_peaks.flops);
  EXPECT_EQ(json["peaks"]["upload_bytes_per_second"], report_.peaks.upload_bytes_per_second);
  EXPECT_EQ(json["peaks"]["download_bytes_per_second"], report_.peaks.download_bytes_per_second);
  EXPECT_TRUE(json["exponents"].empty());
  ASSERT_EQ(json["rows"].size(), 4u);
  const auto& row = json["rows"][3];
  EXPECT_EQ(row["method"], "cpu-vectorised");
  EXPECT_EQ(row["problem"], "clips");
  EXPECT_EQ(row["clips"], 2);
  EXPECT_EQ(row["seconds"]["median"], report_.rows[3].seconds.median);
  EXPECT_EQ(row["seconds"]["runs"], 6);
  EXPECT_EQ(row["error"], report_.rows[3].error);
  EXPECT_EQ(row["share_of_peak_bytes"], shares_of_peaks(report_.rows[3], report_).bytes);
  EXPECT_EQ(row["is_right"], true);
}

TEST_F(ReportTest, HasOneRowInEachLineOfJson) {
  const std::string text = to_json({}, report_);
  const auto count = [&](const char* words) {
    int found = 0;
    for (std::size_t at = text.find(words); at != std::string::npos; ++found) {
      at = text.find(words, at + 1);
    }
    return found;
  };
  EXPECT_EQ(count("\n  {\"problem\":"), 4) << text;
  EXPECT_LE(count("\n"), 28) << text;
}

TEST(PresetTest, HasTheBenchmarksOfTheDesign) {
  for (const char* const name : {"ladder", "scaling", "batch", "stream", "peers"}) {
    const Preset& preset = find_preset(name);
    for (const Processor processor : {Processor::cpu, Processor::gpu}) {
      for (const Problem& problem : preset.problems(processor)) {
        EXPECT_GE(problem.K, 1) << name;
        EXPECT_FALSE(problem.name.empty()) << name;
        EXPECT_LE(tiny(problem).N * tiny(problem).K * tiny(problem).clips, 200'000) << name;
      }
    }
  }
  EXPECT_EQ(find_preset("scaling").problems(Processor::cpu).size(), 19u);
  EXPECT_THROW(find_preset("speed"), UsageError);
  EXPECT_EQ(tiny({"2^20", 1 << 20, 1 << 18}).name, "40x120");
  EXPECT_EQ(tiny({"batch", 160'000, 16'000, 100}).name, "40x16x3");
}

}  // namespace
}  // namespace gpuconv::test
