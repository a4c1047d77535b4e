// scene.cpp - gpuconv scene: many voices into the same two ears
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "host/cli/cli.hpp"
#include "host/cli/render_run.hpp"
#include "host/scene/scene_file.hpp"

namespace gpuconv {
namespace {

struct SceneOptions : RenderOptions {
  std::string scene;
  bool has_stems = false;
};

}  // namespace

void add_scene(CLI::App& app, RunIt& run_it) {
  const auto options = std::make_shared<SceneOptions>();
  CLI::App* const command = app.add_subcommand(
      "scene", "Convolve many recordings, each with a response of its own, and add them up");
  command
      ->add_option("SCENE", options->scene,
                   "JSON file with the voices; docs/scenes.md explains it; - is standard input")
      ->required();
  add_output_file(*command, *options);
  add_scene_options(*command, *options);
  add_movement_options(*command, *options);
  command->option_defaults()->group("Output");
  command->add_flag("--stems", options->has_stems,
                    "Each voice also alone, in NAME.stem-ID.EXT beside OUTPUT");
  add_noise_options(*command, *options);
  add_report_options(*command, *options);
  command->callback([&run_it, options] {
    run_it = [options] {
      options->job.scene = read_scene(options->scene);
      options->job.scene->has_stems = options->has_stems;
      return run_render(*options);
    };
  });
}

}  // namespace gpuconv
