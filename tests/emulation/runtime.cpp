// runtime.cpp - the host side of the emulated CUDA runtime: errors, memory, streams, events
#include <cuda_runtime.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/emulation/emulation.hpp"
#include "tests/emulation/kernel.hpp"
#include "tests/emulation/state.hpp"

namespace emulation {

/// What cudaEventRecord() leaves in a stream; what cudaStreamWaitEvent() refers to.
struct Record {
  Stream* stream;
  bool has_happened = false;
  int number = -1;  // in the schedule
  std::chrono::steady_clock::time_point time;
};

struct Operation {
  Work work;
  std::function<void()> run;
  std::shared_ptr<Record> record;  // of a record or a wait
};

struct Stream {
  int number;
  std::deque<Operation> queue;
  int last_executed = -1;
};

struct Event {
  std::shared_ptr<Record> latest;
};

namespace {

struct State {
  cudaError_t last_error = cudaSuccess;
  cudaError_t sticky = cudaSuccess;
  std::string fault;
  std::map<const char*, std::size_t> device_memory;  // start -> bytes
  std::map<const char*, std::size_t> pinned_memory;
  std::vector<Stream*> streams;
  int streams_made = 0;
  std::map<const void*, int> shared_limits;
  std::vector<Executed> schedule;
  std::vector<std::string> ranges;
};

State& state() {
  static State state;
  return state;
}

cudaError_t report(cudaError_t error) {
  if (state().sticky != cudaSuccess) error = state().sticky;
  if (error != cudaSuccess) state().last_error = error;
  return error;
}

/// Executes the oldest work of `stream`, after the work that this has to wait for.
void execute_next(Stream& stream);

void execute_until(const std::shared_ptr<Record>& record) {
  while (!record->has_happened) execute_next(*record->stream);
}

void execute_all(Stream& stream) {
  while (!stream.queue.empty()) execute_next(stream);
}

void execute_next(Stream& stream) {
  Operation operation = std::move(stream.queue.front());
  stream.queue.pop_front();
  Executed entry{0, stream.number, operation.work, {}};
  if (stream.last_executed >= 0) entry.depends_on.push_back(stream.last_executed);
  if (operation.work == Work::wait) {
    execute_until(operation.record);
    entry.depends_on.push_back(operation.record->number);
  }
  entry.number = static_cast<int>(state().schedule.size());
  state().schedule.push_back(entry);
  stream.last_executed = entry.number;
  if (operation.work == Work::record) {
    operation.record->has_happened = true;
    operation.record->number = entry.number;
    operation.record->time = std::chrono::steady_clock::now();
  } else if (operation.run && state().sticky == cudaSuccess) {
    try {
      operation.run();
    } catch (const Fault& fault) {
      state().fault = fault.what();
      state().sticky = cudaErrorLaunchFailure;
      std::fprintf(stderr, "emulated GPU: %s\n", fault.what());
    }
  }
}

void execute_everything() {
  for (Stream* const stream : state().streams) execute_all(*stream);
}

bool lies_in(const std::map<const char*, std::size_t>& memory, const void* start,
             std::size_t bytes) {
  const char* const p = static_cast<const char*>(start);
  auto after = memory.upper_bound(p);
  if (after == memory.begin()) return false;
  const auto& [begin, size] = *std::prev(after);
  return p + bytes <= begin + size;
}

cudaError_t allocate(std::map<const char*, std::size_t>& memory, void** result, std::size_t bytes) {
  if (result == nullptr) return report(cudaErrorInvalidValue);
  void* const start = std::malloc(bytes == 0 ? 1 : bytes);
  if (start == nullptr) return report(cudaErrorMemoryAllocation);
  std::memset(start, 0xff, bytes);  // NaN, as float
  memory[static_cast<const char*>(start)] = bytes;
  *result = start;
  return report(cudaSuccess);
}

cudaError_t release(std::map<const char*, std::size_t>& memory, void* start) {
  if (start == nullptr) return cudaSuccess;
  execute_everything();  // as in CUDA, freeing memory waits for the device
  if (memory.erase(static_cast<const char*>(start)) == 0) return report(cudaErrorInvalidValue);
  std::free(start);
  return report(cudaSuccess);
}

}  // namespace

void enqueue(cudaStream_t stream, Work work, std::function<void()> run) {
  stream->queue.push_back({work, std::move(run), nullptr});
}

void note_range(const char* domain, const std::string& name) {
  state().ranges.push_back(std::string(domain) + "/" + name);
}

cudaError_t enqueue_kernel(const cudaLaunchConfig_t& config, const void* kernel,
                           std::function<void()> thread_body) {
  constexpr std::size_t kMaximumShared = 227 * 1024;  // as on compute capability 9.0
  const dim3 grid = config.gridDim;
  const dim3 block = config.blockDim;
  const std::size_t threads = std::size_t{block.x} * block.y * block.z;
  if (threads == 0 || threads > 1024 || block.z > 64 || grid.x == 0 || grid.x > 0x7fffffffu ||
      grid.y == 0 || grid.y > 65535 || grid.z == 0 || grid.z > 65535) {
    return report(cudaErrorInvalidConfiguration);
  }
  const auto limit = state().shared_limits.find(kernel);
  const std::size_t granted =
      limit == state().shared_limits.end() ? 48 * 1024 : static_cast<std::size_t>(limit->second);
  if (config.dynamicSmemBytes > granted || config.dynamicSmemBytes > kMaximumShared) {
    return report(cudaErrorInvalidValue);
  }
  if (config.stream == nullptr) return report(cudaErrorInvalidResourceHandle);
  enqueue(config.stream, Work::kernel,
          [grid, block, bytes = config.dynamicSmemBytes, body = std::move(thread_body)] {
            run_kernel(grid, block, bytes, body);
          });
  return report(cudaSuccess);
}

const std::vector<Executed>& schedule() { return state().schedule; }
const std::vector<std::string>& ranges() { return state().ranges; }
const std::string& last_fault() { return state().fault; }

void forget() {
  execute_everything();
  state().schedule.clear();
  state().ranges.clear();
  for (Stream* const stream : state().streams) stream->last_executed = -1;
}

void recover() {
  execute_everything();
  state().sticky = state().last_error = cudaSuccess;
  state().fault.clear();
}

std::size_t live_allocations() {
  return state().device_memory.size() + state().pinned_memory.size();
}

}  // namespace emulation

