#include "host/room/sofa/points.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <numbers>
#include <string_view>

#include "host/base/error.hpp"

namespace gpuconv::sofa {
namespace {

std::string lowered(const std::string& text) {
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

/// The words between commas and spaces.
std::vector<std::string> words_in(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : lowered(text)) {
    if (c != ',' && c != ' ' && c != ';') {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

std::optional<double> degrees_in(std::string_view unit) {
  if (unit == "degree" || unit == "degrees" || unit == "deg") return 1;
  if (unit == "radian" || unit == "radians" || unit == "rad") return 180 / std::numbers::pi;
  return std::nullopt;
}

std::optional<double> metres_in(std::string_view unit) {
  static constexpr std::string_view kNames[] = {"metre", "metres", "meter", "meters", "m"};
  if (std::ranges::find(kNames, unit) != std::end(kNames)) return 1;
  return std::nullopt;
}

}  // namespace

std::optional<Points> Points::read(SofaReader& reader, const std::string& name, std::int64_t M,
                                   const std::string& type) {
  const Variable* const variable = reader.find(name);
  if (variable == nullptr) return std::nullopt;
  const std::string& path = reader.path();
  const auto& sizes = variable->sizes;
  if ((sizes.size() != 2 && sizes.size() != 3) || sizes[1] != 3 || sizes[0] < 1 ||
      (sizes.size() == 3 && sizes[2] < 1)) {
    throw FileError(
        path, fmt::format("{} has the sizes {} where rows of 3 are needed", name, words_of(sizes)));
  }
  Points points;
  points.rows_ = sizes[0];
  points.columns_ = sizes.size() == 3 ? sizes[2] : 1;
  if (points.columns_ != 1 && points.columns_ != M) {
    throw FileError(
        path, fmt::format("{} has positions for {} measurements of {}", name, points.columns_, M));
  }

  const std::string named = lowered(reader.attribute(*variable, "Type"));
  const std::string& what = named.empty() ? type : named;
  if (what.empty()) {
    throw FileError(path, fmt::format("{} has no Type (cartesian or spherical are read)", name));
  }
  points.is_spherical_ = what == "spherical";
  if (!points.is_spherical_ && what != "cartesian") {
    throw FileError(
        path, fmt::format("{} is of type '{}' (cartesian or spherical are read)", name, what));
  }
  const std::string units = reader.attribute(*variable, "Units");
  const std::vector<std::string> words = words_in(units);
  const auto refuse = [&] {
    throw FileError(
        path, fmt::format("{} is in '{}' ({} are read)", name, units,
                          points.is_spherical_ ? "degrees or radians, and metres" : "metres"));
  };
  if (points.is_spherical_ && !words.empty()) {
    const auto degrees = degrees_in(words.front());
    const auto metres = metres_in(words.back());
    const bool agrees = words.size() < 2 || degrees_in(words[1]) == degrees || words.size() == 2;
    if (!degrees || !agrees || (words.size() > 1 && !metres) || words.size() > 3) refuse();
    points.degrees_ = *degrees;
  }
  if (!points.is_spherical_) {
    const bool is_metres =
        std::ranges::all_of(words, [](const auto& word) { return metres_in(word).has_value(); });
    if (!is_metres) refuse();
  }
  points.values_ = reader.read_all(*variable);
  for (std::int64_t row = 0; points.is_spherical_ && row < points.rows_; ++row) {
    for (std::int64_t column = 0; column < points.columns_; ++column) {
      const double distance = points.value(row, 2, column);
      if (!(distance < 0)) continue;
      throw FileError(
          path, fmt::format("{} of row {} is {} m away (limit 0 and more)", name, row, distance));
    }
  }
  for (std::int64_t i = 0; i < std::ssize(points.values_); ++i) {
    const double value = points.values_[static_cast<std::size_t>(i)];
    if (std::isfinite(value)) continue;
    throw FileError(path, fmt::format("{} of row {} is not a finite number ({})", name,
                                      i / (3 * points.columns_), value));
  }
  return points;
}

double Points::value(std::int64_t row, int axis, std::int64_t column) const {
  return values_[static_cast<std::size_t>((3 * row + axis) * columns_ + column)];
}

Vector Points::cartesian(std::int64_t row, std::int64_t column) const {
  const double third = value(row, 2, column);
  if (is_spherical_) return third * unit_vector(direction(row, column));
  return Vector{value(row, 0, column), value(row, 1, column), third};
}

Direction Points::direction(std::int64_t row, std::int64_t column) const {
  if (!is_spherical_) return direction_of(cartesian(row, column));
  return {degrees_ * value(row, 0, column), degrees_ * value(row, 1, column)};
}

double Points::distance(std::int64_t row, std::int64_t column) const {
  if (is_spherical_) return value(row, 2, column);
  return length_of(cartesian(row, column));
}

}  // namespace gpuconv::sofa
