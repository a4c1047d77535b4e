// pairing.hpp - each line of a list becomes one job or several, with a response and noise for each
//
// Every choice is a function of the seed, the job's identity (draw.hpp) and the files there are to
// choose from, never of the line's place in the list, of other lines, threads or shards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/batch/draw.hpp"

namespace gpuconv {

enum class Pair {
  zip,      ///< line i gets response i
  product,  ///< each line gets all responses, in a job each
  random    ///< each job draws a response
};

struct SnrRange {
  double low = 0, high = 0;  ///< dB
};

struct PairingOptions {
  std::vector<std::string> responses = {};  ///< empty: those of the lines
  Pair pair = Pair::random;
  std::uint64_t seed = 0;
  int per_input = 1;                     ///< jobs for each line; only where `pair` is random
  bool draws_directions = false;         ///< a measurement of each SOFA file
  std::vector<std::string> noises = {};  ///< empty: none is added
  SnrRange snr = {};
};

/// Whether it changes what the lines say.
bool pairs(const PairingOptions& options);

/// A line, as far as pairing needs to know it.
struct PairingLine {
  JobIdentity identity = {};
  std::string_view response = {};  ///< its own, or empty
  bool has_direction = false;      ///< its own
};

/// In place of the response of a line that pair_jobs() is to choose.
inline constexpr const char* kChosenResponse = "--responses";

/// One job of a line. Its texts belong to the lines and the options.
struct PairedJob {
  std::size_t line = 0;   ///< index into the list
  int copy = 0;           ///< of the line's jobs, from 1; 0: the only one
  std::uint64_t key = 0;  ///< of its draws
  std::string_view response;
  std::optional<std::int64_t> measurement;  ///< of the SOFA file
  std::string_view noise;                   ///< empty: none
  double snr_db = 0;
  double noise_draw = 0;  ///< see Noise::start_draw
};

/// What was drawn, in words, but the response.
std::string choices_of(const PairedJob& job);

/// Number of measurements of a SOFA file; 0 if it is none, or cannot be read: then its jobs say so.
using CountMeasurements = std::function<std::int64_t(const std::string& path)>;

/// All jobs, in the order of the list and of their copies. A line's own response and direction
/// stay. Throws UsageError if zip finds another number of responses than lines without one.
std::vector<PairedJob> pair_jobs(const std::vector<PairingLine>& lines,
                                 const PairingOptions& options,
                                 const CountMeasurements& measurements);
/// The jobs would outlive their texts.
std::vector<PairedJob> pair_jobs(const std::vector<PairingLine>& lines, PairingOptions&& options,
                                 const CountMeasurements& measurements) = delete;

/// How many lines have the identity of an earlier one, and so draw the same.
std::size_t lines_that_draw_alike(const std::vector<PairingLine>& lines);

/// "a/b.wav" is "a/b-3.wav" for copy 3; the same for copy 0.
std::string name_of_copy(const std::string& name, int copy);

/// CountMeasurements that opens each file once.
CountMeasurements measurements_of_files();

}  // namespace gpuconv
