// files.cpp - what the library offers that works on files
#include "gpuconv/job.hpp"
#include "gpuconv/response.hpp"
#include "gpuconv/version.hpp"
#include "host/render/prepared.hpp"
#include "host/room/resample.hpp"

#define GPUCONV_TEXT(value) #value
#define GPUCONV_TEXT_OF(value) GPUCONV_TEXT(value)

namespace gpuconv {

JobReport run_job(const Job& job) { return run(resolve(job)); }

JobReport check_job(const Job& job) { return resolve(job).report; }

Response open_response(const std::string& path, const ResponseOptions& options, int rate) {
  Response response = load_response(path, options);
  return rate == 0 || rate == response.rate ? response : resample(response, rate);
}

const char* library_version() {
  return GPUCONV_TEXT_OF(GPUCONV_VERSION_MAJOR) "." GPUCONV_TEXT_OF(
      GPUCONV_VERSION_MINOR) "." GPUCONV_TEXT_OF(GPUCONV_VERSION_PATCH);
}

}  // namespace gpuconv
