// sofa_options.hpp - options that choose among what a SOFA file holds
#pragma once

#include <CLI/CLI.hpp>

#include "host/room/sofa/options.hpp"

namespace gpuconv {

/// --azimuth, --elevation, --distance, --measurement.
void add_measurement_options(CLI::App& command, SofaOptions& options);

/// --emitter, --receivers, --azimuths.
void add_ear_options(CLI::App& command, SofaOptions& options);

}  // namespace gpuconv
