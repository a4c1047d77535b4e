// race_hooks.cpp - what -fsanitize=thread calls in kernel files, in place of its own library
#include <cstddef>
#include <cstring>

#include "tests/emulation/race.hpp"

using emulation::race::Touch;
using emulation::race::touch;

#define GPUCONV_CODE __builtin_return_address(0)

#define GPUCONV_ACCESS(bytes)                                                                  \
  void __tsan_read##bytes(void* p) { touch(p, bytes, Touch::read, GPUCONV_CODE); }             \
  void __tsan_write##bytes(void* p) { touch(p, bytes, Touch::write, GPUCONV_CODE); }           \
  void __tsan_unaligned_read##bytes(void* p) { touch(p, bytes, Touch::read, GPUCONV_CODE); }   \
  void __tsan_unaligned_write##bytes(void* p) { touch(p, bytes, Touch::write, GPUCONV_CODE); } \
  void __tsan_volatile_read##bytes(void* p) { touch(p, bytes, Touch::read, GPUCONV_CODE); }    \
  void __tsan_volatile_write##bytes(void* p) { touch(p, bytes, Touch::write, GPUCONV_CODE); }  \
  void __tsan_unaligned_volatile_read##bytes(void* p) {                                        \
    touch(p, bytes, Touch::read, GPUCONV_CODE);                                                \
  }                                                                                            \
  void __tsan_unaligned_volatile_write##bytes(void* p) {                                       \
    touch(p, bytes, Touch::write, GPUCONV_CODE);                                               \
  }

// Atomic accesses of host code in kernel files: reference counts, flags of function-local statics.
#define GPUCONV_ATOMIC(bits, T)                                                                    \
  T __tsan_atomic##bits##_load(const volatile T* p, int) {                                         \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                   \
  }                                                                                                \
  void __tsan_atomic##bits##_store(volatile T* p, T v, int) {                                      \
    __atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                                      \
  }                                                                                                \
  T __tsan_atomic##bits##_exchange(volatile T* p, T v, int) {                                      \
    return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                            \
  }                                                                                                \
  T __tsan_atomic##bits##_fetch_add(volatile T* p, T v, int) {                                     \
    return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);                                             \
  }                                                                                                \
  T __tsan_atomic##bits##_fetch_sub(volatile T* p, T v, int) {                                     \
    return __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST);                                             \
  }                                                                                                \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile T* p, T* expected, T v, int, int) {   \
    return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
  }                                                                                                \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile T* p, T* expected, T v, int, int) {     \
    return __atomic_compare_exchange_n(p, expected, v, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);  \
  }

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

GPUCONV_ACCESS(1)
GPUCONV_ACCESS(2)
GPUCONV_ACCESS(4)
GPUCONV_ACCESS(8)
GPUCONV_ACCESS(16)

void __tsan_read_range(void* p, std::size_t bytes) {
  if (bytes > 0) touch(p, bytes, Touch::read, GPUCONV_CODE);
}
void __tsan_write_range(void* p, std::size_t bytes) {
  if (bytes > 0) touch(p, bytes, Touch::write, GPUCONV_CODE);
}

void* __tsan_memcpy(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) {
    touch(from, bytes, Touch::read, GPUCONV_CODE);
    touch(to, bytes, Touch::write, GPUCONV_CODE);
  }
  return std::memcpy(to, from, bytes);
}
void* __tsan_memmove(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) {
    touch(from, bytes, Touch::read, GPUCONV_CODE);
    touch(to, bytes, Touch::write, GPUCONV_CODE);
  }
  return std::memmove(to, from, bytes);
}
void* __tsan_memset(void* to, int value, std::size_t bytes) {
  if (bytes > 0) touch(to, bytes, Touch::write, GPUCONV_CODE);
  return std::memset(to, value, bytes);
}

GPUCONV_ATOMIC(8, unsigned char)
GPUCONV_ATOMIC(16, unsigned short)
GPUCONV_ATOMIC(32, unsigned)
GPUCONV_ATOMIC(64, unsigned long)

void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void __tsan_atomic_signal_fence(int) { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

}  // extern "C"
