#include "host/cli/sofa_options.hpp"

#include <charconv>
#include <map>

#include "host/base/error.hpp"
#include "host/cli/choices.hpp"
#include "host/cli/usage.hpp"

namespace gpuconv {
namespace {

/// "1,0" as receivers of a SOFA file.
sofa::Receivers receivers_in(const std::string& text) {
  sofa::Receivers receivers;
  const char* const end = text.data() + text.size();
  const auto [comma, first_error] = std::from_chars(text.data(), end, receivers.left);
  const bool has_two = first_error == std::errc() && comma != end && *comma == ',';
  const auto [rest, error] = has_two ? std::from_chars(comma + 1, end, receivers.right)
                                     : std::from_chars_result{comma, std::errc::invalid_argument};
  if (error != std::errc() || rest != end || receivers.left < 0 || receivers.right < 0) {
    throw UsageError("--receivers " + text + ": expected LEFT,RIGHT such as 1,0");
  }
  return receivers;
}

}  // namespace

std::vector<CLI::Option*> add_measurement_options(CLI::App& command, SofaOptions& options) {
  CLI::Option* const azimuth = command
                                   .add_option("--azimuth", options.azimuth,
                                               "Direction of the source in a .sofa file: 0 front, "
                                               "90 left (default 0)")
                                   ->type_name("DEGREES");
  accept_number(azimuth, -360, 360, "degrees");
  CLI::Option* const elevation = command
                                     .add_option("--elevation", options.elevation,
                                                 "Its height: 90 above, -90 below (default 0)")
                                     ->type_name("DEGREES");
  accept_number(elevation, -90, 90, "degrees");
  CLI::Option* const distance =
      command
          .add_option("--distance", options.distance,
                      "Its distance, where there are several (default: the farthest)")
          ->type_name("METRES");
  accept_number(distance, 0, 1e6, "m");
  CLI::Option* const measurement =
      command
          .add_option("--measurement", options.measurement,
                      "Measurement of a .sofa file by its number, from 0")
          ->type_name("N");
  accept_whole_number(measurement, 0, 1'000'000'000);
  return {azimuth, elevation, distance, measurement};
}

void add_interpolation_option(CLI::App& command, SofaOptions& options) {
  static const std::map<std::string, Interpolation> ways{{"nearest", Interpolation::nearest},
                                                         {"neighbours", Interpolation::neighbours}};
  accept_only(command.add_option_function<Interpolation>(
                  "--interpolate", [&options](Interpolation way) { options.interpolation = way; },
                  "Between the measurements of a .sofa file: the nearest, or those around, brought "
                  "in line (default: neighbours if something moves, nearest otherwise)"),
              ways);
}

void add_ear_options(CLI::App& command, SofaOptions& options) {
  accept_whole_number(
      command.add_option("--emitter", options.emitter, "Loudspeaker of a .sofa file, from 0")
          ->type_name("N"),
      0, 1'000'000);
  command
      .add_option_function<std::string>(
          "--receivers",
          [&options](const std::string& text) { options.receivers = receivers_in(text); },
          "Receivers of a .sofa file that are the ears, from 0 (default: by the samples)")
      ->type_name("LEFT,RIGHT");
  static const std::map<std::string, sofa::Azimuths> azimuths{
      {"as-stored", sofa::Azimuths::as_stored}, {"clockwise", sofa::Azimuths::clockwise}};
  accept_only(command.add_option("--azimuths", options.azimuths,
                                 "Azimuths of a .sofa file whose samples contradict them"),
              azimuths);
}

}  // namespace gpuconv
