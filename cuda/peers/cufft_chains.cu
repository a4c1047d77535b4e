// cufft_chains.cu - see cufft_chains.hpp; passes between cuFFT's transforms, one thread per element
#include "cuda/peers/cufft_chains.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "cuda/fft/complex.cuh"
#include "cuda/methods/cufft_library.hpp"
#include "cuda/runtime/launch.cuh"

namespace gpuconv {
namespace {

constexpr int kThreads = 256;

__device__ int thread_index() { return static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); }

/// Clips of `source_length` to rows of `length`, filled up with zeros.
__global__ void __launch_bounds__(kThreads)
    pad_kernel(const float* __restrict__ source, int source_length, float* __restrict__ padded,
               int length, int total) {
  const int i = thread_index();
  if (i >= total) return;  // no barrier below
  const int clip = i / length;
  const int n = i - clip * length;
  padded[i] = n < source_length ? source[clip * source_length + n] : 0.0f;
}

/// Rows of `bins` times one response.
__global__ void __launch_bounds__(kThreads)
    multiply_kernel(const float2* __restrict__ source, const float2* __restrict__ response,
                    int bins, float2* __restrict__ product, int total) {
  const int i = thread_index();
  if (i < total) product[i] = multiply(source[i], response[i % bins]);
}

/// As above for both sides; the right one's rows follow the left one's.
__global__ void __launch_bounds__(kThreads)
    multiply_both_kernel(const float2* __restrict__ source, const float2* __restrict__ left,
                         const float2* __restrict__ right, int bins, float2* __restrict__ product,
                         int total) {
  const int i = thread_index();
  if (i >= total) return;  // no barrier below
  const int bin = i % bins;
  const float2 value = source[i];
  product[i] = multiply(value, left[bin]);
  product[total + i] = multiply(value, right[bin]);
}

/// Rows of `length` to wet signals of `wet_length`, scaled.
__global__ void __launch_bounds__(kThreads)
    crop_kernel(const float* __restrict__ padded, int length, float* __restrict__ wet,
                int wet_length, int total, float scale) {
  const int i = thread_index();
  if (i >= total) return;  // no barrier below
  const int clip = i / wet_length;
  wet[i] = scale * padded[clip * length + (i - clip * wet_length)];
}

/// How clips are cut: block b of a clip is wet[b advance, (b + 1) advance), from a window that
/// begins `overlap` samples earlier.
struct Cut {
  int length;   // of a window
  int overlap;  // K - 1
  int advance;
  int blocks;  // of a clip
};

/// Windows of the blocks from `first` on, counted through all clips.
__global__ void __launch_bounds__(kThreads)
    window_kernel(const float* __restrict__ source, int source_length, Cut cut, int first,
                  float* __restrict__ windows, int total) {
  const int i = thread_index();
  if (i >= total) return;  // no barrier below
  const int row = i / cut.length;
  const int clip = (first + row) / cut.blocks;
  const int block = first + row - clip * cut.blocks;
  const int n = block * cut.advance - cut.overlap + (i - row * cut.length);
  windows[i] = n >= 0 && n < source_length ? source[clip * source_length + n] : 0.0f;
}

__global__ void __launch_bounds__(kThreads)
    scatter_kernel(const float* __restrict__ windows, Cut cut, int first, float* __restrict__ wet,
                   int wet_length, int total) {
  const int i = thread_index();
  if (i >= total) return;  // no barrier below
  const int row = i / cut.advance;
  const int clip = (first + row) / cut.blocks;
  const int block = first + row - clip * cut.blocks;
  const int in_block = i - row * cut.advance;
  const int n = block * cut.advance + in_block;
  if (n < wet_length) {
    wet[clip * wet_length + n] = windows[row * cut.length + cut.overlap + in_block];
  }
}

LaunchShape one_thread_each(int elements) {
  return {static_cast<unsigned>(ceil_div(elements, kThreads)), kThreads};
}

/// count * length as an int, since kernels and cuFFT index with it.
int checked_total(std::int64_t count, std::int64_t length) {
  const std::int64_t total = count * length;
  if (total > std::numeric_limits<int>::max() - kThreads) {
    throw std::invalid_argument("a cuFFT chain with " + std::to_string(total) +
                                " floats in a buffer, limit 2^31");
  }
  return static_cast<int>(total);
}

std::size_t size(int count) { return static_cast<std::size_t>(count); }

void fill_with_nan(std::span<float> floats, const Stream& stream) {
  GPUCONV_CUDA(cudaMemsetAsync(floats.data(), 0xff, floats.size_bytes(), stream.get()));
}

/// What all chains have: a stream to plan in, and the response with its spectra.
class ChainWithResponse : public CufftChain {
 public:
  void enqueue_response(const Stream& stream) final {
    for (const Side side : kSides) {
      transform_->real_to_complex(taps_[side].data(), response_[side].data(), stream);
    }
  }

