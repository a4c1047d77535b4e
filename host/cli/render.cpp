// render.cpp - gpuconv render: the main job
#include <CLI/CLI.hpp>
#include <memory>

#include "host/cli/cli.hpp"
#include "host/cli/render_run.hpp"

namespace gpuconv {
namespace {

void add_files(CLI::App& command, RenderOptions& options) {
  command
      .add_option(
          "INPUT", options.job.input,
          "Recording, mono or of several channels: WAV, FLAC, MP3, ...; - is standard input")
      ->required();
  command
      .add_option("RESPONSE", options.job.response,
                  "Response at two ears: a 2-channel audio file (left, right), one with two for "
                  "each channel of INPUT, or a .sofa file")
      ->required();
  add_output_file(command, options);
}

}  // namespace

void add_render(CLI::App& app, RunIt& run_it) {
  const auto options = std::make_shared<RenderOptions>();
  CLI::App* const command =
      app.add_subcommand("render", "Convolve a recording with a response at two ears");
  add_files(*command, *options);
  add_routing_options(*command, *options);
  add_job_options(*command, *options);
  add_movement_options(*command, *options);
  add_noise_options(*command, *options);
  add_report_options(*command, *options);
  command->callback([&run_it, options] { run_it = [options] { return run_render(*options); }; });
}

}  // namespace gpuconv
