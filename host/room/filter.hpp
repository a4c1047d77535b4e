// filter.hpp - a short filter in double, compiled once for each kind of processor
#pragma once

#include <cstddef>
#include <span>

namespace gpuconv {

/// Samples after the last one of filter()'s source that may be read.
inline constexpr std::size_t kFilterPadding = 64;

/// to[n] = sum_j kernel[j] source[n + J - 1 - j], with J taps of `kernel`, the last tap first. The
/// source has to.size() + J - 1 + kFilterPadding samples. Each product is rounded before it is
/// added: every processor gives the same bytes.
void filter(const double* source, std::span<const double> kernel, std::span<float> to);

}  // namespace gpuconv
