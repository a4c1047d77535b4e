// fault_report_test.cpp - what gpuconv_faults calls wrong, and what it does not
#include "profiling/gpu/fault_report.hpp"

#include <gtest/gtest.h>

namespace gpuconv::test {
namespace {

Json starved(const Json& changes = Json::object()) {
  Json step{{"method", "gpu-tiled"},
            {"leave_bytes", 4 * kMiB},
            {"free_bytes", 4 * kMiB},
            {"outcome", "refused"},
            {"stale_error", "cudaSuccess"},
            {"afterwards", "right bytes"},
            {"stale_error_afterwards", "cudaSuccess"}};
  step.update(changes);
  return step;
}

Json repeated(const Json& changes = Json::object()) {
  Json step{{"jobs", 10},
            {"done", 10},
            {"wrong", 0},
            {"free_bytes_before", 100 * kMiB},
            {"free_bytes_halfway", 100 * kMiB},
            {"free_bytes_after", 100 * kMiB},
            {"stale_error", "cudaSuccess"}};
  step.update(changes);
  return step;
}

TEST(FaultReport, AJobOnAFullCardIsRightOrRefused) {
  EXPECT_EQ(about_starved(starved(), true), Complaints{});
  EXPECT_EQ(about_starved(starved({{"outcome", "right bytes"}}), true), Complaints{});
  EXPECT_EQ(about_starved(starved({{"outcome", "wrong bytes"}}), true),
            Complaints{"gpu-tiled with 4 MiB left: wrong bytes "});
  EXPECT_EQ(about_starved(starved({{"outcome", "other error"}, {"error", "bad_alloc"}}), true),
            Complaints{"gpu-tiled with 4 MiB left: other error bad_alloc"});
}

TEST(FaultReport, TheNextJobIsRightAndNoErrorStays) {
  EXPECT_EQ(about_starved(starved({{"afterwards", "GPU: no memory"}}), true),
            Complaints{"gpu-tiled with 4 MiB left: afterwards GPU: no memory"});
  EXPECT_EQ(about_starved(starved({{"stale_error", "cudaErrorMemoryAllocation"},
                                   {"stale_error_afterwards", "cudaErrorUnknown"}}),
                          true)
                .size(),
            2u);
}

TEST(FaultReport, ACardThatWasNotFilledProvesNothing) {
  const Json step = starved({{"free_bytes", 40 * kMiB}});
  EXPECT_EQ(about_starved(step, true),
            Complaints{"gpu-tiled with 4 MiB left: the card was not filled"});
  EXPECT_EQ(about_starved(step, false), Complaints{}) << "the emulation has no card to fill";
}

TEST(FaultReport, WithAllMemoryAJobIsRight) {
  const Json step{{"method", "gpu-tiled"}, {"leave_bytes", nullptr}, {"outcome", "no example"}};
  EXPECT_EQ(about_starved(step, true), Complaints{"gpu-tiled with all memory: no example "});
}

TEST(FaultReport, ManyJobsMayLoseMemoryOnceButNotAgain) {
  EXPECT_EQ(about_repeated(repeated()), Complaints{});
  EXPECT_EQ(about_repeated(
                repeated({{"free_bytes_halfway", 90 * kMiB}, {"free_bytes_after", 90 * kMiB}})),
            Complaints{})
      << "a cache";
  EXPECT_EQ(
      about_repeated(repeated({{"free_bytes_halfway", 90 * kMiB}, {"free_bytes_after", 80 * kMiB}}))
          .size(),
      1u)
      << "a leak";
}

TEST(FaultReport, ManyJobsGiveTheSameBytes) {
  EXPECT_EQ(about_repeated(repeated({{"wrong", 2}})), Complaints{"2 jobs gave other bytes"});
  EXPECT_EQ(about_repeated(repeated({{"error", "GPU: lost"}, {"stale_error", "cudaErrorUnknown"}})),
            (Complaints{"GPU: lost", "stale cudaErrorUnknown"}));
}

}  // namespace
}  // namespace gpuconv::test