  void poison_response(const Stream& stream) final {
    for (const Side side : kSides) {
      GPUCONV_CUDA(cudaMemsetAsync(response_[side].data(), 0xff,
                                   response_[side].span().size_bytes(), stream.get()));
    }
  }

 protected:
  /// Taps times `scale`, padded to transforms of `length`, and their spectra. For constructors.
  void take_response(Stereo<std::span<const float>> response, int length, float scale) {
    transform_ = std::make_unique<CufftPlan>(length, CUFFT_R2C, 1);
    std::vector<float> padded(size(length));
    for (const Side side : kSides) {
      std::fill(padded.begin(), padded.end(), 0.0f);
      std::transform(response[side].begin(), response[side].end(), padded.begin(),
                     [&](float tap) { return scale * tap; });
      taps_[side] = DeviceBuffer<float>(size(length));
      response_[side] = DeviceBuffer<float2>(size(length / 2 + 1));
      upload_async<float>(padded, taps_[side].span(), stream_);
      stream_.synchronize();  // what was uploaded is used again
    }
    enqueue_response(stream_);
  }

  Stream stream_;
  Stereo<DeviceBuffer<float2>> response_;  // spectra

 private:
  std::unique_ptr<CufftPlan> transform_;
  Stereo<DeviceBuffer<float>> taps_;
};

class Straightforward final : public ChainWithResponse {
 public:
  Straightforward(Stereo<std::span<const float>> response, const Clips& clips, int length)
      : source_length_(clips.length()),
        wet_length_(source_length_ + static_cast<int>(response.left.size()) - 1),
        length_(length),
        bins_(length / 2 + 1),
        padded_total_(checked_total(clips.count, length)),
        bins_total_(checked_total(clips.count, bins_)),
        wet_total_(checked_total(clips.count, wet_length_)),
        forward_(length, CUFFT_R2C, clips.count),
        inverse_(length, CUFFT_C2R, clips.count),
        source_(clips.source.size()),
        padded_(size(padded_total_)),
        spectrum_(size(bins_total_)),
        product_(size(bins_total_)),
        wet_{DeviceBuffer<float>(size(wet_total_)), DeviceBuffer<float>(size(wet_total_))} {
    take_response(response, length, 1);
    upload_async<float>(clips.source, source_.span(), stream_);
    stream_.synchronize();
  }

  void enqueue(const Stream& stream) override {
    launch(pad_kernel, one_thread_each(padded_total_), stream, source_.data(), source_length_,
           padded_.data(), length_, padded_total_);
    forward_.real_to_complex(padded_.data(), spectrum_.data(), stream);
    for (const Side side : kSides) {
      launch(multiply_kernel, one_thread_each(bins_total_), stream, spectrum_.data(),
             response_[side].data(), bins_, product_.data(), bins_total_);
      inverse_.complex_to_real(product_.data(), padded_.data(), stream);
      launch(crop_kernel, one_thread_each(wet_total_), stream, padded_.data(), length_,
             wet_[side].data(), wet_length_, wet_total_, 1.0f / static_cast<float>(length_));
    }
  }

