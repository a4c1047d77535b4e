// fixture.hpp - a stream whose faults are read; settings start as known and end with the test
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "cuda/runtime/launch.cuh"
#include "tests/emulation/emulation.hpp"

namespace gpuconv::test {

class EmulationFixture : public ::testing::Test {
 protected:
  EmulationFixture() {
    emulation::set_order("forward");
    emulation::set_streams("lazy");
  }

  void TearDown() override {
    emulation::fail_no_call();
    emulation::recover();
    emulation::restore_device();
    emulation::set_order(or_else(std::getenv("GPUCONV_EMULATED_ORDER"), "forward"));
    emulation::set_streams(or_else(std::getenv("GPUCONV_EMULATED_STREAMS"), "lazy"));
  }

  /// The sentence with which the queued work fails; empty if it does not.
  std::string fault() {
    try {
      stream_.synchronize();
    } catch (const CudaError& error) {
      EXPECT_EQ(error.code(), cudaErrorLaunchFailure);
      return error.what();
    }
    return "";
  }

  std::vector<float> download(const DeviceBuffer<float>& device) {
    std::vector<float> host(device.size());
    download_async<float>(device.span(), host, stream_);
    stream_.synchronize();
    return host;
  }

  Stream stream_;

 private:
  static const char* or_else(const char* text, const char* otherwise) {
    return text == nullptr ? otherwise : text;
  }
};

}  // namespace gpuconv::test
