// copies.cpp - copies and fills: queued, so that a source used again too early gives wrong data
#include <cstdlib>
#include <cstring>

#include "tests/emulation/calls.hpp"
#include "tests/emulation/memory.hpp"
#include "tests/emulation/race.hpp"
#include "tests/emulation/streams.hpp"

using emulation::call;
using emulation::Function;
using emulation::Work;

namespace {

/// Whether the copy from a device that is now executed is the one of GPUCONV_EMULATED_DAMAGE.
bool is_to_be_damaged() {
  static const char* const text = std::getenv("GPUCONV_EMULATED_DAMAGE");
  static int downloads = 0;
  return text != nullptr && ++downloads == std::atoi(text);
}

}  // namespace

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return call(Function::cudaMemcpyAsync, [&] {
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    const bool reads_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    const bool writes_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    const auto is_on_device = [bytes](const void* p) {
      return emulation::find_device_memory(p, bytes) != nullptr;
    };
    if (bytes > 0 && (is_on_device(from) != reads_device || is_on_device(to) != writes_device)) {
      return cudaErrorInvalidValue;
    }
    const Work work = kind == cudaMemcpyHostToDevice   ? Work::upload
                      : kind == cudaMemcpyDeviceToHost ? Work::download
                                                       : Work::copy;
    return emulation::enqueue(stream, work,
                              [to, from, bytes, work] {
                                if (bytes > 0) std::memcpy(to, from, bytes);
                                if (bytes > 0 && work == Work::download && is_to_be_damaged()) {
                                  // The highest bit of the exponent, were it a float.
                                  static_cast<unsigned char*>(to)[bytes - 1] ^= 0x40;
                                }
                                emulation::race::fill(to, bytes);
                              },
                              {to, from});
  });
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  return call(Function::cudaMemsetAsync, [&] {
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (emulation::find_device_memory(memory, bytes) == nullptr) return cudaErrorInvalidValue;
    return emulation::enqueue(stream, Work::fill,
                              [memory, value, bytes] {
                                std::memset(memory, value, bytes);
                                emulation::race::fill(memory, bytes);
                              },
                              {memory});
  });
}