  void poison(const Stream& stream) override {
    for (const Side side : kSides) fill_with_nan(wet_[side].span(), stream);
  }

  void download(Side side, std::span<float> wet, const Stream& stream) const override {
    download_async<float>(wet_[side].span(), wet, stream);
  }

 private:
  int source_length_, wet_length_, length_, bins_;
  int padded_total_, bins_total_, wet_total_;
  CufftPlan forward_, inverse_;
  DeviceBuffer<float> source_, padded_;
  DeviceBuffer<float2> spectrum_, product_;
  Stereo<DeviceBuffer<float>> wet_;
};

class Lean final : public ChainWithResponse {
 public:
  Lean(Stereo<std::span<const float>> response, const Clips& clips, int length)
      : clips_(clips.count),
        wet_length_(clips.length() + static_cast<int>(response.left.size()) - 1),
        length_(length),
        bins_(length / 2 + 1),
        bins_total_(checked_total(clips.count, bins_)),
        forward_(length, CUFFT_R2C, clips.count),
        inverse_(length, CUFFT_C2R, 2 * clips.count),
        source_(size(checked_total(clips.count, length))),
        spectrum_(size(bins_total_)),
        products_(size(checked_total(2 * clips.count, bins_))),
        wet_(size(checked_total(2 * clips.count, length))) {
    take_response(response, length, 1.0f / static_cast<float>(length));
    const std::size_t row = size(length) * sizeof(float);
    const std::size_t clip = size(clips.length()) * sizeof(float);
    GPUCONV_CUDA(cudaMemsetAsync(source_.data(), 0, source_.size() * sizeof(float), stream_.get()));
    for (int c = 0; c < clips.count; ++c) {
      GPUCONV_CUDA(cudaMemcpyAsync(source_.data() + size(c) * (row / sizeof(float)),
                                   clips.source.data() + size(c) * (clip / sizeof(float)), clip,
                                   cudaMemcpyHostToDevice, stream_.get()));
    }
    stream_.synchronize();
  }

  void enqueue(const Stream& stream) override {
    forward_.real_to_complex(source_.data(), spectrum_.data(), stream);
    launch(multiply_both_kernel, one_thread_each(bins_total_), stream, spectrum_.data(),
           response_.left.data(), response_.right.data(), bins_, products_.data(), bins_total_);
    inverse_.complex_to_real(products_.data(), wet_.data(), stream);
  }

  void poison(const Stream& stream) override { fill_with_nan(wet_.span(), stream); }

  void download(Side side, std::span<float> wet, const Stream& stream) const override {
    const int first = side == Side::left ? 0 : clips_;
    for (int clip = 0; clip < clips_; ++clip) {
      download_async<float>(
          wet_.span().subspan(size(first + clip) * size(length_), size(wet_length_)),
          wet.subspan(size(clip) * size(wet_length_)), stream);
    }
  }

 private:
  int clips_, wet_length_, length_, bins_, bins_total_;
  CufftPlan forward_, inverse_;
  DeviceBuffer<float> source_;
  DeviceBuffer<float2> spectrum_, products_;
  DeviceBuffer<float> wet_;
};

class OverlapSave final : public ChainWithResponse {
 public:
  OverlapSave(Stereo<std::span<const float>> response, const Clips& clips, int length,
              int most_floats)
      : source_length_(clips.length()),
        wet_length_(source_length_ + static_cast<int>(response.left.size()) - 1),
        cut_(cut_of(length, static_cast<int>(response.left.size()) - 1)),
        bins_(length / 2 + 1),
        rows_(checked_total(clips.count, cut_.blocks)),
        batch_(std::clamp(most_floats / length, 1, rows_)),
        forward_(length, CUFFT_R2C, batch_),
        inverse_(length, CUFFT_C2R, 2 * batch_),
        source_(clips.source.size()),
        windows_(size(checked_total(2 * batch_, length))),
        spectrum_(size(checked_total(batch_, bins_))),
        products_(size(checked_total(2 * batch_, bins_))) {
    take_response(response, length, 1.0f / static_cast<float>(length));
    for (const Side side : kSides) {
      wet_[side] = DeviceBuffer<float>(size(checked_total(clips.count, wet_length_)));
    }
    upload_async<float>(clips.source, source_.span(), stream_);
    stream_.synchronize();
  }

