// smooth_head.hpp - a head whose responses are known in every direction
#pragma once

#include <cmath>
#include <vector>

#include "host/room/sofa/direction.hpp"
#include "tests/support/sofa_writer.hpp"

namespace gpuconv::test {

/// Each ear hears one Gaussian pulse: earlier by up to 9.6 samples and louder by up to 6 dB on its
/// own side.
struct SmoothHead {
  static constexpr double kWidth = 1.5;  ///< of the pulse: at half of the rate it has -96 dB
  static constexpr double kAcross = 9.6;

  static double arrival(Direction direction, Side side) {
    return 30 - kAcross * (side == Side::left ? 1 : -1) * sideways(direction);
  }
  static double tap(Direction direction, Side side, double n) {
    const double near = (side == Side::left ? 1 : -1) * sideways(direction);
    const double t = (n - arrival(direction, side)) / kWidth;
    return 0.5 * std::pow(10, 0.3 * near) * std::exp(-t * t / 2);
  }

  int rate = 16'000;
  int taps = 64;
  double delay = 0;  ///< of the pulse, of which Data.Delay has all; samples

  SofaContents sofa(const std::vector<Direction>& directions) const {
    SofaContents file;
    file.attributes = {
        {"Conventions", "SOFA"}, {"SOFAConventions", "SimpleFreeFieldHRIR"}, {"DataType", "FIR"}};
    const auto M = directions.size();
    const auto N = static_cast<std::uint64_t>(taps);
    SofaArray places{{M, 3}, {}, {{"Type", "spherical"}, {"Units", "degree, degree, metre"}}};
    SofaArray impulses{{M, 2, N}, {}, {}};
    for (const Direction& direction : directions) {
      places.values.insert(places.values.end(), {direction.azimuth, direction.elevation, 1.5});
      for (const Side side : kSides) {
        for (int n = 0; n < taps; ++n) impulses.values.push_back(tap(direction, side, n));
      }
    }
    file["SourcePosition"] = places;
    file["Data.IR"] = impulses;
    file["ListenerPosition"] = {{1, 3}, {0, 0, 0}, {{"Type", "cartesian"}, {"Units", "metre"}}};
    file["ListenerView"] = {{1, 3}, {1, 0, 0}, {{"Type", "cartesian"}, {"Units", "metre"}}};
    file["ListenerUp"] = {{1, 3}, {0, 0, 1}, {{"Type", "cartesian"}, {"Units", "metre"}}};
    file["ReceiverPosition"] = {
        {2, 3, 1}, {0, 0.09, 0, 0, -0.09, 0}, {{"Type", "cartesian"}, {"Units", "metre"}}};
    file["Data.SamplingRate"] = {{1}, {static_cast<double>(rate)}, {{"Units", "hertz"}}};
    file["Data.Delay"] = {{1, 2}, {delay, delay}, {}};
    return file;
  }
};

/// All azimuths in steps of `across`, on rings from `lowest` to `highest` in steps of `up` degrees.
inline std::vector<Direction> rings(double across, double lowest, double highest, double up) {
  std::vector<Direction> all;
  for (double elevation = lowest; elevation <= highest; elevation += up) {
    for (double azimuth = 0; azimuth < 360; azimuth += across) all.push_back({azimuth, elevation});
  }
  return all;
}

}  // namespace gpuconv::test
