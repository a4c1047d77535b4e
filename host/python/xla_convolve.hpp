// xla_convolve.hpp - the convolution as JAX calls it
#pragma once

#include "host/python/xla_ffi.hpp"

namespace gpuconv::xla {

/// A handler of XLA's foreign function interface: null, or an error that XLA frees.
Error* convolve(CallFrame* frame);

}  // namespace gpuconv::xla
