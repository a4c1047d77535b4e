// gpu_cufft.cu - method "gpu-cufft"
//
//   y[n] = sum_{k=0}^{K-1} h[k] x[n-k],   0 <= n < N+K-1,   x = 0 outside [0, N)
//
//   x  source    N floats      linear sample amplitude, full scale = 1
//   h  response  K floats      gain per sample of delay
//   y  wet       N+K-1 floats
//
// Idea     The yardstick: what one writes with cuFFT, straightforwardly. Pad the block to a length
//          L = 2^a 3^b 5^c 7^d >= N+K-1, transform, multiply with the cached spectrum, transform
//          back, crop. The transform of the source is shared by both sides.
// Launch   pad and multiply are kernels of ours, the transforms cuFFT's.
// Order    cuFFT's: deterministic on one GPU and version, not the same on others.
// Cost     2.5 L log2 L flops per real transform, three of them; bytes of one read and one write
//          per pass, exactly in cost().
// Limits   L < 2^31; cuFFT must be installed.
#include <cmath>

#include "cuda/fft/complex.cuh"
#include "cuda/methods/convolver.hpp"
#include "cuda/methods/cufft_library.hpp"
#include "cuda/methods/lengths.hpp"
#include "cuda/methods/spectral_voices.cuh"
#include "cuda/runtime/launch.cuh"
#include "cuda/runtime/range.hpp"

namespace gpuconv {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    pad_kernel(const float* __restrict__ source, int first, int source_length,
               float* __restrict__ padded, int padded_length) {
  const int n = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (n >= padded_length) return;  // no barrier below
  padded[n] = n >= first && n - first < source_length ? source[n - first] : 0.0f;
}

__global__ void __launch_bounds__(kThreads)
    multiply_kernel(const float2* __restrict__ source, const float2* __restrict__ response,
                    float2* __restrict__ product, int length, float scale) {
  const int n = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (n >= length) return;  // no barrier below
  const float2 value = multiply(source[n], response[n]);
  product[n] = make_float2(scale * value.x, scale * value.y);
}

__global__ void __launch_bounds__(kThreads)
    scale_kernel(float2* __restrict__ sum, int length, float scale) {
  const int n = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (n < length) sum[n] = make_float2(scale * sum[n].x, scale * sum[n].y);
}

LaunchShape one_thread_each(int elements) {
  return {static_cast<unsigned>(ceil_div(elements, kThreads)), kThreads};
}

/// Queues the transform of samples that begin at `first` of `padded`.
void enqueue_padded_transform(std::span<const float> samples, int first, std::span<float> padded,
                              std::span<float2> spectrum, const CufftPlan& forward,
                              const Stream& stream) {
  const auto length = static_cast<int>(padded.size());
  launch(pad_kernel, one_thread_each(length), stream, samples.data(), first,
         static_cast<int>(samples.size()), padded.data(), length);
  forward.real_to_complex(padded.data(), spectrum.data(), stream);
}

class GpuCufft final : public PerEarConvolver {
 public:
  GpuCufft(Stereo<std::span<const float>> response, const CufftLengths& lengths)
      : lengths_(lengths),
        response_length_(static_cast<int>(response.left.size())),
        forward_(lengths.length, CUFFT_R2C, 1),
        padded_(static_cast<std::size_t>(lengths.length)) {
    DeviceBuffer<float> taps(response.left.size());
    for (const Side side : kSides) {
      Ear& ear = sides_[side];
      ear.response = DeviceBuffer<float2>(bins());
      ear.product = DeviceBuffer<float2>(bins());
      ear.wet = DeviceBuffer<float>(static_cast<std::size_t>(lengths.length));
      ear.inverse = std::make_unique<CufftPlan>(lengths.length, CUFFT_C2R, 1);
      upload_async(response[side], taps.span(), stream_);
      transform(taps.span(), ear.response.span(), stream_);
      stream_.synchronize();  // the spectrum is there for every stream
    }
  }

  int block_length() const override { return lengths_.block_length; }

  std::size_t source_spectrum_size() const override { return 2 * bins(); }

  void enqueue_source_spectrum(const Block& block, const Stream& stream) override {
    const Range range("transform source");
    transform(block.source, spectrum(block), stream);
  }

  void enqueue(Side side, const Block& block, std::span<float> wet, const Stream& stream) override {
    const Range range("multiply and transform back", side);
    const Ear& ear = sides_[side];
    launch(multiply_kernel, one_thread_each(static_cast<int>(bins())), stream,
           spectrum(block).data(), ear.response.data(), ear.product.data(),
           static_cast<int>(bins()), 1.0f / static_cast<float>(lengths_.length));
    ear.inverse->complex_to_real(ear.product.data(), ear.wet.data(), stream);
    GPUCONV_CUDA(cudaMemcpyAsync(wet.data(), ear.wet.data(), wet.size_bytes(),
                                 cudaMemcpyDeviceToDevice, stream.get()));
  }

