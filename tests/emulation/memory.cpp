// memory.cpp - pages for every allocation, closed to the host while nothing executes
//
//   | guard page | canary ...            | bytes | canary | guard page |
//
// The end stands as near to the guard page as an alignment of 16 permits.
#include "tests/emulation/memory.hpp"

#include <cuda_runtime.h>
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include "tests/emulation/calls.hpp"
#include "tests/emulation/captures.hpp"
#include "tests/emulation/devices.hpp"
#include "tests/emulation/emulation.hpp"
#include "tests/emulation/kernel.hpp"
#include "tests/emulation/race.hpp"
#include "tests/emulation/streams.hpp"

namespace emulation {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kAlignment = 16;
constexpr std::size_t kCanaryBytes = 512;  // at least, before the start
constexpr unsigned char kCanary = 0xc5;

struct State {
  std::map<const char*, Allocation> allocations;  // by start
  int made = 0;
  int accesses = 0;  // DeviceAccess that live
};

State& state() {
  static State state;
  return state;
}

thread_local int accesses_here = 0;

constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

void protect(const Allocation& allocation, int protection) {
  mprotect(allocation.pages, allocation.page_bytes, protection);
}

// AddressSanitizer may not look at what it guards itself.
#define GPUCONV_UNCHECKED __attribute__((no_sanitize("address"), noinline))

GPUCONV_UNCHECKED void fill_canary(char* from, const char* to) {
  for (; from < to; ++from) *from = static_cast<char>(kCanary);
}

GPUCONV_UNCHECKED const char* find_damage(const char* from, const char* to) {
  for (; from < to; ++from) {
    if (*from != static_cast<char>(kCanary)) return from;
  }
  return nullptr;
}

const char* find_damage(const Allocation& allocation) {
  const char* const pages_end = allocation.pages + allocation.page_bytes;
  const char* const after = find_damage(allocation.start + allocation.bytes, pages_end);
  return after != nullptr ? after : find_damage(allocation.start - kCanaryBytes, allocation.start);
}

std::string text(const Allocation& allocation) {
  return "allocation " + std::to_string(allocation.number) + " (" +
         std::to_string(allocation.bytes) + " bytes of " +
         (allocation.device == kPinned ? "pinned memory"
                                       : "device " + std::to_string(allocation.device)) +
         ")";
}

void check_guard(const Allocation& allocation) {
  const char* const damage = find_damage(allocation);
  if (damage == nullptr) return;
  const bool is_before = damage < allocation.start;
  const auto distance =
      is_before ? allocation.start - damage : damage - (allocation.start + allocation.bytes);
  throw Fault(text(allocation) + " was overrun: byte " + std::to_string(distance) +
              (is_before ? " before its start" : " behind its end") + " was written");
}

std::size_t used_bytes(int device) {
  std::size_t used = 0;
  for (const auto& [start, allocation] : state().allocations) {
    if (allocation.device == device) used += allocation.bytes;
  }
  return used;
}

cudaError_t allocate(void** result, std::size_t bytes, int device) {
  if (result == nullptr) return cudaErrorInvalidValue;
  *result = nullptr;
  if (const cudaError_t error = check_unsafe_call(); error != cudaSuccess) return error;
  if (bytes == 0) return cudaSuccess;
  if (device != kPinned && used_bytes(device) + bytes > device_bytes()) {
    return cudaErrorMemoryAllocation;
  }
  const std::size_t page_bytes = round_up(round_up(bytes, kAlignment) + kCanaryBytes, kPage);
  void* const mapping = mmap(nullptr, page_bytes + 2 * kPage, PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return cudaErrorMemoryAllocation;
  Allocation allocation{};
  allocation.bytes = bytes;
  allocation.device = device;
  allocation.number = state().made++;
  allocation.pages = static_cast<char*>(mapping) + kPage;
  allocation.page_bytes = page_bytes;
  char* const pages_end = allocation.pages + page_bytes;
  allocation.start = pages_end - round_up(bytes, kAlignment);
  protect(allocation, PROT_READ | PROT_WRITE);
  fill_canary(allocation.pages, allocation.start);
  fill_canary(allocation.start + bytes, pages_end);
  std::memset(allocation.start, 0xff, bytes);  // NaN, as float
  ASAN_POISON_MEMORY_REGION(allocation.pages,
                            static_cast<std::size_t>(allocation.start - allocation.pages));
  ASAN_POISON_MEMORY_REGION(allocation.start + bytes, round_up(bytes, kAlignment) - bytes);
  if (device != kPinned) {
    race::watch(allocation.start, bytes, race::Memory::global);
    if (state().accesses == 0) protect(allocation, PROT_NONE);
  }
  state().allocations[allocation.start] = allocation;
  *result = allocation.start;
  return cudaSuccess;
}

cudaError_t release(void* start, bool is_pinned) {
  if (start == nullptr) return cudaSuccess;
  if (const cudaError_t error = check_unsafe_call(); error != cudaSuccess) return error;
  execute_everything();  // as in CUDA, freeing memory waits for the device
  const auto found = state().allocations.find(static_cast<const char*>(start));
  if (found == state().allocations.end() || (found->second.device == kPinned) != is_pinned) {
    return cudaErrorInvalidValue;
  }
  const Allocation allocation = found->second;
  state().allocations.erase(found);
  race::unwatch(allocation.start);
  protect(allocation, PROT_READ | PROT_WRITE);
  const char* const damage = find_damage(allocation);
  if (damage != nullptr && !is_device_lost()) {
    try {
      check_guard(allocation);
    } catch (const Fault& fault) {
      report_fault(fault);
    }
  }
  ASAN_UNPOISON_MEMORY_REGION(allocation.pages, allocation.page_bytes);
  munmap(allocation.pages - kPage, allocation.page_bytes + 2 * kPage);
  return cudaSuccess;
}

}  // namespace

DeviceAccess::DeviceAccess() {
  ++accesses_here;
  if (state().accesses++ > 0) return;
  for (const auto& [start, allocation] : state().allocations) {
    if (allocation.device != kPinned) protect(allocation, PROT_READ | PROT_WRITE);
  }
}

DeviceAccess::~DeviceAccess() {
  --accesses_here;
  if (--state().accesses > 0) return;
  for (const auto& [start, allocation] : state().allocations) {
    if (allocation.device != kPinned) protect(allocation, PROT_NONE);
  }
}

bool has_device_access() { return accesses_here > 0; }

const Allocation* find_device_memory(const void* start, std::size_t bytes) {
  const char* const p = static_cast<const char*>(start);
  const auto after = state().allocations.upper_bound(p);
  if (after == state().allocations.begin()) return nullptr;
  const Allocation& allocation = std::prev(after)->second;
  const std::size_t offset = static_cast<std::size_t>(p - allocation.start);
  const bool is_inside = offset < allocation.bytes && bytes <= allocation.bytes - offset;
  return allocation.device != kPinned && is_inside ? &allocation : nullptr;
}

void check_device(const std::vector<const void*>& pointers, int device) {
  for (const void* const pointer : pointers) {
    const Allocation* const allocation = find_device_memory(pointer, 0);
    if (allocation != nullptr && allocation->device != device) {
      throw Fault(text(*allocation) + " is used in a stream of device " + std::to_string(device));
    }
  }
}

void check_guards() {
  const DeviceAccess access;
  for (const auto& [start, allocation] : state().allocations) check_guard(allocation);
}

std::size_t live_allocations() { return state().allocations.size(); }

}  // namespace emulation

using emulation::call;
using emulation::call_to_end;
using emulation::Function;

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return call(Function::cudaMemGetInfo, [&] {
    *total = emulation::device_bytes();
    *free = *total - std::min(*total, emulation::used_bytes(emulation::current_device()));
    return cudaSuccess;
  });
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  return call(Function::cudaMalloc,
              [&] { return emulation::allocate(memory, bytes, emulation::current_device()); });
}

cudaError_t cudaFree(void* memory) {
  return call_to_end(Function::cudaFree, [&] { return emulation::release(memory, false); });
}

cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  return call(Function::cudaMallocHost,
              [&] { return emulation::allocate(memory, bytes, emulation::kPinned); });
}

cudaError_t cudaFreeHost(void* memory) {
  return call_to_end(Function::cudaFreeHost, [&] { return emulation::release(memory, true); });
}
