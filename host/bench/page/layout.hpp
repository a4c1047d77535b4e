// layout.hpp - where ticks and words stand
#pragma once

#include <string>
#include <vector>

namespace gpuconv {

/// Positions on a logarithmic axis that get words, ascending: powers of ten, thinned out to at most
/// `most`; with 2 and 5 of each decade where there are fewer than three, if there is room.
std::vector<double> ticks(double low, double high, int most);

/// Moves `wanted` as little as is needed to keep them `gap` apart, in their order, within
/// [low, high]. Too many for that: evenly spread.
std::vector<double> spread(std::vector<double> wanted, double gap, double low, double high);

struct Box {
  double left, top, right, bottom;
};

/// Words beside points: each at the first of some places that is still free, otherwise at the
/// nearest free place of the frame.
class Labels {
 public:
  Labels(const Box& frame, double letter, double line)
      : frame_(frame), letter_(letter), line_(line) {}
  /// Words stand on `box`, a line or a dot, only where they would otherwise stand on words.
  void keep_free(const Box& box) { drawn_.push_back(box); }

  struct Place {
    double x, y;         ///< of the text's baseline
    const char* anchor;  ///< as in SVG
    bool is_far;         ///< needs a line to its point
  };
  /// Within the frame always; on other words only if the frame has no room left.
  Place put(double x, double y, const std::string& words);

 private:
  Box box_of(const Place& place, double width) const;
  bool is_within(const Box& box) const;

  Box frame_;
  double letter_;  ///< width
  double line_;    ///< height
  std::vector<Box> drawn_;
  std::vector<Box> words_;
};

/// Letters of UTF-8 text.
int letters(const std::string& words);

}  // namespace gpuconv
