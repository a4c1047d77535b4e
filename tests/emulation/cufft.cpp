// cufft.cpp - cuFFT's transforms by mixed-radix Cooley-Tukey in double, as queued host work
#include <cufft.h>

#include <complex>
#include <map>
#include <numbers>
#include <vector>

#include "cuda/methods/cufft_library.hpp"
#include "tests/emulation/captures.hpp"
#include "tests/emulation/state.hpp"

namespace {

using Complex = std::complex<double>;

/// to[k] = sum_n from[n * stride] exp(sign 2 pi i n k / length), by the smallest prime factor
/// first.
void transform(const Complex* from, int stride, Complex* to, int length, const Complex* roots,
               int root_stride) {
  if (length == 1) {
    to[0] = from[0];
    return;
  }
  int radix = 2;
  while (length % radix != 0) ++radix;
  const int part = length / radix;
  for (int r = 0; r < radix; ++r) {
    transform(from + static_cast<std::ptrdiff_t>(r) * stride, stride * radix, to + r * part, part,
              roots, root_stride * radix);
  }
  std::vector<Complex> column(static_cast<std::size_t>(radix));
  for (int k = 0; k < part; ++k) {
    for (int r = 0; r < radix; ++r) {
      column[static_cast<std::size_t>(r)] =
          to[r * part + k] * roots[static_cast<std::ptrdiff_t>(root_stride) * r * k];
    }
    for (int q = 0; q < radix; ++q) {
      Complex sum = 0;
      for (int r = 0; r < radix; ++r) {
        sum += column[static_cast<std::size_t>(r)] *
               roots[static_cast<std::ptrdiff_t>(root_stride) * part * (r * q % radix)];
      }
      to[q * part + k] = sum;
    }
  }
}

std::vector<Complex> transform(const std::vector<Complex>& from, int sign) {
  const int length = static_cast<int>(from.size());
  std::vector<Complex> roots(from.size());
  for (int n = 0; n < length; ++n) {
    const double angle = sign * 2 * std::numbers::pi * n / length;
    roots[static_cast<std::size_t>(n)] = {std::cos(angle), std::sin(angle)};
  }
  std::vector<Complex> to(from.size());
  transform(from.data(), 1, to.data(), length, roots.data(), 1);
  return to;
}

struct Plan {
  int length;
  cufftType type;
  int batch;
  cudaStream_t stream = nullptr;
};

std::map<cufftHandle, Plan> plans;
int plans_made = 0;

float2 rounded(Complex value) {
  return make_float2(static_cast<float>(value.real()), static_cast<float>(value.imag()));
}

const Plan* find(cufftHandle handle, cufftType type) {
  const auto plan = plans.find(handle);
  const bool is_usable =
      plan != plans.end() && plan->second.type == type && plan->second.stream != nullptr;
  return is_usable ? &plan->second : nullptr;
}

cufftResult result_of(cudaError_t error) {
  return error == cudaSuccess ? CUFFT_SUCCESS : CUFFT_EXEC_FAILED;
}

/// cuFFT reports what CUDA fails with as a code of its own.
template <typename Body>
cufftResult call_cufft(emulation::Function function, Body body) {
  const emulation::Entry entry(function);
  if (entry.error() == cudaErrorMemoryAllocation) return CUFFT_ALLOC_FAILED;
  return entry.error() == cudaSuccess ? body() : CUFFT_EXEC_FAILED;
}

}  // namespace

using emulation::Function;

cufftResult cufftPlan1d(cufftHandle* plan, int length, cufftType type, int batch) {
  return call_cufft(Function::cufftPlan1d, [&] {
    if (length < 1 || batch < 1) return CUFFT_INVALID_VALUE;
    // It allocates what it works in.
    if (emulation::check_unsafe_call() != cudaSuccess) return CUFFT_ALLOC_FAILED;
    *plan = ++plans_made;
    plans[*plan] = {length, type, batch};
    return CUFFT_SUCCESS;
  });
}

cufftResult cufftDestroy(cufftHandle plan) {
  const emulation::Entry entry(Function::cufftDestroy);  // destroys in any case
  return plans.erase(plan) == 1 ? CUFFT_SUCCESS : CUFFT_INVALID_PLAN;
}

