// ladder.hpp - the methods' times for one problem as a picture of its own, for a README
#pragma once

#include <string>

#include "host/bench/report.hpp"

namespace gpuconv {

/// An SVG file with a row for each method on the main problem: name, dot and whisker on a
/// logarithmic axis of time, median; hollow if extrapolated, a cross if noisy. Light or dark as the
/// reader's system is. Empty without rows.
std::string ladder_svg(const Machine& machine, const BenchReport& report);

}  // namespace gpuconv
