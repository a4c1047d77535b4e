#include "host/bench/page/chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "host/bench/page/layout.hpp"

namespace gpuconv {
namespace {

constexpr double kLetter = 6.7;  // mean width of a letter of the page's font, 12 px high
constexpr double kBold = 7.4;
constexpr double kLine = 13;
constexpr double kDot = 3.5;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

/// One drawing: the scales, and the SVG so far.
class Drawing {
 public:
  Drawing(const Chart& chart, const Canvas& canvas) : chart_(chart), canvas_(canvas) {
    int longest = 0;
    for (const Series& series : chart.series) {
      for (const Mark& mark : series.marks) {
        x_.include(mark.x);
        for (const double y : {mark.y, mark.low, mark.high}) {
          if (y > 0) y_.include(y);
        }
      }
      if (!series.marks.empty() && is_at_the_end(series)) {
        longest = std::max(longest, letters(series.label));
      }
    }
    if (!(x_.low <= x_.high)) throw std::invalid_argument("a chart without marks: " + chart.id);
    x_.low /= 1.15;
    x_.high *= 1.15;
    y_.low /= 1.5;
    y_.high *= chart.notices.empty() ? 1.5 : 3;
    frame_ = {58, 34, canvas.width - 14, canvas.height - 48};
    if (longest > 0) frame_.right = canvas.width - 20 - kBold * longest;
  }

  std::string finish() {
    axes();
    for (const Series& series : chart_.series) lines(series);
    for (const Series& series : chart_.series) dots(series);
    notices();
    labels_at_the_end();
    labels_beside();
    return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n{}</svg>\n",
                       canvas_.width, canvas_.height, escaped(chart_.title), svg_);
  }

 private:
  /// Of a line the last mark is where it ends; single marks have their words beside them.
  static bool is_at_the_end(const Series& series) {
    return !series.label.empty() && series.line != Series::Line::none;
  }

  double x(double value) const {
    return frame_.left +
           (frame_.right - frame_.left) * std::log(value / x_.low) / std::log(x_.high / x_.low);
  }
  double y(double value) const {
    return frame_.bottom -
           (frame_.bottom - frame_.top) * std::log(value / y_.low) / std::log(y_.high / y_.low);
  }

  template <typename... Values>
  void add(fmt::format_string<const Values&...> text, const Values&... values) {
    svg_ += fmt::format(text, values...);
  }

  void text(double at_x, double at_y, const char* anchor, const std::string& classes,
            const std::string& words) {
    add("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n", at_x, at_y,
        anchor, classes, escaped(words));
  }

  void axes() {
    const int most_x = static_cast<int>((frame_.right - frame_.left) / 52);
    for (const double value : ticks(x_.low, x_.high, std::max(2, most_x))) {
      add("<path class=\"grid\" d=\"M{0:.1f} {1:.1f}V{2:.1f}\"/>\n", x(value), frame_.top,
          frame_.bottom);
      text(x(value), frame_.bottom + 17, "middle", "tick", chart_.x.words(value));
    }
    for (const double value : ticks(y_.low, y_.high, 10)) {
      add("<path class=\"grid\" d=\"M{0:.1f} {1:.1f}H{2:.1f}\"/>\n", frame_.left, y(value),
          frame_.right);
      text(frame_.left - 7, y(value) + 4, "end", "tick", chart_.y.words(value));
    }
    add("<path class=\"axis\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", frame_.left, frame_.bottom,
        frame_.right);
    text(4, 15, "start", "title", chart_.y.title);
    const double title_end = std::max(frame_.right, 4 + kLetter * letters(chart_.x.title));
    text(title_end, frame_.bottom + 38, "end", "title", chart_.x.title);
  }

  void lines(const Series& series) {
    if (series.line == Series::Line::none) return;
    for (std::size_t i = 1; i < series.marks.size(); ++i) {
      const Mark& from = series.marks[i - 1];
      const Mark& to = series.marks[i];
      const bool is_dashed = series.line == Series::Line::dashed || from.is_guess || to.is_guess;
      add("<path class=\"line c{}{}\" d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\"/>\n", series.colour,
          is_dashed ? " dashed" : "", x(from.x), y(from.y), x(to.x), y(to.y));
    }
  }

