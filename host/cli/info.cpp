// info.cpp - gpuconv info FILE: what an audio or SOFA file holds
#include "host/room/info.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <span>

#include "host/base/error.hpp"
#include "host/bench/page/response_plot.hpp"
#include "host/cli/cli.hpp"
#include "host/cli/message.hpp"
#include "host/cli/sofa_options.hpp"
#include "host/files/output_file.hpp"
#include "host/read/foreign.hpp"
#include "host/room/acoustics.hpp"
#include "host/room/sofa/sofa_set.hpp"

namespace gpuconv {

namespace {

struct InfoOptions {
  std::string path;
  Formats formats = Formats::allowed;
  ResponseOptions response;
  bool as_json = false;
  bool as_response = false;
  bool lists_directions = false;
  std::string plot;  ///< an SVG file, or empty
};

/// Numbers and picture of a response.
int info_of_response(const InfoOptions& options) {
  ResponseOptions choices = options.response;
  choices.formats = options.formats;
  choices.both_ears = true;
  const Response response = load_response(options.path, choices);
  for (const std::string& warning : response.warnings) {
    print_message("warning", options.path + ": " + warning);
  }
  if (!options.plot.empty()) {
    if (options.plot != "-" && !options.plot.ends_with(".svg")) {
      throw UsageError("--plot " + options.plot + ": is drawn as SVG, and ends in .svg");
    }
    const std::string name = std::filesystem::path(options.path).filename();
    const std::string svg = response_svg(response, one_line(name + ": " + response.description));
    OutputFile file(options.plot, {.inputs = {options.path}});
    file.write(std::as_bytes(std::span(svg)));
    file.publish();
  }
  if (!options.as_response) return 0;
  const Acoustics acoustics = acoustics_of(response);
  if (options.as_json) {
    print("{}\n", json_of(acoustics));
  } else {
    for (const std::string& line : lines_of(acoustics)) print("{}\n", one_line(line));
  }
  return 0;
}

int info(const InfoOptions& options) {
  const auto print_all = [](const std::vector<std::string>& lines) {
    for (const std::string& line : lines) print("{}\n", one_line(line));
  };
  if (options.lists_directions) {
    if (!is_sofa(options.path)) {
      throw UsageError(options.path +
                       ": --directions lists those of a SOFA file, and this is not "
                       "one");
    }
    print_all(list_directions(options.path, options.response.sofa));
    return 0;
  }
  if (options.as_response || !options.plot.empty()) return info_of_response(options);
  const SofaOptions& sofa = options.response.sofa;
  const Description description = describe(options.path, options.formats, sofa);
  if (options.as_json) {
    print("{}\n", description.json);
  } else {
    print_all(description.lines);
  }
  return 0;
}

}  // namespace

void add_info(CLI::App& app, RunIt& run_it) {
  const auto options = std::make_shared<InfoOptions>();
  CLI::App* const command = app.add_subcommand("info", "Say what an audio or SOFA file holds");
  command->add_option("FILE", options->path, "Audio or SOFA file")->required();
  CLI::Option* const json = command->add_flag("--json", options->as_json, "Description as JSON");
  CLI::Option* const directions =
      command
          ->add_flag("--directions", options->lists_directions, "Directions of a SOFA file as CSV")
          ->excludes(json);
  CLI::Option* const acoustics =
      command
          ->add_flag("--acoustics", options->as_response,
                     "Of a response: reverberation times, clarity, definition (ISO 3382-1), "
                     "direct sound, time and level between the ears, for each octave")
          ->excludes(directions);
  CLI::Option* const plot =
      command
          ->add_option("--plot", options->plot,
                       "Of a response: waveform, decay and spectrogram of both ears as SVG; - is "
                       "standard output")
          ->type_name("FILE.svg")
          ->excludes(directions);
  const auto measurement = add_measurement_options(*command, options->response.sofa);
  command->callback([&run_it, options, acoustics, plot, measurement] {
    for (const CLI::Option* const option : measurement) {
      if (option->count() == 0 || acoustics->count() > 0 || plot->count() > 0) continue;
      throw UsageError(option->get_name() + " needs --acoustics or --plot");
    }
    run_it = [options] { return info(*options); };
  });
  add_ear_options(*command, options->response.sofa);
  command->add_flag_callback(
      "--allow-any-format", [options] { options->formats = Formats::any; }, kAllowAnyFormat);
}

}  // namespace gpuconv
