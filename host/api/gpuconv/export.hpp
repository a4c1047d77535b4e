// export.hpp - marks what the shared library lets its users see
#pragma once

#define GPUCONV_API __attribute__((visibility("default")))
