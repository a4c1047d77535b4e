// gpuconv.hpp - all of the library
#pragma once

#include "gpuconv/job.hpp"
#include "gpuconv/plan.hpp"
#include "gpuconv/response.hpp"
#include "gpuconv/version.hpp"
