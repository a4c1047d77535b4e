#include "host/methods/choose.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "host/base/error.hpp"

namespace gpuconv::test {
namespace {

Devices no_device() { return {{}, "there is none"}; }

Devices one_device() {
  Device device;
  device.name = "a large GPU";
  device.peak_flops = 60e12;
  return {{device}, ""};
}

std::string refusal(const Request& request, std::int64_t N, std::int64_t K,
                    const Devices& devices) {
  try {
    choose(request, N, K, devices);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Methods, HaveTheNamesOfTheDesignInTheOrderOfTheLadder) {
  std::string names;
  for (const Method& method : methods()) names.append(method.name).append(" ");
  EXPECT_EQ(names,
            "cpu-naive cpu-threads cpu-dft cpu-cooley-tukey cpu-hybrid cpu-vectorised "
            "gpu-direct gpu-tiled gpu-radix2 gpu-cufft gpu-fourstep gpu-fused ");
}

TEST(Methods, AreFoundByNameAndListedWhenTheyAreNot) {
  for (const Method& method : methods()) EXPECT_EQ(&find_method(method.name), &method);
  try {
    find_method("gpu-fast");
    FAIL();
  } catch (const UsageError& error) {
    for (const Method& method : methods()) {
      EXPECT_NE(std::string(error.what()).find(method.name), std::string::npos);
    }
  }
}

TEST(Choose, TakesTheVectorisedMethodForAShortClipWithoutAGpu) {
  const Choice choice = choose({}, 256'640, 70'000, no_device());
  EXPECT_EQ(choice.method->name, "cpu-vectorised");
  EXPECT_FALSE(choice.device);
  EXPECT_NE(choice.why.find("fastest by estimate"), std::string::npos);
}

TEST(Choose, TellsWhatItChose) {
  Request request;
  std::string seen;
  request.watch = [&](const Choice& choice) { seen += choice.method->name; };
  choose(request, 16'000, 4'000, no_device());
  request.method = "cpu-naive";
  choose(request, 16'000, 4'000, no_device());
  EXPECT_EQ(seen, "cpu-vectorisedcpu-naive");
}

TEST(Choose, CountsTheStartOfTheGpuAgainstIt) {
  EXPECT_EQ(choose({}, 16'000, 4'000, one_device()).method->processor, Processor::cpu);
  EXPECT_EQ(choose({}, 2'000'000'000, 70'000, one_device()).method->processor, Processor::gpu);
}

TEST(Choose, NeverTakesTheYardstickByItself) {
  for (const std::int64_t N : {1000LL, 1'000'000LL, 10'000'000'000LL}) {
    EXPECT_FALSE(choose({}, N, 70'000, one_device()).method->is_yardstick);
  }
}

TEST(Choose, ObeysTheDevice) {
  EXPECT_EQ(choose({"auto", "cpu", false}, 2'000'000'000, 70'000, one_device()).method->processor,
            Processor::cpu);
  const Choice choice = choose({"auto", "cuda:0", false}, 100, 10, one_device());
  EXPECT_EQ(choice.method->processor, Processor::gpu);
  EXPECT_EQ(choice.device->name, "a large GPU");
}

TEST(Choose, RefusesWhatContradictsItselfOrIsNotThere) {
  EXPECT_NE(refusal({"gpu-tiled", "cpu", false}, 9, 9, one_device()), "");
  EXPECT_NE(refusal({"cpu-naive", "cuda", false}, 9, 9, one_device()), "");
  EXPECT_NE(refusal({"auto", "cuda:1", false}, 9, 9, one_device()).find("there is 1 device"),
            std::string::npos);
  EXPECT_NE(refusal({"auto", "cuda:x", false}, 9, 9, one_device()), "");
  EXPECT_NE(refusal({"auto", "tpu", false}, 9, 9, one_device()), "");
  EXPECT_NE(refusal({"gpu-tiled", "auto", false}, 9, 9, no_device()).find("there is none"),
            std::string::npos);
  EXPECT_NE(refusal({"auto", "cuda", false}, 9, 9, no_device()).find("there is none"),
            std::string::npos);
}

TEST(Choose, RefusesMoreTapsThanAGpuMethodCanDo) {
  const std::string sentence = refusal({"gpu-fused", "auto", false}, 9, 70'000, one_device());
  EXPECT_NE(sentence.find("gpu-fused: 70000 taps are too many (limit "), std::string::npos)
      << sentence;
  const std::int64_t K = kLongestResponse + 1;
  EXPECT_NE(refusal({"auto", "cuda", false}, 9, K, one_device()).find("too many for a GPU"),
            std::string::npos);
}

TEST(Choose, RefusesTheHopelessWithTheEstimatedTimeUnlessForced) {
  const std::string sentence = refusal({"cpu-dft", "auto", false}, 1'000'000, 70'000, no_device());
  EXPECT_NE(sentence.find("would take about"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find(" h "), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("--force-slow"), std::string::npos);
  EXPECT_EQ(choose({"cpu-dft", "auto", true}, 1'000'000, 70'000, no_device()).method->name,
            "cpu-dft");
  EXPECT_EQ(refusal({"cpu-naive", "auto", false}, 256'640, 70'000, no_device()), "");
}

TEST(Choose, TakesOneMethodForAllJobsOfAList) {
  const std::vector<JobSize> sizes{{20, 3}, {200'000, 70'000}, {30, 5}};
  CostModel model;
  model.set_gpu_start(0);
  const Devices devices = one_device();
  const Choice choice = choose_for_all({}, sizes, devices, model);
  const auto sum = [&](const Method& method) {
    double seconds = 0;
    for (const auto& [N, K] : sizes) seconds += model.seconds(method, N, K, devices.list.front());
    return seconds;
  };
  EXPECT_DOUBLE_EQ(choice.estimated_seconds, sum(*choice.method));
  for (const Method& method : methods()) {
    bool fits = true;
    for (const auto& [N, K] : sizes) {
      fits = fits && (method.processor == Processor::cpu ||
                      why_too_much(method, N, K, devices.list.front()).empty());
    }
    if (!fits || method.is_yardstick) continue;
    EXPECT_GE(sum(method), choice.estimated_seconds) << method.name;
  }
  EXPECT_EQ(choose_for_all({.method = "cpu-dft"}, sizes, devices, model).method->name, "cpu-dft");
  EXPECT_EQ(choose_for_all({.device = "cpu"}, sizes, devices, model).method->processor,
            Processor::cpu);
  EXPECT_EQ(choose_for_all({.device = "cuda"}, sizes, devices, model).method->processor,
            Processor::gpu);
  EXPECT_THROW(choose_for_all({.method = "gpu-tiled"}, sizes, no_device(), model), GpuError);
  EXPECT_THROW(choose_for_all({.method = "gpu-magic"}, sizes, devices, model), UsageError);
}

}  // namespace
}  // namespace gpuconv::test
