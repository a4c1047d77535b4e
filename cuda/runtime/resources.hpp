// resources.hpp - streams, events and memory that release themselves
//
// Constructors acquire or throw CudaError, destructors release and are silent, nothing is copied.
// No stream is the default: every operation names the stream it is queued in. Declare a stream
// before the buffers used on it: members die in reverse.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "cuda/runtime/check.hpp"

namespace gpuconv {

namespace detail {
struct DestroyStream {
  using pointer = cudaStream_t;
  bool is_borrowed = false;
  void operator()(cudaStream_t stream) const {
    if (!is_borrowed) cudaStreamDestroy(stream);
  }
};
struct DestroyEvent {
  using pointer = cudaEvent_t;
  void operator()(cudaEvent_t event) const { cudaEventDestroy(event); }
};
struct FreeDevice {
  std::size_t bytes = 0;
  void operator()(void* memory) const;
};
struct FreePinned {
  void operator()(void* memory) const { cudaFreeHost(memory); }
};
using DeviceMemory = std::unique_ptr<void, FreeDevice>;
/// Where memory is short, the CudaError says how much was needed and how much is free.
DeviceMemory allocate_device(std::size_t bytes);
void* allocate_pinned(std::size_t bytes);
}  // namespace detail

/// All buffers together may take so many bytes of device memory: beyond, there is none, as if the
/// device were smaller. What cuFFT takes for itself is not counted.
void limit_device_memory(std::size_t bytes);

/// Called with true before and with false after each wait for the device, which may never end: what
/// a watchdog has to know. One for the whole process; null, as at first, for none.
using NoteWait = void(bool is_waiting);
void note_waits(NoteWait* note);

class Stream {
 public:
  Stream();
  /// One of the caller's, which outlives it; null is CUDA's default stream.
  static Stream borrowed(cudaStream_t stream) { return Stream(stream, {.is_borrowed = true}); }
  cudaStream_t get() const { return stream_.get(); }
  /// Waits until all work queued so far is done; throws what that work failed with.
  void synchronize() const;

 private:
  Stream(cudaStream_t stream, detail::DestroyStream destroy) : stream_(stream, destroy) {}

  std::unique_ptr<cudaStream_t, detail::DestroyStream> stream_;
};

class Event {
 public:
  Event();
  void record(const Stream& stream);
  /// Makes the host wait for the latest record().
  void synchronize() const;
  cudaEvent_t get() const { return event_.get(); }

 private:
  std::unique_ptr<cudaEvent_t, detail::DestroyEvent> event_;
};

/// Later work in `stream` starts only after the latest record() of `event`. The host does not wait.
void wait(const Stream& stream, const Event& event);

/// Seconds on the device between two events that have both happened.
double seconds_between(const Event& start, const Event& end);

/// `size` uninitialised elements of device memory.
template <typename T>
class DeviceBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  DeviceBuffer() = default;
  explicit DeviceBuffer(std::size_t size)
      : memory_(size == 0 ? nullptr : detail::allocate_device(size * sizeof(T))), size_(size) {}
  T* data() const { return static_cast<T*>(memory_.get()); }
  std::size_t size() const { return size_; }
  std::span<T> span() const { return {data(), size_}; }

 private:
  detail::DeviceMemory memory_;
  std::size_t size_ = 0;
};

/// `size` uninitialised elements of page-locked host memory: what asynchronous copies need.
template <typename T>
class PinnedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  PinnedBuffer() = default;
  explicit PinnedBuffer(std::size_t size)
      : memory_(size == 0 ? nullptr : detail::allocate_pinned(size * sizeof(T))), size_(size) {}
  T* data() const { return static_cast<T*>(memory_.get()); }
  std::size_t size() const { return size_; }
  std::span<T> span() const { return {data(), size_}; }

 private:
  std::unique_ptr<void, detail::FreePinned> memory_;
  std::size_t size_ = 0;
};

/// Queues a copy of `from`, on the device, to the beginning of `to`, on the device, too.
template <typename T>
void copy_async(std::span<const T> from, std::span<T> to, const Stream& stream) {
  GPUCONV_CUDA(cudaMemcpyAsync(to.data(), from.data(), from.size_bytes(), cudaMemcpyDeviceToDevice,
                               stream.get()));
}

/// Queues a copy of `from` to the beginning of `to`; both must stay alive until it is done.
template <typename T>
void upload_async(std::span<const T> from, std::span<T> to, const Stream& stream) {
  GPUCONV_CUDA(cudaMemcpyAsync(to.data(), from.data(), from.size_bytes(), cudaMemcpyHostToDevice,
                               stream.get()));
}
template <typename T>
void download_async(std::span<const T> from, std::span<T> to, const Stream& stream) {
  GPUCONV_CUDA(cudaMemcpyAsync(to.data(), from.data(), from.size_bytes(), cudaMemcpyDeviceToHost,
                               stream.get()));
}

/// A table on the device. The host's copy lives as long, so that nobody waits for the upload;
/// freeing device memory waits for all that uses it.
template <typename T>
class UploadedTable {
 public:
  UploadedTable() = default;
  /// Queues the upload in `stream`.
  UploadedTable(std::vector<T> table, const Stream& stream)
      : host_(std::move(table)), device_(host_.size()) {
    upload_async<T>(host_, device_.span(), stream);
  }
  const T* data() const { return device_.data(); }
  std::span<const T> span() const { return device_.span(); }

 private:
  std::vector<T> host_;
  DeviceBuffer<T> device_;  // freed first
};

}  // namespace gpuconv
