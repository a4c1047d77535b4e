// page.hpp - a benchmark as one HTML page that needs nothing else: no scripts, fonts or pictures
#pragma once

#include <string>

#include "host/bench/report.hpp"

namespace gpuconv {

/// Figures with two sentences each, the table of the main problem, and all rows. Light or dark as
/// the reader's system is; on narrow screens other drawings of the same figures.
std::string to_html(const Machine& machine, const BenchReport& report);

}  // namespace gpuconv
