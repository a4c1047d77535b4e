// render_run.hpp - what the commands render and scene have in common
#pragma once

#include <optional>
#include <string>

#include "host/cli/job_options.hpp"

namespace gpuconv {

struct RenderOptions : JobOptions {
  std::string json, trace;
  std::optional<bool> progress;  ///< absent: only on a terminal
  bool dry_run = false;
  bool verbose = false;
};

void add_output_file(CLI::App& command, RenderOptions& options);
void add_report_options(CLI::App& command, RenderOptions& options);

/// Does the job, prints and writes the reports; returns the exit code.
int run_render(RenderOptions options);

}  // namespace gpuconv
