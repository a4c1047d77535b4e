// shard_test.cpp - which part of a list a process does
#include "host/batch/shard.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "host/base/error.hpp"

namespace gpuconv::test {
namespace {

constexpr const char* kVariables[] = {
    "SLURM_STEP_ID",        "SLURM_PROCID",          "SLURM_STEP_NUM_TASKS",
    "SLURM_NTASKS",         "SLURM_ARRAY_TASK_ID",   "SLURM_ARRAY_TASK_MIN",
    "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_STEP", "SLURM_ARRAY_TASK_COUNT",
    "JOB_COMPLETION_INDEX", "GPUCONV_SHARDS",        "SLURM_LOCALID"};

class BatchShard : public ::testing::Test {
 protected:
  BatchShard() { clear(); }
  ~BatchShard() override { clear(); }
  static void clear() {
    for (const char* const name : kVariables) ::unsetenv(name);
  }
  static FoundShard in(const std::map<std::string, std::string>& environment) {
    clear();
    for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    return shard_of_environment();
  }
};

TEST_F(BatchShard, IsReadFromTextAndRefusedOtherwise) {
  EXPECT_EQ(shard_of("0/1"), (Shard{0, 1}));
  EXPECT_EQ(shard_of("7/8"), (Shard{7, 8}));
  for (const char* const text :
       {"8/8", "-1/8", "1", "1/", "/8", "1/8x", "1/0", "", "0x1/8", "1/100001", "99999999999/8"}) {
    EXPECT_THROW(shard_of(text), UsageError) << text;
  }
}

TEST_F(BatchShard, SharesHaveEachJobOnce) {
  for (const int count : {1, 2, 7}) {
    for (std::size_t position = 0; position < 30; ++position) {
      int owners = 0;
      for (int index = 0; index < count; ++index) owners += Shard{index, count}.has(position);
      EXPECT_EQ(owners, 1) << position << " of " << count;
    }
  }
}

TEST_F(BatchShard, IsThatOfATaskOfSlurmOnlyWithinAStep) {
  EXPECT_EQ(
      in({{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "2"}, {"SLURM_STEP_NUM_TASKS", "4"}}).shard,
      (Shard{2, 4}));
  // An interactive step.
  EXPECT_TRUE(
      in({{"SLURM_STEP_ID", "4294967290"}, {"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}})
          .shard.is_all());
  // A batch script has these, and runs once.
  const FoundShard script = in({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}});
  EXPECT_TRUE(script.shard.is_all());
  EXPECT_EQ(script.origin, "");
}

TEST_F(BatchShard, IsThatOfAnElementOfAnArray) {
  std::map<std::string, std::string> array{{"SLURM_ARRAY_TASK_ID", "7"},
                                           {"SLURM_ARRAY_TASK_MIN", "3"},
                                           {"SLURM_ARRAY_TASK_MAX", "9"},
                                           {"SLURM_ARRAY_TASK_STEP", "2"},
                                           {"SLURM_ARRAY_TASK_COUNT", "4"}};
  EXPECT_EQ(in(array).shard, (Shard{2, 4}));
  // An element of several tasks.
  array.insert({{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "3"}});
  EXPECT_EQ(in(array).shard, (Shard{7, 12}));
  EXPECT_EQ(in(array).origin, "array element 2 of 4, Slurm task 1 of 3");
  // --array=3,7,9: what is left out would stay undone.
  array["SLURM_ARRAY_TASK_COUNT"] = "3";
  array["SLURM_ARRAY_TASK_STEP"] = "1";
  EXPECT_THROW(in(array), UsageError);
}

TEST_F(BatchShard, OfTasksOfElementsHaveALimit) {
  const auto environment = [](const std::string& elements) {
    return std::map<std::string, std::string>{{"SLURM_ARRAY_TASK_ID", "0"},
                                              {"SLURM_ARRAY_TASK_MIN", "0"},
                                              {"SLURM_ARRAY_TASK_MAX", elements},
                                              {"SLURM_STEP_ID", "0"},
                                              {"SLURM_PROCID", "0"},
                                              {"SLURM_STEP_NUM_TASKS", "50001"}};
  };
  EXPECT_THROW(in(environment("1")), UsageError);
  EXPECT_THROW(in(environment("85898")), UsageError);  // 68,603 in 32 bits
}

TEST_F(BatchShard, OfAPodNeedsTheNumberOfPods) {
  EXPECT_EQ(in({{"JOB_COMPLETION_INDEX", "3"}, {"GPUCONV_SHARDS", "5"}}).shard, (Shard{3, 5}));
  EXPECT_THROW(in({{"JOB_COMPLETION_INDEX", "3"}}), UsageError);
  EXPECT_THROW(in({{"JOB_COMPLETION_INDEX", "5"}, {"GPUCONV_SHARDS", "5"}}), UsageError);
  EXPECT_TRUE(in({{"GPUCONV_SHARDS", "5"}}).shard.is_all());
}

}  // namespace
}  // namespace gpuconv::test
