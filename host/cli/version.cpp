// version.cpp - gpuconv --version: what a report of an error has to say
#include <fmt/format.h>
#include <hwy/highway.h>
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cuda/methods/plans.hpp"
#include "cuda/runtime/device.hpp"
#include "host/base/error.hpp"
#include "host/base/loudness.hpp"
#include "host/cli/cli.hpp"
#include "host/methods/cpu_negacyclic.hpp"
#include "host/read/libraries.hpp"
#include "host/room/resample.hpp"
#include "host/room/sofa/sofa_reader.hpp"

namespace gpuconv {
namespace {

std::string three(int major, int minor, int patch) {
  return fmt::format("{}.{}.{}", major, minor, patch);
}

/// Of libraries that do not tell which version of them is loaded.
std::string built(const std::string& version) { return version + " (when compiled)"; }

std::string hdf5() {
  try {
    return sofa::SofaReader::hdf5_version();
  } catch (const FileError& error) {
    return std::string("missing: ") + error.what();
  }
}

std::string cufft() {
  if (compiled_gpus().empty()) return "not used";
  const std::string reason = why_no_cufft();
  return reason.empty() ? cufft_version() : "missing: " + reason;
}

std::string or_none(const std::string& words) { return words.empty() ? "none" : words; }

}  // namespace

const char* version() {
#ifdef GPUCONV_EMULATED
  return GPUCONV_VERSION " (emulated GPU)";
#else
  return GPUCONV_VERSION;
#endif
}

std::string version_page() {
  std::string page = fmt::format("gpuconv {}\n", version());
  const auto add = [&page](const char* name, const std::string& words) {
    page += fmt::format("{:<15}{}\n", name, words);
  };
  add("libsndfile", sndfile_library_version());
  add("mpg123", built(mpg123_built_version()));
  add("libogg", built(ogg_built_version()));
  add("soxr", soxr_library_version());
  add("libebur128", ebur128_library_version());
  add("HDF5", hdf5());
  add("zlib", ::zlibVersion());
  add("fmt", built(three(FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)));
  add("Highway", built(three(HWY_MAJOR, HWY_MINOR, HWY_PATCH)));
  add("CLI11", CLI11_VERSION);
  add("nlohmann-json",
      three(NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH));
  const SimdTargets simd = simd_targets();
  add("SIMD", fmt::format("{}, of {}", simd.chosen, fmt::join(simd.compiled, " ")));
  add("GPUs", or_none(compiled_gpus()));
  add("CUDA Toolkit", or_none(toolkit_version()));
  add("cuFFT", cufft());
  page.pop_back();  // the parser ends the last line
  return page;
}

}  // namespace gpuconv
