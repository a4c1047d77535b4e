// emulated_warp.h - operations of a warp: its 32 threads meet, by mask, at one line
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace emulation {

enum class WarpKind { sync, shuffle, shuffle_up, shuffle_down, shuffle_xor, ballot, any, all };

/// What one lane brings to the meeting.
struct WarpCall {
  WarpKind kind;
  unsigned mask;
  std::uint64_t value;  // what others may read
  int argument;         // of a shuffle: the lane, or the distance
  int width;            // of a shuffle
};

/// Waits for the lanes of the mask and returns what the operation gives this one.
std::uint64_t meet(const WarpCall& call, const char* file, int line);

template <typename T>
T shuffle(WarpKind kind, unsigned mask, T value, int argument, int width, const char* file,
          int line) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = meet({kind, mask, bits, argument, width}, file, line);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace emulation

inline void __syncwarp(unsigned mask = 0xffffffffu, const char* file = __builtin_FILE(),
                       int line = __builtin_LINE()) {
  emulation::meet({emulation::WarpKind::sync, mask, 0, 0, 32}, file, line);
}

template <typename T>
T __shfl_sync(unsigned mask, T value, int lane, int width = 32, const char* file = __builtin_FILE(),
              int line = __builtin_LINE()) {
  return emulation::shuffle(emulation::WarpKind::shuffle, mask, value, lane, width, file, line);
}

template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32,
                 const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return emulation::shuffle(emulation::WarpKind::shuffle_up, mask, value,
                            static_cast<int>(distance), width, file, line);
}

template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32,
                   const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return emulation::shuffle(emulation::WarpKind::shuffle_down, mask, value,
                            static_cast<int>(distance), width, file, line);
}

template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32,
                  const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return emulation::shuffle(emulation::WarpKind::shuffle_xor, mask, value, lanes, width, file,
                            line);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, const char* file = __builtin_FILE(),
                              int line = __builtin_LINE()) {
  const std::uint64_t bits = emulation::meet(
      {emulation::WarpKind::ballot, mask, predicate != 0 ? 1u : 0u, 0, 32}, file, line);
  return static_cast<unsigned>(bits);
}

inline int __any_sync(unsigned mask, int predicate, const char* file = __builtin_FILE(),
                      int line = __builtin_LINE()) {
  const std::uint64_t bits = emulation::meet(
      {emulation::WarpKind::any, mask, predicate != 0 ? 1u : 0u, 0, 32}, file, line);
  return static_cast<int>(bits);
}

inline int __all_sync(unsigned mask, int predicate, const char* file = __builtin_FILE(),
                      int line = __builtin_LINE()) {
  const std::uint64_t bits = emulation::meet(
      {emulation::WarpKind::all, mask, predicate != 0 ? 1u : 0u, 0, 32}, file, line);
  return static_cast<int>(bits);
}
