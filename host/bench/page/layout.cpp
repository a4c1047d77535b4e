#include "host/bench/page/layout.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <utility>

namespace gpuconv {

std::vector<double> ticks(double low, double high, int most) {
  // Limits like 1e-3 are to be found although log10 of them is not exact.
  const int first = static_cast<int>(std::ceil(std::log10(low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
  std::vector<double> values;
  if (last - first + 1 >= 3) {
    const int step = (last - first + most) / most;
    for (int power = first; power <= last; power += step) values.push_back(std::pow(10, power));
    return values;
  }
  for (int power = first - 1; power <= last; ++power) {
    for (const double digit : {1.0, 2.0, 5.0}) {
      const double value = digit * std::pow(10, power);
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) values.push_back(value);
    }
  }
  if (static_cast<int>(values.size()) <= most || last <= first) return values;
  return {std::pow(10, first), std::pow(10, last)};
}

std::vector<double> spread(std::vector<double> wanted, double gap, double low, double high) {
  const std::size_t n = wanted.size();
  if (n < 2) return wanted;
  if (gap * static_cast<double>(n - 1) > high - low) {
    gap = (high - low) / static_cast<double>(n - 1);
  }
  // What is left of each place when the gaps before it are taken out must not decrease: the
  // nearest such values are means over runs of neighbours (pool adjacent violators).
  struct Run {
    double mean;
    std::size_t size;
  };
  std::vector<Run> runs;
  for (std::size_t i = 0; i < n; ++i) {
    runs.push_back({wanted[i] - gap * static_cast<double>(i), 1});
    while (runs.size() > 1 && runs[runs.size() - 2].mean > runs.back().mean) {
      const Run last = runs.back();
      runs.pop_back();
      Run& run = runs.back();
      const std::size_t size = run.size + last.size;
      run.mean =
          (run.mean * static_cast<double>(run.size) + last.mean * static_cast<double>(last.size)) /
          static_cast<double>(size);
      run.size = size;
    }
  }
  std::size_t i = 0;
  const double highest = high - gap * static_cast<double>(n - 1);
  for (const Run& run : runs) {
    for (std::size_t k = 0; k < run.size; ++k, ++i) {
      wanted[i] = std::clamp(run.mean, low, highest) + gap * static_cast<double>(i);
    }
  }
  return wanted;
}

int letters(const std::string& words) {
  return static_cast<int>(std::count_if(words.begin(), words.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;  // not a byte that continues one
  }));
}

Box Labels::box_of(const Place& place, double width) const {
  const double left = place.anchor[0] == 's'   ? place.x
                      : place.anchor[0] == 'e' ? place.x - width
                                               : place.x - width / 2;
  return {left, place.y - 0.8 * line_, left + width, place.y + 0.2 * line_};
}

bool Labels::is_within(const Box& box) const {
  return box.left >= frame_.left && box.right <= frame_.right && box.top >= frame_.top &&
         box.bottom <= frame_.bottom;
}

Labels::Place Labels::put(double x, double y, const std::string& words) {
  const double width = letter_ * letters(words);
  const double away = 0.7 * line_;
  const Place beside[] = {
      {x + away, y + 0.3 * line_, "start", false}, {x - away, y + 0.3 * line_, "end", false},
      {x, y - 0.7 * line_, "middle", false},       {x, y + 1.4 * line_, "middle", false},
      {x + away, y - 0.6 * line_, "start", false}, {x + away, y + 1.2 * line_, "start", false},
      {x - away, y - 0.6 * line_, "end", false},   {x - away, y + 1.2 * line_, "end", false},
      {x, y - 1.8 * line_, "middle", false},       {x, y + 2.5 * line_, "middle", false},
      {x - away, y - 1.7 * line_, "end", false},   {x - away, y + 2.3 * line_, "end", false},
  };
  const auto is_free_of = [](const std::vector<Box>& taken, const Box& box) {
    return std::none_of(taken.begin(), taken.end(), [&](const Box& other) {
      return box.left < other.right && other.left < box.right && box.top < other.bottom &&
             other.top < box.bottom;
    });
  };
  const auto keep = [&](const Place& place) {
    words_.push_back(box_of(place, width));
    return place;
  };
  for (const Place& place : beside) {
    const Box box = box_of(place, width);
    if (is_within(box) && is_free_of(words_, box) && is_free_of(drawn_, box)) return keep(place);
  }

  // From the nearest place of the whole frame to the farthest.
  std::vector<std::pair<double, Place>> places;
  for (double top = frame_.top; top + line_ <= frame_.bottom; top += line_ / 4) {
    for (double left = frame_.left; left + width <= frame_.right; left += letter_) {
      const double across = x - std::clamp(x, left, left + width);
      const double down = y - std::clamp(y, top, top + line_);
      places.push_back({std::hypot(across, down), {left, top + 0.8 * line_, "start", true}});
    }
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const bool may_cover_lines : {false, true}) {
    for (const auto& [distance, place] : places) {
      const Box box = box_of(place, width);
      if (is_free_of(words_, box) && (may_cover_lines || is_free_of(drawn_, box)))
        return keep(place);
    }
  }

  // Rather on other words than cut off.
  Place last = *std::prev(std::end(beside));
  const Box box = box_of(last, width);
  last.x += std::max(0.0, frame_.left - box.left) - std::max(0.0, box.right - frame_.right);
  last.y += std::max(0.0, frame_.top - box.top) - std::max(0.0, box.bottom - frame_.bottom);
  return keep(last);
}

}  // namespace gpuconv
