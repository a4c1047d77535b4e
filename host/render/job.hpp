// job.hpp - one recording, one room, one output file
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/audio/output.hpp"
#include "host/audio/response.hpp"
#include "host/audio/source.hpp"
#include "host/methods/choose.hpp"
#include "host/render/renderer.hpp"

namespace gpuconv {

enum class RatePolicy { resample, error };
enum class WetLength { full, same };

struct Job {
  std::string input;
  std::string response;
  std::string output;
  SourceOptions source_options;
  ResponseOptions response_options;
  OutputFormat format;
  bool no_clobber = false;
  Request request;
  RatePolicy rate_policy = RatePolicy::resample;
  WetLength length = WetLength::full;
  double gain_db = 0;
  double wet_db = 0;
  std::optional<double> dry_db;
  std::string predelay = "0s";
  bool dry_run = false;  ///< everything that can be refused is refused, but nothing is written
};

struct JobReport {
  AudioFormat source;
  std::int64_t source_samples = 0;    ///< N
  std::int64_t replaced_samples = 0;  ///< not finite, became 0
  std::string source_shortfall;       ///< what a truncated source lacks, in words; or empty
  std::string response_description;
  int response_rate = 0;                ///< of the file, before conversion
  std::int64_t response_file_taps = 0;  ///< likewise
  std::int64_t response_taps = 0;       ///< K, with predelay and after conversion
  Choice choice;
  std::string calibration_warning;  ///< why a calibration was not used; or empty
  RenderReport render;
  WriteReport written;  ///< empty after a dry run
  FileFormat format;
  double convolve_seconds = 0;  ///< planning and convolving both ears, without files
  double seconds = 0;           ///< from the first look at the files to the last byte in its place
};

/// Throws Error. OUTPUT appears only when it is complete.
JobReport run_job(const Job& job);

}  // namespace gpuconv
