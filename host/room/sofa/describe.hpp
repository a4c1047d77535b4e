// describe.hpp - "gpuconv info" of a SOFA file
#pragma once

#include "host/room/info.hpp"

namespace gpuconv {

Description describe_sofa(const std::string& path, const SofaOptions& options);

}  // namespace gpuconv