  void enqueue(const Stream& stream) override {
    const int bins_total = batch_ * bins_;
    for (int first = 0; first < rows_; first += batch_) {
      // The last batch is transformed whole, too; its rows beyond the end are silent and stay
      // there.
      const int rows = std::min(batch_, rows_ - first);
      if (rows < batch_) {
        GPUCONV_CUDA(cudaMemsetAsync(
            windows_.data(), 0, size(batch_) * size(cut_.length) * sizeof(float), stream.get()));
      }
      launch(window_kernel, one_thread_each(rows * cut_.length), stream, source_.data(),
             source_length_, cut_, first, windows_.data(), rows * cut_.length);
      forward_.real_to_complex(windows_.data(), spectrum_.data(), stream);
      launch(multiply_both_kernel, one_thread_each(bins_total), stream, spectrum_.data(),
             response_.left.data(), response_.right.data(), bins_, products_.data(), bins_total);
      inverse_.complex_to_real(products_.data(), windows_.data(), stream);
      for (const Side side : kSides) {
        const int row = side == Side::left ? 0 : batch_;
        launch(scatter_kernel, one_thread_each(rows * cut_.advance), stream,
               windows_.data() + size(row) * size(cut_.length), cut_, first, wet_[side].data(),
               wet_length_, rows * cut_.advance);
      }
    }
  }

  void poison(const Stream& stream) override {
    for (const Side side : kSides) fill_with_nan(wet_[side].span(), stream);
  }

  void download(Side side, std::span<float> wet, const Stream& stream) const override {
    download_async<float>(wet_[side].span(), wet, stream);
  }

 private:
  Cut cut_of(int length, int overlap) const {
    if (length <= overlap) {
      throw std::invalid_argument("overlap-save with transforms of " + std::to_string(length) +
                                  " and " + std::to_string(overlap + 1) + " taps");
    }
    const int advance = length - overlap;
    return {length, overlap, advance, ceil_div(wet_length_, advance)};
  }

  int source_length_, wet_length_;
  Cut cut_;
  int bins_, rows_, batch_;
  CufftPlan forward_, inverse_;
  DeviceBuffer<float> source_, windows_;
  DeviceBuffer<float2> spectrum_, products_;
  Stereo<DeviceBuffer<float>> wet_;
};

}  // namespace

std::unique_ptr<CufftChain> plan_cufft_straightforward(Stereo<std::span<const float>> response,
                                                       const Clips& clips, int length) {
  return std::make_unique<Straightforward>(response, clips, length);
}

std::unique_ptr<CufftChain> plan_cufft_lean(Stereo<std::span<const float>> response,
                                            const Clips& clips, int length) {
  return std::make_unique<Lean>(response, clips, length);
}

std::unique_ptr<CufftChain> plan_cufft_overlap_save(Stereo<std::span<const float>> response,
                                                    const Clips& clips, int length) {
  constexpr int kMostFloats = 1 << 25;  // of all windows in flight: 128 MiB
  return plan_cufft_overlap_save_in_batches(response, clips, length, kMostFloats);
}

std::unique_ptr<CufftChain> plan_cufft_overlap_save_in_batches(
    Stereo<std::span<const float>> response, const Clips& clips, int length, int most_floats) {
  return std::make_unique<OverlapSave>(response, clips, length, most_floats);
}

}  // namespace gpuconv
