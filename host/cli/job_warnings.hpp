// job_warnings.hpp - what a report of a job warns of
#pragma once

#include <string>

#include "gpuconv/job.hpp"

namespace gpuconv {

/// Warns of repairs, of a fallback, of an ignored calibration, and of files of older runs.
void print_warnings(const Job& job, const JobReport& report);

/// Warns if gpuconv clipped samples, or a player will, and names the option that avoids it.
void print_level_warning(const Job& job, const JobReport& report);

/// The highest --gain (or --level or --norm, if the job has it) without clipping, in tenths of a
/// dB. Only after run().
double right_level(const Job& job, const JobReport& report);

/// The value as an option: "--gain -3.2".
std::string level_option(const Job& job, double level);

/// True if PCM had to limit a sample.
bool has_clipped(const JobReport& report);

/// True if a sample was above full scale.
bool has_overs(const JobReport& report);

}  // namespace gpuconv
