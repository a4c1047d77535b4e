// vector_targets.hpp - processors for which Highway compiles vector code, for files that include
// hwy/foreach_target.h after it
#pragma once

// Arrays of vectors need vectors of a size that the compiler knows. Processors with scalable ones
// use NEON.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#endif