using emulation::Operation;
using emulation::report;
using emulation::state;
using emulation::Work;

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
  }
  return "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  if (error == cudaErrorLaunchFailure && !state().fault.empty()) return state().fault.c_str();
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    default:
      return cudaGetErrorName(error);
  }
}

cudaError_t cudaGetLastError() {
  const cudaError_t error = state().last_error;
  state().last_error = state().sticky;
  return error;
}
cudaError_t cudaPeekAtLastError() { return state().last_error; }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return report(cudaSuccess);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device != 0) return report(cudaErrorInvalidDevice);
  *properties = {};
  std::snprintf(properties->name, sizeof properties->name, "emulated GPU (on the CPU)");
  properties->totalGlobalMem = std::size_t{4} << 30;
  properties->major = 9;
  properties->minor = 0;
  properties->multiProcessorCount = 1;
  properties->sharedMemPerBlockOptin = 227 * 1024;
  return report(cudaSuccess);
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (device != 0) return report(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrClockRate:
      *value = 300;  // kHz: 256 flop per clock makes 77 Mflop/s, about what this emulation does
      return report(cudaSuccess);
    case cudaDevAttrMultiProcessorCount:
      *value = 1;
      return report(cudaSuccess);
  }
  return report(cudaErrorInvalidValue);
}

cudaError_t cudaSetDevice(int device) {
  return report(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  std::size_t used = 0;
  for (const auto& [start, bytes] : state().device_memory) used += bytes;
  *total = std::size_t{4} << 30;
  *free = used < *total ? *total - used : 0;
  return report(cudaSuccess);
}

cudaError_t cudaDeviceSynchronize() {
  emulation::execute_everything();
  return report(cudaSuccess);
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = 13000;
  return report(cudaSuccess);
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return report(cudaSuccess);
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  return emulation::allocate(state().device_memory, memory, bytes);
}
cudaError_t cudaFree(void* memory) { return emulation::release(state().device_memory, memory); }
cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  return emulation::allocate(state().pinned_memory, memory, bytes);
}
cudaError_t cudaFreeHost(void* memory) { return emulation::release(state().pinned_memory, memory); }

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (stream == nullptr) return report(cudaErrorInvalidResourceHandle);
  const bool reads_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  const bool writes_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  if (bytes > 0 && (emulation::lies_in(state().device_memory, from, bytes) != reads_device ||
                    emulation::lies_in(state().device_memory, to, bytes) != writes_device)) {
    return report(cudaErrorInvalidValue);
  }
  const Work work = kind == cudaMemcpyHostToDevice   ? Work::upload
                    : kind == cudaMemcpyDeviceToHost ? Work::download
                                                     : Work::copy;
  emulation::enqueue(stream, work, [to, from, bytes] {
    if (bytes > 0) std::memcpy(to, from, bytes);
  });
  return report(cudaSuccess);
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  if (stream == nullptr) return report(cudaErrorInvalidResourceHandle);
  if (!emulation::lies_in(state().device_memory, memory, bytes)) {
    return report(cudaErrorInvalidValue);
  }
  emulation::enqueue(stream, Work::fill,
                     [memory, value, bytes] { std::memset(memory, value, bytes); });
  return report(cudaSuccess);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new emulation::Stream{state().streams_made++, {}, -1};
  state().streams.push_back(*stream);
  return report(cudaSuccess);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  emulation::execute_all(*stream);  // on a GPU the queued work is still done, too
  std::erase(state().streams, stream);
  delete stream;
  return report(cudaSuccess);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (stream == nullptr) return report(cudaErrorInvalidResourceHandle);
  emulation::execute_all(*stream);
  return report(cudaSuccess);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (stream == nullptr || event == nullptr) return report(cudaErrorInvalidResourceHandle);
  // As in CUDA, an event that was never recorded makes nobody wait.
  if (event->latest) stream->queue.push_back({Work::wait, nullptr, event->latest});
  return report(cudaSuccess);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new emulation::Event;
  return report(cudaSuccess);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return report(cudaSuccess);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (stream == nullptr || event == nullptr) return report(cudaErrorInvalidResourceHandle);
  event->latest = std::make_shared<emulation::Record>();
  event->latest->stream = stream;
  stream->queue.push_back({Work::record, nullptr, event->latest});
  return report(cudaSuccess);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (event == nullptr) return report(cudaErrorInvalidResourceHandle);
  if (event->latest) emulation::execute_until(event->latest);
  return report(cudaSuccess);
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  if (!start->latest || !end->latest) return report(cudaErrorInvalidResourceHandle);
  if (!start->latest->has_happened || !end->latest->has_happened) {
    return report(cudaErrorNotReady);
  }
  *milliseconds =
      std::chrono::duration<float, std::milli>(end->latest->time - start->latest->time).count();
  return report(cudaSuccess);
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute, int value) {
  if (value > 227 * 1024) return report(cudaErrorInvalidValue);
  state().shared_limits[kernel] = value;
  return report(cudaSuccess);
}
