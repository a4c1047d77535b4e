// track.hpp - a table of where a source or a head is, and when
//
//   time  azimuth  elevation  distance        seconds, degrees, degrees, metres
//   time  yaw      pitch      roll            seconds, degrees
//
// One row a moment, values between commas, semicolons or tabs. The first row may name the columns,
// in any order and case; otherwise they are the first two to four of the above. Lines that begin
// with # are comments. Where no comma delimits, it may stand for the decimal point.
//
// Between two rows each value moves at constant speed, as written: from azimuth 0 to 1800 the
// source goes round five times, and from 350 to 10 it goes back by 340 degrees. Before the first
// row and after the last one it rests.
#pragma once

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "host/room/sofa/direction.hpp"

namespace gpuconv {

struct Track {
  struct Row {
    double seconds = 0;
    std::array<double, 3> values{};  ///< in the order of the table above
  };

  std::vector<Row> rows;   ///< at least one; times are 0 or more and increase
  bool has_third = false;  ///< a column for the third value, which is 0 otherwise
  std::string warning;     ///< what looks like a mistake; or empty
  std::string name = {};   ///< of the file, for messages

  std::array<double, 3> at(double seconds) const;
  /// Whether a value is another one at some time from `begin` to `end`, in seconds.
  bool changes(double begin = 0, double end = std::numeric_limits<double>::infinity()) const;
};

/// Azimuths up to 1e6 degrees to either side, elevations from -90 to 90, distances above 0. Throws
/// FileError, which names the line.
Track read_trajectory(const std::string& path);

/// Yaw to the left, pitch upwards, roll to the right: angles up to 1e6 degrees to either side.
Track read_head_track(const std::string& path);

/// The axes of a head that turns by yaw, then by pitch about its new left, then by roll about its
/// new front. Yaw is positive to the left, pitch upwards, and roll where the right ear goes down.
Frame head_turned(const std::array<double, 3>& yaw_pitch_roll);

}  // namespace gpuconv