cufftResult cufftSetStream(cufftHandle plan, cudaStream_t stream) {
  return call_cufft(Function::cufftSetStream, [&] {
    if (plans.count(plan) == 0) return CUFFT_INVALID_PLAN;
    plans[plan].stream = stream;
    return CUFFT_SUCCESS;
  });
}

cufftResult cufftExecR2C(cufftHandle handle, cufftReal* from, cufftComplex* to) {
  return call_cufft(Function::cufftExecR2C, [&] {
    const Plan* const plan = find(handle, CUFFT_R2C);
    if (plan == nullptr) return CUFFT_INVALID_PLAN;
    return result_of(emulation::enqueue(
        plan->stream, emulation::Work::kernel,
        [plan = *plan, from, to] {
          const int bins = plan.length / 2 + 1;
          for (int b = 0; b < plan.batch; ++b) {
            const float* const in = from + static_cast<std::ptrdiff_t>(b) * plan.length;
            const std::vector<Complex> out = transform({in, in + plan.length}, CUFFT_FORWARD);
            for (int k = 0; k < bins; ++k)
              to[b * bins + k] = rounded(out[static_cast<std::size_t>(k)]);
          }
        },
        {from, to}));
  });
}

cufftResult cufftExecC2R(cufftHandle handle, cufftComplex* from, cufftReal* to) {
  return call_cufft(Function::cufftExecC2R, [&] {
    const Plan* const plan = find(handle, CUFFT_C2R);
    if (plan == nullptr) return CUFFT_INVALID_PLAN;
    return result_of(emulation::enqueue(
        plan->stream, emulation::Work::kernel,
        [plan = *plan, from, to] {
          const int bins = plan.length / 2 + 1;
          for (int b = 0; b < plan.batch; ++b) {
            std::vector<Complex> in(static_cast<std::size_t>(plan.length));
            for (int k = 0; k < bins; ++k) {
              float2& bin = from[b * bins + k];
              in[static_cast<std::size_t>(k)] = {bin.x, bin.y};
              if (k > 0) in[static_cast<std::size_t>(plan.length - k)] = {bin.x, -bin.y};
              bin = make_float2(NAN, NAN);  // cuFFT overwrites the input of this transform
            }
            const std::vector<Complex> out = transform(in, CUFFT_INVERSE);
            for (int n = 0; n < plan.length; ++n) {
              to[b * plan.length + n] = static_cast<float>(out[static_cast<std::size_t>(n)].real());
            }
          }
        },
        {from, to}));
  });
}

cufftResult cufftExecC2C(cufftHandle handle, cufftComplex* from, cufftComplex* to, int direction) {
  return call_cufft(Function::cufftExecC2C, [&] {
    const Plan* const plan = find(handle, CUFFT_C2C);
    if (plan == nullptr) return CUFFT_INVALID_PLAN;
    return result_of(emulation::enqueue(
        plan->stream, emulation::Work::kernel,
        [plan = *plan, from, to, direction] {
          for (int b = 0; b < plan.batch; ++b) {
            std::vector<Complex> in;
            for (int n = 0; n < plan.length; ++n) {
              in.emplace_back(from[b * plan.length + n].x, from[b * plan.length + n].y);
            }
            const std::vector<Complex> out = transform(in, direction);
            for (int n = 0; n < plan.length; ++n) {
              to[b * plan.length + n] = rounded(out[static_cast<std::size_t>(n)]);
            }
          }
        },
        {from, to}));
  });
}

cufftResult cufftGetVersion(int* version) {
  return call_cufft(Function::cufftGetVersion, [&] {
    *version = 12000;
    return CUFFT_SUCCESS;
  });
}

namespace gpuconv {

const CufftLibrary& cufft_library() {
  static const CufftLibrary library{cufftPlan1d,  cufftDestroy, cufftSetStream, cufftExecR2C,
                                    cufftExecC2R, cufftExecC2C, cufftGetVersion};
  return library;
}

}  // namespace gpuconv
