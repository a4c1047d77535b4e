// atomics.cpp - one thread runs at a time: an atomic is a plain sum that the race shadow knows
#include <cuda_runtime.h>

#include <tuple>

#include "tests/emulation/kernel.hpp"
#include "tests/emulation/race.hpp"
#include "tests/emulation/site.hpp"

namespace emulation {
namespace {

template <typename T>
T add(T* address, T value, const void* code) {
  race::touch(address, sizeof(T), race::Touch::atomic, code);
  const T before = *address;
  std::ignore = __builtin_add_overflow(before, value, address);  // wraps, as CUDA's does
  return before;
}

}  // namespace
}  // namespace emulation

int atomicAdd(int* address, int value) {
  return emulation::add(address, value, __builtin_return_address(0));
}

unsigned atomicAdd(unsigned* address, unsigned value) {
  return emulation::add(address, value, __builtin_return_address(0));
}

unsigned long long atomicAdd(unsigned long long* address, unsigned long long value) {
  return emulation::add(address, value, __builtin_return_address(0));
}

float atomicAdd(float*, float, const char* file, int line) {
  throw emulation::Fault("no float atomics: the sum at " + emulation::Site{file, line}.text() +
                         " would depend on the order of the threads");
}
