#include "host/bench/page/ladder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/base/duration.hpp"
#include "host/bench/page/figures.hpp"
#include "host/bench/page/layout.hpp"

namespace gpuconv {
namespace {

// Right of kRight stand a time and a remark, 21 letters of 7.6 at most.
constexpr double kWidth = 960, kTop = 62, kRowHeight = 32, kLeft = 230, kRight = 770;

constexpr const char* kLadderStyle = R"css(
text { font: 13px system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif;
  fill: #1b1d21; }
.name, .head { font-weight: 600; } .head { font-size: 15px; } .soft { fill: #5d636d; }
.grid { stroke: #e0e2e0; } .dot { fill: #0072b2; stroke: #0072b2; stroke-width: 2; }
.hollow { fill: #ffffff; } .paper { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
text { fill: #eceef1; } .soft { fill: #a2a9b4; } .grid { stroke: #30353d; }
.dot { fill: #4aa3df; stroke: #4aa3df; } .hollow, .paper { fill: #0d1117; } }
)css";

}  // namespace

std::string ladder_svg(const Machine& machine, const BenchReport& report) {
  const Problem* const problem = main_problem(report);
  if (problem == nullptr) return "";
  const std::vector<const Row*> rows = rows_of(report, *problem);
  double low = rows[0]->seconds.low, high = rows[0]->seconds.high;
  for (const Row* const row : rows) {
    low = std::min(low, row->seconds.low);
    high = std::max(high, row->seconds.high);
  }
  low = std::max(low, 1e-9) / 1.5;
  high = std::max(high, low) * 1.5;
  const auto x = [&](double seconds) {
    return kLeft + (kRight - kLeft) * std::log(std::max(seconds, low) / low) / std::log(high / low);
  };
  const double bottom = kTop + kRowHeight * static_cast<double>(rows.size());
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" role=\"img\">\n<title>{2}: time by method</title>\n<style>{3}</style>\n"
      "<rect class=\"paper\" width=\"{0}\" height=\"{1}\"/>\n"
      "<text class=\"head\" x=\"20\" y=\"30\">{2}, both ears</text>\n",
      kWidth, bottom + 58, escaped(words_of(*problem)), kLadderStyle);
  for (const double value : ticks(low, high, 8)) {
    svg += fmt::format(
        "<path class=\"grid\" d=\"M{0:.1f} {1}V{2}\"/>\n<text class=\"soft\" x=\"{0:.1f}\" "
        "y=\"{3}\" text-anchor=\"middle\">{4}</text>\n",
        x(value), kTop - 8, bottom, bottom + 18, duration(value * (1 + 1e-9)));
  }
  double y = kTop + kRowHeight / 2;
  for (const Row* const row : rows) {
    const Statistics& time = row->seconds;
    const std::string note = remarks(*row, report);
    const char* const brief = !row->is_right         ? "WRONG"
                              : report.is_emulated   ? "meaningless"
                              : row->is_noisy        ? "noisy"
                              : row->is_extrapolated ? "extrapolated"
                                                     : "";
    svg += fmt::format(
        "<text class=\"name\" x=\"20\" y=\"{0}\">{1}</text>\n<path class=\"dot\" d=\"M{2:.1f} "
        "{3}H{4:.1f}\"/>\n",
        y + 4, escaped(row->contender), x(time.low), y, x(time.high));
    svg += row->is_noisy
               ? fmt::format("<path class=\"dot\" d=\"M{:.1f} {}l10 10m0 -10l-10 10\"/>\n",
                             x(time.median) - 5, y - 5)
               : fmt::format("<circle class=\"dot{}\" cx=\"{:.1f}\" cy=\"{}\" r=\"5\"/>\n",
                             row->is_extrapolated ? " hollow" : "", x(time.median), y);
    svg += fmt::format(
        "<text class=\"name\" x=\"{}\" y=\"{}\">{} <tspan "
        "class=\"soft\">{}</tspan><title>{}</title>"
        "</text>\n",
        kRight + 16, y + 4, duration(time.median), brief, escaped(note));
    y += kRowHeight;
  }
  return svg + fmt::format("<text class=\"soft\" x=\"20\" y=\"{}\">{}{}. {}</text>\n</svg>\n",
                           bottom + 44, escaped(machine.cpu),
                           machine.gpu.empty() ? "" : ", " + escaped(machine.gpu), when(report));
}

}  // namespace gpuconv