  Cost cost(int source_length, int /*clips*/) const override {
    const double L = lengths_.length;
    const double wet_length = source_length + response_length_ - 1;
    Cost cost;
    cost.operations = 3 * 2.5 * L * std::log2(L) + 2 * 8 * (L / 2 + 1);
    cost.device_bytes = 4 * (source_length + L) +              // pad
                        3 * 2 * 4 * L +                        // transforms, one pass each
                        2 * (3 * 4 * L + 2 * 4 * wet_length);  // products, crops
    cost.launches = 3;                                         // and cuFFT's own
    return cost;
  }

 private:
  struct Ear {
    DeviceBuffer<float2> response;  // spectrum
    DeviceBuffer<float2> product;
    DeviceBuffer<float> wet;
    std::unique_ptr<CufftPlan> inverse;  // one for each side: both may run at once
  };

  std::size_t bins() const { return static_cast<std::size_t>(lengths_.length / 2 + 1); }

  std::span<float2> spectrum(const Block& block) const {
    return {reinterpret_cast<float2*>(block.source_spectrum.data()), bins()};
  }

  void transform(std::span<const float> samples, std::span<float2> spectrum,
                 const Stream& stream) const {
    enqueue_padded_transform(samples, 0, padded_.span(), spectrum, forward_, stream);
  }

  CufftLengths lengths_;
  int response_length_;
  Stream stream_;
  CufftPlan forward_;
  DeviceBuffer<float> padded_;
  Stereo<Ear> sides_;
};

/// A block is one segment, of L samples.
class CufftVoices final : public SpectralVoices {
 public:
  CufftVoices(int response_length, const CufftLengths& lengths, const VoiceMemory& memory)
      : SpectralVoices(
            {response_length, lengths.block_length, lengths.length, 0, 1, lengths.length / 2 + 1},
            memory),
        forward_(lengths.length, CUFFT_R2C, 1),
        inverse_(lengths.length, CUFFT_C2R, 1),
        samples_(static_cast<std::size_t>(lengths.length)) {
    note_planned();
  }

 private:
  void enqueue_taps(Stereo<std::span<const float>> taps, const Stereo<std::span<float2>>& spectra,
                    const Stream& stream) override {
    for (const Side side : kSides) {
      enqueue_padded_transform(taps[side], 0, samples_.span(), spectra[side], forward_, stream);
    }
  }

  void enqueue_items(std::span<const VoiceItem> items, const VoiceItem*, const float* samples,
                     std::span<float2> spectra, const Stream& stream) override {
    const Range range("transform voices");
    std::size_t at = 0;
    for (const VoiceItem& item : items) {
      const std::span heard(samples + item.offset, static_cast<std::size_t>(item.length));
      enqueue_padded_transform(heard, -item.first, samples_.span(), spectra.subspan(at), forward_,
                               stream);
      at += static_cast<std::size_t>(sizes().elements);
    }
  }

  void enqueue_inverse(const Stereo<std::span<float2>>& sums, int,
                       const Stereo<std::span<float>>& wet, const Stream& stream) override {
    const Range range("transform back");
    for (const Side side : kSides) {
      launch(scale_kernel, one_thread_each(sizes().elements), stream, sums[side].data(),
             sizes().elements, 1.0f / static_cast<float>(samples_.size()));
      inverse_.complex_to_real(sums[side].data(), samples_.data(), stream);
      copy_async<float>(samples_.span().first(wet[side].size()), wet[side], stream);
    }
  }

  Cost transform_cost(int count, bool is_forward) const override {
    const auto L = static_cast<double>(samples_.size());
    // Pad, or scale and crop; the transform, one pass. Launches without cuFFT's own.
    return {count * (2.5 * L * std::log2(L) + (is_forward ? 0 : 2 * (L / 2 + 1))),
            count * ((is_forward ? 2 * 4 * L : 2 * 4 * L + 4 * L) + 2 * 4 * L), count};
  }

  CufftPlan forward_;
  CufftPlan inverse_;
  DeviceBuffer<float> samples_;  // padded, or of a whole inverse
};

}  // namespace

std::unique_ptr<VoiceConvolver> plan_voices_cufft(int response_length, std::int64_t source_length,
                                                  const VoiceMemory& memory) {
  return std::make_unique<CufftVoices>(response_length,
                                       cufft_lengths(source_length, response_length), memory);
}

std::unique_ptr<Convolver> plan_gpu_cufft(Stereo<std::span<const float>> response,
                                          std::int64_t source_length) {
  return std::make_unique<GpuCufft>(
      response, cufft_lengths(source_length, static_cast<int>(response.left.size())));
}

}  // namespace gpuconv
