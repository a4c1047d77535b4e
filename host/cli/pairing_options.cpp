#include "host/cli/pairing_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <limits>
#include <map>

#include "host/base/error.hpp"
#include "host/batch/file_pool.hpp"
#include "host/cli/choices.hpp"
#include "host/cli/usage.hpp"

namespace gpuconv {
namespace {

/// "5:20" or "10". Throws UsageError.
SnrRange snr_in(const std::string& text) {
  constexpr double kMost = 200;
  SnrRange range;
  const char* const end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, range.low);
  range.high = range.low;
  if (error == std::errc() && rest != end && *rest == ':') {
    const auto high = std::from_chars(rest + 1, end, range.high);
    rest = high.ptr;
    error = high.ec;
  }
  const bool is_range = error == std::errc() && rest == end && range.low <= range.high &&
                        range.low >= -kMost && range.high <= kMost;
  if (is_range) return range;
  throw UsageError(
      fmt::format("--snr {}: expected LOW:HIGH in dB, from -{:.0f} to {:.0f}, such as "
                  "5:20",
                  text, kMost, kMost));
}

}  // namespace

void add_pairing_options(CLI::App& command, PairingChoices& choices) {
  PairingOptions& pairing = choices.options;
  command.option_defaults()->group("Pairing");
  CLI::Option* const responses =
      command
          .add_option("--responses", choices.responses,
                      "Responses for lines that do not name one: a pattern such as 'rooms/*.wav', "
                      "or a text with a path in each line")
          ->type_name("FILES")
          ->excludes(command.get_option("--response"));
  static const std::map<std::string, Pair> pairs{
      {"zip", Pair::zip}, {"product", Pair::product}, {"random", Pair::random}};
  CLI::Option* const pair = command.add_option(
      "--pair", pairing.pair,
      "Responses of a line: the next one, all in a job each, or a drawn one (default random)");
  accept_only(pair, pairs);
  pair->needs(responses);
  accept_whole_number(command
                          .add_option("--per-input", pairing.per_input,
                                      "Jobs for each line, whose outputs are NAME-1.wav and so on "
                                      "(default 1)")
                          ->type_name("N"),
                      1, 1'000'000);
  static const std::map<std::string, bool> directions{{"listed", false}, {"random", true}};
  CLI::Option* const direction = command.add_option(
      "--directions", pairing.draws_directions,
      "Direction of lines that name none: as --azimuth says, or drawn from those of the .sofa file "
      "(default listed)");
  accept_only(direction, directions);
  for (const char* const other : {"--azimuth", "--elevation", "--distance", "--measurement"}) {
    direction->excludes(command.get_option(other));
  }
  CLI::Option* const noise =
      command
          .add_option(
              "--noise", choices.noise,
              "Noise, of which each job draws one, and where it begins: a pattern or a text "
              "as for --responses")
          ->type_name("FILES");
  CLI::Option* const snr =
      command
          .add_option_function<std::string>(
              "--snr", [&pairing](const std::string& text) { pairing.snr = snr_in(text); },
              "Power of the wet sound over that of the noise; LOW:HIGH is drawn between these")
          ->type_name("DB");
  noise->needs(snr);
  snr->needs(noise);
  accept_whole_number(
      command.add_option("--seed", pairing.seed, "Seed of all draws (default 0)")->type_name("N"),
      0, std::numeric_limits<std::int64_t>::max());
  command.option_defaults()->group("Reports");
}

PairingOptions pairing_of(const PairingChoices& choices) {
  PairingOptions pairing = choices.options;
  if (!choices.responses.empty()) {
    pairing.responses = file_pool("--responses", choices.responses);
  }
  if (!choices.noise.empty()) pairing.noises = file_pool("--noise", choices.noise);
  if (pairing.pair != Pair::random && pairing.per_input > 1) {
    throw UsageError("--per-input: cannot be combined with --pair zip or product");
  }
  return pairing;
}

}  // namespace gpuconv
