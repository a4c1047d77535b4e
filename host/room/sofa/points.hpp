// points.hpp - positions and views of a SOFA file, whatever their type and units
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/room/sofa/direction.hpp"
#include "host/room/sofa/sofa_reader.hpp"

namespace gpuconv::sofa {

/// Rows of three coordinates, each fixed or one for each measurement. AES69: Cartesian in metres (x
/// ahead, y left, z up), or spherical as azimuth, elevation and distance.
class Points {
 public:
  /// Reads `name`; none if the file has no such variable. `type` counts where the file names none;
  /// "": it has to. Throws FileError for other types or units, for values that are not finite, and
  /// for columns of another number than 1 or M.
  static std::optional<Points> read(SofaReader& reader, const std::string& name, std::int64_t M,
                                    const std::string& type = "cartesian");

  bool is_spherical() const { return is_spherical_; }
  std::int64_t rows() const { return rows_; }
  /// 1, or how many measurements have positions of their own along the third axis.
  std::int64_t columns() const { return columns_; }

  /// In metres.
  Vector cartesian(std::int64_t row, std::int64_t column = 0) const;
  /// As stored where that is spherical. NaN in the origin.
  Direction direction(std::int64_t row, std::int64_t column = 0) const;
  /// Metres.
  double distance(std::int64_t row, std::int64_t column = 0) const;

 private:
  double value(std::int64_t row, int axis, std::int64_t column) const;

  std::vector<double> values_;
  std::int64_t rows_ = 0;
  std::int64_t columns_ = 1;
  bool is_spherical_ = false;
  double degrees_ = 1;  ///< per stored unit of angle
};

}  // namespace gpuconv::sofa
