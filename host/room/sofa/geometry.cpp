#include "host/room/sofa/geometry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/base/error.hpp"

namespace gpuconv::sofa {
namespace {

// Rounding of views that somebody has computed.
constexpr double kSameDegrees = 0.1;
constexpr Vector kAhead{1, 0, 0};
constexpr Vector kUp{0, 0, 1};

bool is_zero(const Vector& v) { return v.x == 0 && v.y == 0 && v.z == 0; }

/// The row of measurement m, where one row may stand for all.
std::int64_t row_of(const Points& points, std::int64_t m) { return points.rows() == 1 ? 0 : m; }

/// A variable without a type of its own has that of the view it belongs to. What would be "ahead"
/// in angles is (0, 0, 1) in metres, written without looking at the type.
Vector up_of(const std::optional<Points>& ups, std::int64_t m) {
  if (!ups) return kUp;
  const std::int64_t row = row_of(*ups, m);
  const Direction direction = ups->direction(row);
  const bool is_written_cartesian = ups->is_spherical() && direction.azimuth == 0 &&
                                    direction.elevation == 0 && ups->distance(row) > 0;
  return is_written_cartesian ? kUp : unit_vector(direction);
}

}  // namespace

Geometry::Geometry(SofaReader& reader, std::int64_t M, std::int64_t E)
    : path_(reader.path()),
      M_(M),
      is_simple_(E == 1 && reader.attribute("SOFAConventions").starts_with("SimpleFreeField")) {
  const auto type_of = [](const std::optional<Points>& view) {
    return view && view->is_spherical() ? "spherical" : "cartesian";
  };
  sources_ = Points::read(reader, "SourcePosition", M, "");
  listeners_ = Points::read(reader, "ListenerPosition", M);
  views_of_ = Points::read(reader, "ListenerView", M);
  ups_ = Points::read(reader, "ListenerUp", M, type_of(views_of_));
  receivers_ = Points::read(reader, "ReceiverPosition", M);
  if (!is_simple_) {
    emitters_ = Points::read(reader, "EmitterPosition", M);
    source_views_ = Points::read(reader, "SourceView", M);
    source_ups_ = Points::read(reader, "SourceUp", M, type_of(source_views_));
  }
  if (!sources_) throw FileError(path_, "has no SourcePosition");
  check_rows("SourcePosition", sources_);
  check_rows("ListenerPosition", listeners_);
  check_rows("ListenerView", views_of_);
  check_rows("ListenerUp", ups_);
  check_rows("SourceView", source_views_);
  check_rows("SourceUp", source_ups_);
  if (emitters_ && emitters_->rows() != E && emitters_->rows() != 1) {
    throw FileError(path_,
                    fmt::format("has {} emitter positions for {} emitters", emitters_->rows(), E));
  }
  Frame before = head(0);
  for (std::int64_t m = 0; m < M; ++m) {
    const Frame now = head(m);
    if (!std::isfinite(now.left.x + now.ahead.x)) {
      throw FileError(path_, fmt::format("ListenerView and ListenerUp of measurement {} leave open "
                                         "where the head looks",
                                         m));
    }
    views_ += angle_between(direction_of(now.ahead), direction_of(before.ahead)) > kSameDegrees;
    before = now;
  }
  // Angles count from the middle of the room (AES69), but files exist that mean the head.
  for (std::int64_t m = 0; listeners_ && m < M; ++m) {
    const std::int64_t row = row_of(*sources_, m);
    if (!sources_->is_spherical() || (sources_->distance(row) == 0 && !is_simple_)) continue;
    if (is_zero(listeners_->cartesian(row_of(*listeners_, m)))) continue;
    throw FileError(path_,
                    "ListenerPosition is not (0, 0, 0) while SourcePosition is in angles: whether "
                    "they count from the listener is open; only Cartesian sources are read there");
  }
}

void Geometry::check_rows(const std::string& name, const std::optional<Points>& points) const {
  if (!points || points->rows() == 1 || points->rows() == M_) return;
  throw FileError(path_,
                  fmt::format("{} has {} rows for {} measurements", name, points->rows(), M_));
}

Frame Geometry::head(std::int64_t m) const {
  const Vector view = views_of_ ? unit_vector(views_of_->direction(row_of(*views_of_, m))) : kAhead;
  return frame_of(view, up_of(ups_, m));
}

Place Geometry::place(std::int64_t m, std::int64_t e) const {
  const std::int64_t row = row_of(*sources_, m);
  const Vector listener = listeners_ ? listeners_->cartesian(row_of(*listeners_, m)) : Vector{};
  Vector emitter;
  if (emitters_) {
    const Vector around =
        emitters_->cartesian(emitters_->rows() == 1 ? 0 : e, emitters_->columns() == 1 ? 0 : m);
    const Vector view =
        source_views_ ? unit_vector(source_views_->direction(row_of(*source_views_, m))) : kAhead;
    emitter = frame_of(view, up_of(source_ups_, m)).to_room(around);
  }
  const Vector offset = emitter - listener;
  const Frame frame = head(m);
  // A simple set may leave its distances 0; elsewhere such a source stands in the middle.
  const bool is_plain = is_zero(offset) && (is_simple_ || sources_->distance(row) > 0);
  const Vector place = sources_->cartesian(row) + offset;
  Place result{is_plain ? sources_->direction(row) : direction_of(place),
               is_plain ? sources_->distance(row) : length_of(place)};
  const bool looks_ahead = angle_between(direction_of(frame.ahead), {}) <= kSameDegrees &&
                           angle_between(direction_of(frame.up), {0, 90}) <= kSameDegrees;
  if (!looks_ahead) {
    result.direction = direction_of(frame.from_room(unit_vector(result.direction)));
  }
  if (!std::isfinite(result.direction.azimuth) || !std::isfinite(result.direction.elevation)) {
    throw FileError(path_, fmt::format("the source of measurement {} has no direction: it stands "
                                       "where the listener is",
                                       m));
  }
  return result;
}

std::optional<bool> Geometry::is_left_of(std::int64_t a, std::int64_t b) const {
  if (!receivers_ || std::max(a, b) >= receivers_->rows()) return std::nullopt;
  std::optional<bool> is_left;
  for (std::int64_t column = 0; column < receivers_->columns(); ++column) {
    const double first = receivers_->cartesian(a, column).y;
    const double second = receivers_->cartesian(b, column).y;
    if (first == second || (is_left && *is_left != (first > second))) return std::nullopt;
    is_left = first > second;
  }
  return is_left;
}

}  // namespace gpuconv::sofa
