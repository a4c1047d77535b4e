// gpu_bench_test.cpp - what is timed on a GPU is right: cuFFT's chains, and methods in many blocks
#include <gtest/gtest.h>

#include "cuda/methods/lengths.hpp"
#include "host/bench/bench.hpp"
#include "host/methods/choose.hpp"

namespace gpuconv::test {
namespace {

class GpuBenchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const Devices devices = query_devices();
    if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
    bench_.device = devices.list.front();
    bench_.rule = {.warm_ups = 0, .fewest = 1, .most = 1};
    bench_.is_tiny = true;
  }

  Bench bench_;
};

TEST_F(GpuBenchTest, EveryCufftChainIsRight) {
  if (const std::string reason = why_no_cufft(); !reason.empty()) GTEST_SKIP() << reason;
  // One block and many; more taps than samples; one of each.
  bench_.problems = {{"one", 300, 40},
                     {"clips", 50, 7, 3},
                     {"blocks", 3000, 9, 2},
                     {"taps", 20, 90},
                     {"least", 1, 1}};
  for (const Contender& peer : peers()) {
    if (peer.name.starts_with("cufft-")) bench_.contenders.push_back(peer);
  }
  ASSERT_GE(bench_.contenders.size(), 8u);
  const BenchReport report = run_bench(bench_);
  for (const Skipped& one : report.not_here) {
    ADD_FAILURE() << one.contender << ", " << one.problem << ": " << one.reason;
  }
  for (const Row& row : report.rows) {
    EXPECT_TRUE(row.is_right) << row.contender << ", " << row.problem.name << ": "
                              << row.error / 0x1p-24 << " u";
    EXPECT_TRUE(row.cold.has_value()) << row.contender;
  }
}

/// gpu-fourstep and gpu-fused, several clips: in the same launches where their length is a multiple
/// of four, one after the other where not; of one segment and of several, in one chunk and in more.
TEST_F(GpuBenchTest, ClipsAreRight) {
  bench_.problems = {{"aligned", 52, 7, 3}, {"odd", 51, 7, 3}, {"segments", 60'000, 3'000, 5}};
  for (const std::string_view name : {"gpu-fourstep", "gpu-fused"}) {
    bench_.contenders.push_back(contender_of(find_method(name)));
  }
  const BenchReport report = run_bench(bench_);
  ASSERT_EQ(report.rows.size(), 6u);
  for (const Row& row : report.rows) {
    EXPECT_TRUE(row.is_right) << row.contender << ", " << row.problem.name << ": "
                              << row.error / 0x1p-24 << " u";
    EXPECT_EQ(row.traffic.launches % 3,
              row.problem.name == "odd" || row.contender == "gpu-fourstep" ? 0 : 1);
  }
}

/// Replayed is what was captured; only of what is one block is all of it seen.
TEST_F(GpuBenchTest, GraphsOfOurMethodsAreRight) {
  bench_.problems = {{"one", 300, 40}, {"aligned", 52, 7, 3}, {"odd", 51, 7, 3}};
  for (const Contender& peer : peers()) {
    if (peer.name.starts_with("gpu-") && peer.name.ends_with("-in-a-graph")) {
      bench_.contenders.push_back(peer);
    }
  }
  const BenchReport report = run_bench(bench_);
  ASSERT_EQ(report.rows.size(), 4u);
  for (const Row& row : report.rows) {
    EXPECT_TRUE(row.is_right) << row.contender << ", " << row.problem.name;
    EXPECT_TRUE(row.cold.has_value()) << row.contender;
  }
  ASSERT_EQ(report.not_here.size(), 2u);
  for (const Skipped& one : report.not_here) {
    EXPECT_EQ(one.problem, "odd");
    EXPECT_EQ(one.kind, Skipped::Kind::limit) << one.reason;
  }
}

/// What is planned is not used: the response is transformed again in every run, and is counted.
TEST_F(GpuBenchTest, ResponsesThatAreTransformedInEveryRunAreRight) {
  bench_.problems = {{"one", 300, 40}, {"clips", 52, 7, 3}, {"odd clips", 51, 7, 3}};
  for (const char* const name : {"gpu-fourstep", "gpu-fused"}) {
    bench_.contenders.push_back(contender_of(find_method(name)));
    for (const Contender& peer : peers()) {
      if (peer.name == std::string(name) + "-with-response") bench_.contenders.push_back(peer);
    }
  }
  ASSERT_EQ(bench_.contenders.size(), 4u);
  const BenchReport report = run_bench(bench_);
  ASSERT_EQ(report.rows.size(), 12u);
  for (std::size_t i = 0; i < report.rows.size(); i += 2) {
    const Row& cached = report.rows[i];
    const Row& whole = report.rows[i + 1];
    EXPECT_TRUE(whole.is_right) << whole.contender << ", " << whole.problem.name;
    EXPECT_EQ(whole.error, cached.error);
    EXPECT_GT(whole.operations, cached.operations);
    EXPECT_GT(whole.traffic.bytes, cached.traffic.bytes);
    // With a single segment gpu-fourstep does it along; clips that are a multiple of four long are
    // several in the same launches.
    const int along = cached.problem.name == "clips" ? 2 : 0;
    EXPECT_EQ(whole.traffic.launches - cached.traffic.launches,
              cached.contender == "gpu-fourstep" ? along : 1);
  }
}

TEST_F(GpuBenchTest, ChunksOfAnySizeGiveTheSame) {
  bench_.problems = {{"segments", 60'000, 3'000, 5}};
  bench_.contenders = batch_variants();
  bench_.contenders.push_back(contender_of(find_method("gpu-fourstep")));
  const BenchReport report = run_bench(bench_);
  ASSERT_EQ(report.rows.size(), 9u);
  for (const Row& row : report.rows) {
    EXPECT_TRUE(row.is_right) << row.contender;
    EXPECT_EQ(row.error, report.rows.back().error) << row.contender;
  }
  EXPECT_GE(report.rows.front().traffic.launches, report.rows[7].traffic.launches);
}

TEST_F(GpuBenchTest, BlocksOfALongSourceAreJoined) {
  const std::int64_t block = direct_block_length(kEndless);
  bench_.problems = {{"three blocks", 2 * block + 5, 3}, {"one tap", 2 * block + 5, 1}};
  bench_.contenders = {contender_of(find_method("gpu-direct"))};
  const BenchReport report = run_bench(bench_);
  ASSERT_EQ(report.rows.size(), 2u);
  for (const Row& row : report.rows) {
    EXPECT_TRUE(row.is_right) << row.problem.name << ": " << row.error / 0x1p-24 << " u";
  }
  // Each side of each block, and of each of the two joints.
  EXPECT_EQ(report.rows[0].traffic.launches, 3 * 2 + 2 * 2);
  EXPECT_EQ(report.rows[1].traffic.launches, 3 * 2) << "nothing sounds on into the next block";
}

}  // namespace
}  // namespace gpuconv::test
