// direct.hpp - what the direct methods have in common: the response as it is, on the device
#pragma once

#include "cuda/methods/convolver.hpp"

namespace gpuconv {

class DirectConvolver : public PerEarConvolver {
 public:
  DirectConvolver(Stereo<std::span<const float>> response, int block_length)
      : block_length_(block_length) {
    const Stream stream;
    for (const Side side : kSides) {
      response_[side] = DeviceBuffer<float>(response[side].size());
      upload_async(response[side], response_[side].span(), stream);
    }
    stream.synchronize();
  }

  int block_length() const override { return block_length_; }

 protected:
  std::span<const float> response(Side side) const { return response_[side].span(); }
  int response_length() const { return static_cast<int>(response_.left.size()); }

 private:
  int block_length_;
  Stereo<DeviceBuffer<float>> response_;
};

}  // namespace gpuconv
