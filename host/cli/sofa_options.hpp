// sofa_options.hpp - options that choose among what a SOFA file holds
#pragma once

#include <CLI/CLI.hpp>
#include <vector>

#include "host/room/sofa/options.hpp"

namespace gpuconv {

/// --azimuth, --elevation, --distance, --measurement, which it returns.
std::vector<CLI::Option*> add_measurement_options(CLI::App& command, SofaOptions& options);

/// --interpolate.
void add_interpolation_option(CLI::App& command, SofaOptions& options);

/// --emitter, --receivers, --azimuths.
void add_ear_options(CLI::App& command, SofaOptions& options);

}  // namespace gpuconv
