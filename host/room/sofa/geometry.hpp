// geometry.hpp - where each measurement of a SOFA file has its source, as the head has it
//
// Sources, listeners and views are given in the room; emitters (loudspeakers) around the source,
// receivers (ears) around the head (AES69). A head that turns while the source rests is the same
// as a source that moves around a resting head: what counts is the direction that the head sees.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/room/sofa/direction.hpp"
#include "host/room/sofa/points.hpp"

namespace gpuconv::sofa {

struct Place {
  Direction direction;
  double distance = 0;  ///< metres
};

class Geometry {
 public:
  /// Of M measurements with E emitters. Throws FileError where the positions do not fit these
  /// numbers or leave the directions open.
  Geometry(SofaReader& reader, std::int64_t M, std::int64_t E);

  /// Where emitter e stands in measurement m. Throws FileError where that is inside of the head's
  /// middle.
  Place place(std::int64_t m, std::int64_t e) const;

  /// In how many measurements the head looks elsewhere than in the one before, plus 1.
  std::int64_t views() const { return views_; }

  /// What ReceiverPosition says: whether receiver a lies to the left of receiver b, in every
  /// measurement; nothing where it says neither.
  std::optional<bool> is_left_of(std::int64_t a, std::int64_t b) const;

 private:
  Frame head(std::int64_t m) const;
  void check_rows(const std::string& name, const std::optional<Points>& points) const;

  std::string path_;
  std::int64_t M_;
  bool is_simple_;  ///< sources without emitters of their own stand where they are
  std::optional<Points> sources_, listeners_, views_of_, ups_, emitters_, receivers_, source_views_,
      source_ups_;
  std::int64_t views_ = 1;
};

}  // namespace gpuconv::sofa
