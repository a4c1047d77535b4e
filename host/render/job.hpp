// job.hpp - one recording, one room, one output file
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/methods/choose.hpp"
#include "host/read/source.hpp"
#include "host/render/frame_range.hpp"
#include "host/render/progress.hpp"
#include "host/render/renderer.hpp"
#include "host/room/response.hpp"
#include "host/room/response_cache.hpp"
#include "host/write/output.hpp"

namespace gpuconv {

enum class RatePolicy { resample, error };

struct Job {
  std::string input;
  std::string response;
  std::string output;
  SourceOptions source_options;
  ResponseOptions response_options;
  OutputFormat format;
  bool no_clobber = false;
  bool makes_folder = false;  ///< of OUTPUT, if it is not there
  Request request;
  std::shared_ptr<ResponseCache> responses;  ///< shared by several jobs; none: of this job alone
  std::optional<Devices> devices;            ///< that are here; absent: nobody has asked yet
  RatePolicy rate_policy = RatePolicy::resample;
  WetLength length = WetLength::full;
  double gain_db = 0;
  double wet_db = 0;
  std::optional<double> dry_db;
  std::string predelay = "0s";
  std::optional<double> norm_db;   ///< dBFS that the louder ear's peak shall have
  bool verify = false;             ///< compare random samples with the definition
  bool falls_back_to_cpu = false;  ///< where the GPU fails, start again without it
  WatchProgress watch;             ///< may be empty
  bool dry_run = false;  ///< everything that can be refused is refused, but nothing is written
};

struct JobReport {
  AudioFormat source;
  std::int64_t source_samples = 0;       ///< N
  bool has_more_source_samples = false;  ///< a dry run does not read a pipe to its end
  Repairs source_repairs;
  std::string response_description;
  Repairs response_repairs;
  std::vector<std::string> response_warnings;  ///< see Response
  int response_rate = 0;                       ///< of the file, before conversion
  std::int64_t response_file_taps = 0;         ///< before conversion
  std::int64_t response_taps = 0;              ///< K, with predelay and after conversion
  Choice choice;
  std::string calibration_warning;  ///< why a calibration was not used; or empty
  RenderReport render;
  std::optional<double> norm_gain_db;  ///< what --norm did to both ears
  std::int64_t verified_samples = 0;   ///< compared with the definition
  std::string why_fallback;            ///< what the GPU failed with; or empty
  WriteReport written;                 ///< empty after a dry run
  FileFormat format;
  double gpu_start_seconds = 0;  ///< creating the CUDA context: what a process pays once
  double convolve_seconds = 0;   ///< planning and convolving both ears, without files and the above
  double seconds = 0;            ///< from the first look at the files to the last byte in its place
};

/// Throws Error. OUTPUT appears only when it is complete.
JobReport run_job(const Job& job);

}  // namespace gpuconv
