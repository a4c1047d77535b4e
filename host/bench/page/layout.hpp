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

/// Words beside points, each at the first of some places that is still free.
class Labels {
 public:
  Labels(const Box& frame, double letter, double line)
      : frame_(frame), letter_(letter), line_(line) {}
  void keep_free(const Box& box) { taken_.push_back(box); }

  struct Place {
    double x, y;         ///< of the text's baseline
    const char* anchor;  ///< as in SVG
  };
  /// If none is free the last one, moved into the frame.
  Place put(double x, double y, const std::string& words);

 private:
  Box frame_;
  double letter_;  ///< width
  double line_;    ///< height
  std::vector<Box> taken_;
};

/// Letters of UTF-8 text.
int letters(const std::string& words);

}  // namespace gpuconv
