// render_report.hpp - what a render or a scene was, in lines for people
#pragma once

#include "gpuconv/job.hpp"

namespace gpuconv {

/// Sources, responses and method.
void print_plan(const Job& job, const JobReport& report, bool is_verbose);

/// The files that a dry run left alone.
void print_outputs(const Job& job, const JobReport& report, bool is_verbose);

/// OUTPUT, levels and times; after the work.
void print_result(const Job& job, const JobReport& report, bool is_verbose);

}  // namespace gpuconv
