// chart.hpp - a figure with two logarithmic axes, drawn as SVG
//
// Colours are classes, "c1" to "c6" and "c0" for ink: the page says what they are in the light and
// in the dark.
#pragma once

#include <string>
#include <vector>

namespace gpuconv {

/// `text` with what has a meaning in HTML replaced.
std::string escaped(const std::string& text);

struct Mark {
  double x = 0, y = 0;       ///< > 0
  double low = 0, high = 0;  ///< whisker along y; none if equal
  bool is_guess = false;     ///< hollow, and the line to it is dashed
  bool is_noisy = false;     ///< a cross
  std::string words = {};    ///< shown when pointed at
};

struct Series {
  std::string label = {};        ///< stands beside the last mark; empty: none
  int colour = 0;                ///< 1 to 6, or 0
  std::vector<Mark> marks = {};  ///< in ascending x
  enum class Shape { none, circle, square } shape = Shape::circle;
  enum class Line { none, solid, dashed } line = Line::solid;
};

/// A vertical line with words at its top.
struct Notice {
  double x = 0;
  std::string words;
};

struct Axis {
  std::string title;
  std::string (*words)(double value);  ///< of a tick
};

struct Chart {
  std::string id;
  std::string title;  ///< for who cannot see it
  Axis x, y;
  std::vector<Series> series;
  std::vector<Notice> notices = {};
};

/// Width and height in pixels of text: a chart for a phone is drawn anew, since text that shrinks
/// with its picture cannot be read.
struct Canvas {
  double width, height;
};

inline constexpr Canvas kWide{760, 440};
inline constexpr Canvas kNarrow{372, 400};

/// An <svg> element. Series without marks are left out; throws std::invalid_argument if none is
/// left.
std::string draw(const Chart& chart, const Canvas& canvas);

}  // namespace gpuconv
