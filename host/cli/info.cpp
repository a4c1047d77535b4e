// info.cpp - gpuconv info FILE: what an audio or SOFA file holds
#include "host/room/info.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "host/base/error.hpp"
#include "host/cli/cli.hpp"
#include "host/cli/message.hpp"
#include "host/cli/sofa_options.hpp"
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
};

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
  if (options.as_response) {
    ResponseOptions choices = options.response;
    choices.formats = options.formats;
    choices.both_ears = true;
    const Response response = load_response(options.path, choices);
    for (const std::string& warning : response.warnings) {
      print_message("warning", options.path + ": " + warning);
    }
    const Acoustics acoustics = acoustics_of(response);
    if (options.as_json) {
      print("{}\n", json_of(acoustics));
    } else {
      print_all(lines_of(acoustics));
    }
    return 0;
  }
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
  for (CLI::Option* const option : add_measurement_options(*command, options->response.sofa)) {
    option->needs(acoustics);
  }
  add_ear_options(*command, options->response.sofa);
  command->add_flag_callback(
      "--allow-any-format", [options] { options->formats = Formats::any; }, kAllowAnyFormat);
  command->callback([&run_it, options] { run_it = [options] { return info(*options); }; });
}

}  // namespace gpuconv
