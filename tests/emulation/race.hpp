// race.hpp - who touched which word of device and shared memory, in builds with GPUCONV_RACE_SHADOW
//
// There the compiler calls a hook at every access of a kernel file (race_hooks.cpp). Two threads of
// a block that touch one word, at least one writing, with neither a barrier of the block nor a
// meeting in the warp between them, are a fault; so are two blocks of one launch. Atomics are no
// conflict among themselves. To read a word that nobody has written since it was allocated, or
// taken by this block, is a fault as well. In other builds these functions do nothing.
#pragma once

#include <cstddef>

namespace emulation::race {

enum class Memory { global, shared };
enum class Touch { read, write, atomic };

#if defined(GPUCONV_RACE_SHADOW)

/// Looks at [start, start + bytes) until unwatch(start).
void watch(const void* start, std::size_t bytes, Memory memory);
void unwatch(const void* start);

/// [start, start + bytes) was written otherwise than by a kernel file.
void fill(const void* start, std::size_t bytes);
/// Nobody has written what starts at the `start` of watch().
void forget(const void* start);

void begin_launch();
void begin_block(unsigned block);
void pass_barrier();
/// The threads first + l with bit l in `mask` have met.
void meet_in_warp(unsigned first, unsigned mask);

/// What the running thread does to [address, address + bytes); `code` is where.
void touch(const void* address, std::size_t bytes, Touch touch, const void* code);

#else

inline void watch(const void*, std::size_t, Memory) {}
inline void unwatch(const void*) {}
inline void fill(const void*, std::size_t) {}
inline void forget(const void*) {}
inline void begin_launch() {}
inline void begin_block(unsigned) {}
inline void pass_barrier() {}
inline void meet_in_warp(unsigned, unsigned) {}
inline void touch(const void*, std::size_t, Touch, const void*) {}

#endif

}  // namespace emulation::race
