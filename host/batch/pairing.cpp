#include "host/batch/pairing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <unordered_map>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/read/foreign.hpp"
#include "host/room/sofa/sofa_set.hpp"

namespace gpuconv {
namespace {

/// How many jobs a line becomes.
int copies_of(const PairingLine& line, const PairingOptions& options) {
  const bool is_product = !options.responses.empty() && options.pair == Pair::product;
  if (is_product) return line.response.empty() ? static_cast<int>(options.responses.size()) : 1;
  return options.per_input;
}

void check_zip(const std::vector<PairingLine>& lines, const PairingOptions& options) {
  if (options.responses.empty() || options.pair != Pair::zip) return;
  const auto open =
      std::ranges::count_if(lines, [](const PairingLine& line) { return line.response.empty(); });
  if (static_cast<std::size_t>(open) == options.responses.size()) return;
  throw UsageError(fmt::format(
      "--pair zip: {} lines name no response and --responses has {}; it needs one for each", open,
      options.responses.size()));
}

}  // namespace

std::vector<PairedJob> pair_jobs(const std::vector<PairingLine>& lines,
                                 const PairingOptions& options,
                                 const CountMeasurements& measurements) {
  check_zip(lines, options);
  std::vector<PairedJob> jobs;
  std::size_t zipped = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    stop_if_interrupted();
    const PairingLine& line = lines[i];
    const int copies = copies_of(line, options);
    for (int copy = 1; copy <= copies; ++copy) {
      const Draws draws(options.seed, line.identity, copy);
      PairedJob job;
      job.line = i;
      job.copy = copies == 1 ? 0 : copy;
      job.key = draws.key();
      job.response = line.response;
      if (job.response.empty() && !options.responses.empty()) {
        const std::size_t chosen = options.pair == Pair::zip ? zipped++
                                   : options.pair == Pair::product
                                       ? static_cast<std::size_t>(copy - 1)
                                       : draws.index(Purpose::response, options.responses.size());
        job.response = options.responses[chosen];
      }
      if (options.draws_directions && !line.has_direction) {
        const std::int64_t count = measurements(std::string(job.response));
        if (count > 0) {
          job.measurement = static_cast<std::int64_t>(
              draws.index(Purpose::measurement, static_cast<std::size_t>(count)));
        }
      }
      if (!options.noises.empty()) {
        job.noise = options.noises[draws.index(Purpose::noise, options.noises.size())];
        job.noise_draw = draws.fraction(Purpose::noise_start);
        job.snr_db =
            options.snr.low + (options.snr.high - options.snr.low) * draws.fraction(Purpose::snr);
      }
      jobs.push_back(std::move(job));
    }
  }
  return jobs;
}

std::size_t lines_that_draw_alike(const std::vector<PairingLine>& lines) {
  std::vector<std::uint64_t> keys;
  keys.reserve(lines.size());
  for (const PairingLine& line : lines) keys.push_back(Draws(0, line.identity, 1).key());
  std::ranges::sort(keys);
  return static_cast<std::size_t>(keys.end() - std::unique(keys.begin(), keys.end()));
}

std::string choices_of(const PairedJob& job) {
  std::string choices;
  if (job.measurement) choices += fmt::format("measurement {} ", *job.measurement);
  if (!job.noise.empty()) {
    choices += fmt::format("noise {} {} {}", job.noise, job.snr_db, job.noise_draw);
  }
  return choices;
}

bool pairs(const PairingOptions& options) {
  return !options.responses.empty() || !options.noises.empty() || options.draws_directions ||
         options.per_input > 1;
}

std::string name_of_copy(const std::string& name, int copy) {
  if (copy == 0) return name;
  const std::filesystem::path path(name);
  return path.parent_path() /
         path.stem().concat(fmt::format("-{}", copy)).concat(path.extension().string());
}

CountMeasurements measurements_of_files() {
  const auto counts = std::make_shared<std::unordered_map<std::string, std::int64_t>>();
  return [counts](const std::string& path) {
    const auto [entry, is_new] = counts->try_emplace(path, 0);
    if (!is_new) return entry->second;
    try {
      if (is_sofa(path)) entry->second = SofaSet(path).measurements();
    } catch (const FileError&) {  // the job meets it again, and says it
    }
    return entry->second;
  };
}

}  // namespace gpuconv