  void dots(const Series& series) {
    if (series.shape == Series::Shape::none) return;
    for (const Mark& mark : series.marks) {
      const double at_x = x(mark.x);
      const double at_y = y(mark.y);
      if (mark.low > 0 && mark.high > mark.low) {
        add("<path class=\"whisker c{}\" d=\"M{:.1f} {:.1f}V{:.1f}\"/>\n", series.colour, at_x,
            y(mark.low), y(mark.high));
      }
      const char* element = series.shape == Series::Shape::circle ? "circle" : "rect";
      if (mark.is_noisy) element = "path";
      add("<{} class=\"dot c{}{}\" ", element, series.colour, mark.is_guess ? " hollow" : "");
      if (mark.is_noisy) {
        add("d=\"M{0:.1f} {1:.1f}l{2} {2}m0 -{2}l-{2} {2}\">", at_x - kDot, at_y - kDot, 2 * kDot);
      } else if (series.shape == Series::Shape::circle) {
        add("cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\">", at_x, at_y, kDot);
      } else {
        add("x=\"{0:.1f}\" y=\"{1:.1f}\" width=\"{2}\" height=\"{2}\">", at_x - kDot, at_y - kDot,
            2 * kDot);
      }
      add("<title>{}</title></{}>\n", escaped(mark.words), element);
    }
  }

  void notices() {
    double line = frame_.top + 12;
    for (const Notice& notice : chart_.notices) {
      const double at = x(notice.x);
      const double width = kLetter * letters(notice.words);
      const bool is_right = at + 6 + width <= frame_.right;
      const double left = is_right ? at + 6 : std::max(frame_.left, at - 6 - width);
      add("<path class=\"notice\" d=\"M{:.1f} {:.1f}V{:.1f}\"/>\n", at, line - 10, frame_.bottom);
      text(left, line, "start", "words", notice.words);
      line += kLine + 4;
    }
  }

  void labels_at_the_end() {
    std::vector<const Series*> ended;
    for (const Series& series : chart_.series) {
      if (!series.marks.empty() && is_at_the_end(series)) ended.push_back(&series);
    }
    const auto end = [&](const Series* series) { return y(series->marks.back().y); };
    std::sort(ended.begin(), ended.end(),
              [&](const Series* a, const Series* b) { return end(a) < end(b); });
    std::vector<double> wanted;
    for (const Series* series : ended) wanted.push_back(end(series));
    const std::vector<double> places = spread(wanted, kLine + 2, frame_.top + 4, frame_.bottom - 2);
    for (std::size_t i = 0; i < ended.size(); ++i) {
      const double from = x(ended[i]->marks.back().x) + kDot + 2;
      add("<path class=\"leader c{}\" d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\"/>\n", ended[i]->colour,
          from, wanted[i], std::max(from + 4, frame_.right + 5), places[i]);
      text(std::max(from + 4, frame_.right + 5) + 3, places[i] + 4, "start",
           fmt::format("label t{}", ended[i]->colour), ended[i]->label);
    }
  }

  void labels_beside() {
    Labels labels(frame_, kBold, kLine);
    for (const Series& series : chart_.series) {
      for (const Mark& mark : series.marks) {
        if (series.shape == Series::Shape::none) continue;
        labels.keep_free({x(mark.x) - kDot, y(mark.y) - kDot, x(mark.x) + kDot, y(mark.y) + kDot});
      }
      for (std::size_t i = 1; i < series.marks.size(); ++i) keep_line_free(labels, series, i);
    }
    for (const Series& series : chart_.series) {
      if (series.marks.empty() || series.label.empty() || is_at_the_end(series)) continue;
      const Mark& mark = series.marks.back();
      const Labels::Place place = labels.put(x(mark.x), y(mark.y), series.label);
      if (place.is_far) {
        add("<path class=\"leader c{}\" d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\"/>\n", series.colour,
            x(mark.x), y(mark.y),
            std::clamp(x(mark.x), place.x, place.x + kLetter * letters(series.label)),
            place.y - 0.3 * kLine);
      }
      text(place.x, place.y, place.anchor, fmt::format("label t{}", series.colour), series.label);
    }
  }

  /// Small boxes along a line, so that no words are struck through.
  void keep_line_free(Labels& labels, const Series& series, std::size_t end) {
    if (series.line == Series::Line::none) return;
    constexpr int kSteps = 60;
    const Mark& from = series.marks[end - 1];
    const Mark& to = series.marks[end];
    for (int step = 0; step <= kSteps; ++step) {
      const double share = static_cast<double>(step) / kSteps;
      const double at_x = x(from.x) + share * (x(to.x) - x(from.x));
      const double at_y = y(from.y) + share * (y(to.y) - y(from.y));
      labels.keep_free({at_x - 3, at_y - 2, at_x + 3, at_y + 2});
    }
  }

  const Chart& chart_;
  const Canvas canvas_;
  Range x_, y_;
  Box frame_{};
  std::string svg_;
};

}  // namespace

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string draw(const Chart& chart, const Canvas& canvas) {
  return Drawing(chart, canvas).finish();
}

}  // namespace gpuconv
