// chain.hpp - a response is heard through a second one: --then
//
//   h_e = h1_e * h2_e   for each ear e
#pragma once

#include "host/room/response.hpp"

namespace gpuconv {

/// Both have one rate. K1 + K2 - 1 taps; the latencies add up. In double up to 2^22 products of an
/// ear, by cpu-vectorised above that.
Response chained(const Response& first, const Response& second);

}  // namespace gpuconv
