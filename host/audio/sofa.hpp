// sofa.hpp - responses measured from many directions (AES69 "SOFA" files)
//
// Directions are seen by the listener: azimuth counter-clockwise from the front (90 = left),
// elevation upwards, both in degrees. libmysofa reads the file; its own look-up is not used, for
// mysofa_open() scales all responses to a loudness of its own and refuses rooms.
#pragma once

#include <string>
#include <vector>

#include "host/audio/response.hpp"

namespace gpuconv {

struct Direction {
  double azimuth = 0;
  double elevation = 0;
};

/// Of a point x metres in front of the head, y to its left and z above; NaN in the head's middle.
Direction direction_of(double x, double y, double z);

/// The part of a SOFA file that is used, under the letters of AES69: M measurements of R receivers
/// with N taps each.
struct SofaFile {
  std::string conventions;
  std::string title;
  std::string database;
  std::string room;
  int M = 0;
  int R = 0;
  int N = 0;
  double rate = 0;                    ///< Hz
  std::vector<Direction> directions;  ///< M
  std::vector<Direction> views;  ///< whither the head looks: 1, M, or none where it is not said
  std::vector<Direction> ups;    ///< whither the head's top points, as many as views or none
  std::vector<double> sideways;  ///< metres from the head's middle to its left, R or M x R
  std::vector<float> taps;       ///< M x R x N
  std::vector<float> delays;     ///< samples, R or M x R, or none
};

/// By its extension, or by the first bytes of HDF5.
bool is_sofa(const std::string& path);

/// Reads all measurements; throws FileError if this is no SOFA file. check_sofa() does the rest.
SofaFile read_sofa(const std::string& path);

/// Throws FileError unless every size is what the letters say, there are two receivers, one to each
/// side, and the head looks ahead and is upright all the time.
void check_sofa(const std::string& path, const SofaFile& file);

/// Angle between two directions along the great circle, in degrees.
double angle_between(Direction a, Direction b);

/// Which receiver is which ear, of a file that check_sofa() let pass.
Stereo<std::size_t> ears_of(const SofaFile& file);

/// Which measurement, counted from 0, is nearest in angle; the first of equals.
int find_nearest(const SofaFile& file, Direction wanted);

/// The measurement nearest to the direction asked for, with its delays (Data.Delay) applied.
Response response_at(const std::string& path, const SofaFile& file, const ResponseOptions& options);

}  // namespace gpuconv
