#include "host/bench/page/response_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>
#include <vector>

#include "host/bench/page/chart.hpp"
#include "host/bench/page/layout.hpp"
#include "host/bench/page/png.hpp"
#include "host/methods/cpu_cooley_tukey.hpp"

namespace gpuconv {
namespace {

constexpr double kPlotWidth = 960, kHeight = 870, kPlotLeft = 84, kPlotRight = 936;
constexpr double kFloor = -90;              // dB, of decay and spectrogram
constexpr double kLowest = 60;              // Hz
constexpr int kColumns = 852, kRows = 150;  // of a spectrogram

constexpr const char* kPlotStyle = R"css(
text { font: 13px system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif;
  fill: #1b1d21; }
.head { font-size: 15px; font-weight: 600; } .soft { fill: #5d636d; } .paper { fill: #ffffff; }
.grid { stroke: #e0e2e0; fill: none; } .frame { stroke: #8a909a; fill: none; }
.left { stroke: #0072b2; } .right { stroke: #d55e00; } .line { fill: none; stroke-width: 1.5; }
.wave { stroke-width: 1; }
@media (prefers-color-scheme: dark) {
text { fill: #eceef1; } .soft { fill: #a2a9b4; } .paper { fill: #0d1117; }
.grid { stroke: #30353d; } .frame { stroke: #6a717c; } .left { stroke: #4aa3df; }
.right { stroke: #ff8c42; } }
)css";

struct Panel {
  double top, bottom;
  double y(double share) const { return bottom - (bottom - top) * share; }  // 0 at the bottom
};

constexpr Stereo<Panel> kWaves{{70, 150}, {160, 240}};
constexpr Panel kDecay{290, 460};
constexpr Stereo<Panel> kSpectrograms{{510, 660}, {690, 840}};

/// Round steps of 1, 2 or 5 for about `most` ticks.
double step_of(double range, int most) {
  const double least = range / most;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double digit : {1.0, 2.0, 5.0}) {
    if (digit * power >= least) return digit * power;
  }
  return 10 * power;
}

std::string text(double x, double y, const std::string& words, const char* anchor = "start",
                 const char* style = "soft") {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n",
                     style, x, y, anchor, escaped(words));
}

class ResponsePlot {
 public:
  explicit ResponsePlot(const Response& response)
      : taps_(response.taps),
        rate_(response.rate),
        first_(-static_cast<double>(response.latency_frames) / response.rate),
        seconds_(static_cast<double>(response.taps.left.size()) / response.rate) {
    for (const Side side : kSides) {
      for (const float tap : taps_[side]) loudest_ = std::max(loudest_, std::abs(tap));
    }
  }

  std::string svg(const std::string& title) const {
    std::string svg = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
        "height=\"{1}\" role=\"img\">\n<title>{2}: waveform, decay and spectrogram of both ears"
        "</title>\n<style>{3}</style>\n<rect class=\"paper\" width=\"{0}\" height=\"{1}\"/>\n",
        kPlotWidth, kHeight, escaped(title), kPlotStyle);
    svg += text(20, 30, title, "start", "head");
    svg += text(20, 52,
                fmt::format("{} taps at {} Hz; waveform, full scale = {:.3g}", taps_.left.size(),
                            rate_, loudest_));
    for (const Side side : kSides) svg += wave(side);
    svg += decays();
    const Stereo<Spectrogram> spectrograms{spectrogram(Side::left), spectrogram(Side::right)};
    const double most = std::max(spectrograms.left.loudest, spectrograms.right.loudest);
    svg += text(20, kSpectrograms.left.top - 12,
                fmt::format("Spectrogram, {:.0f} to 0 dB of the loudest point, Hz", kFloor));
    for (const Side side : kSides) svg += picture(side, spectrograms[side], most);
    return svg + "</svg>\n";
  }

 private:
  struct Spectrogram {
    std::vector<double> power;  // columns of kRows
    double loudest = 0;
  };

  double x(double seconds) const {
    return kPlotLeft + (kPlotRight - kPlotLeft) * (seconds - first_) / seconds_;
  }

  /// Ticks of time with lines through a panel; `has_words` below it.
  std::string times(const Panel& panel, bool has_words) const {
    std::string svg;
    const double step = step_of(seconds_, 9);
    for (double t = std::ceil(first_ / step) * step; t <= first_ + seconds_ + step / 1000;
         t += step) {
      svg += fmt::format("<path class=\"grid\" d=\"M{:.1f} {}V{}\"/>\n", x(t), panel.top,
                         panel.bottom);
      if (!has_words) continue;
      const double shown = std::abs(t) < step / 1000 ? 0 : t;
      svg += text(
          x(t), panel.bottom + 17,
          seconds_ < 0.5 ? fmt::format("{:.4g} ms", 1000 * shown) : fmt::format("{:.4g} s", shown),
          "middle");
    }
    return svg;
  }

  static std::string frame(const Panel& panel) {
    return fmt::format("<rect class=\"frame\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n",
                       kPlotLeft, panel.top, kPlotRight - kPlotLeft, panel.bottom - panel.top);
  }

  /// Least and largest tap of each column.
  std::string wave(Side side) const {
    const Panel& panel = kWaves[side];
    const Signal& taps = taps_[side];
    std::string path;
    const auto y = [&](float tap) {
      return panel.y(0.5 + (loudest_ > 0 ? 0.48 * double{tap} / double{loudest_} : 0));
    };
    const std::size_t K = taps.size();
    const std::size_t columns = std::min<std::size_t>(K, kColumns);
    for (std::size_t column = 0; column < columns; ++column) {
      const auto begin = taps.begin() + static_cast<std::ptrdiff_t>(column * K / columns);
      const auto end = taps.begin() + static_cast<std::ptrdiff_t>((column + 1) * K / columns);
      const auto [low, high] = std::minmax_element(begin, end);
      const double at = kPlotLeft + (kPlotRight - kPlotLeft) * (static_cast<double>(column) + 0.5) /
                                        static_cast<double>(columns);
      // A horizontal point has no length to be drawn.
      path += fmt::format("M{:.1f} {:.1f}V{:.1f}", at, y(*high) - 0.5, y(*low) + 0.5);
    }
    return times(panel, side == Side::right) + frame(panel) +
           fmt::format("<path class=\"wave {}\" d=\"{}\"/>\n", name(side), path) +
           text(kPlotLeft - 8, (panel.top + panel.bottom) / 2 + 4, std::string(name(side)), "end");
  }

  std::string decays() const {
    std::string svg = text(20, kDecay.top - 12, "Energy still to come, dB of the louder ear's");
    svg += fmt::format(
        "<path class=\"line left\" d=\"M{0} {2}h24\"/>\n<path class=\"line right\" d=\"M{1} "
        "{2}h24\"/>\n",
        kPlotRight - 140, kPlotRight - 70, kDecay.top - 16);
    svg += text(kPlotRight - 112, kDecay.top - 12, "left") +
           text(kPlotRight - 42, kDecay.top - 12, "right");
    svg += times(kDecay, true);
    for (double level = 0; level >= kFloor; level -= 20) {
      const double y = kDecay.y(1 - level / kFloor);
      svg += fmt::format("<path class=\"grid\" d=\"M{} {:.1f}H{}\"/>\n", kPlotLeft, y, kPlotRight);
      svg += text(kPlotLeft - 8, y + 4, fmt::format("{:.0f}", level), "end");
    }
    Stereo<std::vector<double>> energies;
    double most = 0;
    for (const Side side : kSides) {
      energies[side].resize(taps_[side].size());
      double sum = 0;
      for (std::size_t n = taps_[side].size(); n-- > 0;) {
        sum += double{taps_[side][n]} * taps_[side][n];
        energies[side][n] = sum;
      }
      most = std::max(most, sum);
    }
    for (const Side side : kSides) {
      std::string path;
      const std::vector<double>& energy = energies[side];
      const std::size_t step = std::max<std::size_t>(1, energy.size() / kColumns);
      for (std::size_t n = 0; n < energy.size(); n += step) {
        const double level = most > 0 && energy[n] > 0 ? 10 * std::log10(energy[n] / most) : kFloor;
        if (level < kFloor) break;
        path +=
            fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L",
                        x(first_ + static_cast<double>(n) / rate_), kDecay.y(1 - level / kFloor));
      }
      svg += fmt::format("<path class=\"line {}\" d=\"{}\"/>\n", name(side), path);
    }
    return svg + frame(kDecay);
  }

  double frequency_of(double row) const {  // 0 is the lowest
    return kLowest * std::pow(rate_ / 2.0 / kLowest, row / (kRows - 1));
  }

  Spectrogram spectrogram(Side side) const {
    const std::size_t L = std::bit_ceil(static_cast<std::size_t>(std::max(16, rate_ / 64)));
    const ComplexSignal roots = roots_of_unity<float>(L);
    std::vector<float> window(L);
    for (std::size_t n = 0; n < L; ++n) {
      window[n] = static_cast<float>(
          0.5 - 0.5 * std::cos(2 * std::numbers::pi * (static_cast<double>(n) + 0.5) /
                               static_cast<double>(L)));
    }
    Spectrogram made{std::vector<double>(std::size_t{kColumns} * kRows), 0};
    const Signal& taps = taps_[side];
    ComplexSignal samples(L);
    ComplexSignal spectrum(L);
    for (std::size_t column = 0; column < kColumns; ++column) {
      const auto middle = static_cast<std::ptrdiff_t>((static_cast<double>(column) + 0.5) /
                                                      kColumns * static_cast<double>(taps.size()));
      for (std::size_t n = 0; n < L; ++n) {
        const std::ptrdiff_t at =
            middle + static_cast<std::ptrdiff_t>(n) - static_cast<std::ptrdiff_t>(L / 2);
        const bool is_inside = at >= 0 && at < std::ssize(taps);
        samples[n] = is_inside ? window[n] * taps[static_cast<std::size_t>(at)] : 0.0F;
      }
      transform_cooley_tukey(samples, roots, spectrum);
      for (std::size_t row = 0; row < kRows; ++row) {
        const double k = frequency_of(static_cast<double>(row)) / rate_ * static_cast<double>(L);
        const auto below = std::min(static_cast<std::size_t>(k), L / 2 - 1);
        const double share = std::min(1.0, k - static_cast<double>(below));
        const double power = (1 - share) * std::norm(std::complex<double>(spectrum[below])) +
                             share * std::norm(std::complex<double>(spectrum[below + 1]));
        made.power[column * kRows + row] = power;
        made.loudest = std::max(made.loudest, power);
      }
    }
    return made;
  }

  /// From dark to light through blue, green and yellow: each lighter than the one before.
  static std::array<std::uint8_t, 3> colour(double share) {
    constexpr std::array<std::array<double, 3>, 6> kColours{{{12, 12, 28},
                                                             {38, 44, 110},
                                                             {28, 104, 142},
                                                             {44, 160, 122},
                                                             {172, 208, 66},
                                                             {252, 244, 180}}};
    const double at = std::clamp(share, 0.0, 1.0) * (kColours.size() - 1);
    const auto below = std::min(static_cast<std::size_t>(at), kColours.size() - 2);
    std::array<std::uint8_t, 3> mixed{};
    for (std::size_t c = 0; c < 3; ++c) {
      const double part = at - static_cast<double>(below);
      mixed[c] = static_cast<std::uint8_t>(
          std::lround((1 - part) * kColours[below][c] + part * kColours[below + 1][c]));
    }
    return mixed;
  }

  std::string picture(Side side, const Spectrogram& spectrogram, double most) const {
    const Panel& panel = kSpectrograms[side];
    Picture picture{kColumns, kRows, {}};
    for (std::size_t row = kRows; row-- > 0;) {
      for (std::size_t column = 0; column < kColumns; ++column) {
        const double power = spectrogram.power[column * kRows + row];
        const double level = most > 0 && power > 0 ? 10 * std::log10(power / most) : kFloor;
        for (const std::uint8_t byte : colour(1 - level / kFloor)) picture.pixels.push_back(byte);
      }
    }
    std::string svg = fmt::format(
        "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" "
        "href=\"{}\"/>\n",
        kPlotLeft, panel.top, kPlotRight - kPlotLeft, panel.bottom - panel.top,
        png_address(picture));
    for (const double frequency : ticks(kLowest, rate_ / 2.0, 9)) {
      const double share = std::log(frequency / kLowest) / std::log(rate_ / 2.0 / kLowest);
      svg += text(kPlotLeft - 8, panel.y(share) + 4,
                  frequency < 1000 ? fmt::format("{:g}", frequency)
                                   : fmt::format("{:g}k", frequency / 1000),
                  "end");
    }
    svg += text(20, (panel.top + panel.bottom) / 2 + 4, std::string(name(side)));
    if (side == Side::right) svg += times({panel.bottom, panel.bottom + 4}, true);
    return svg + frame(panel);
  }

  const Stereo<Signal>& taps_;
  int rate_;
  double first_, seconds_;
  float loudest_ = 0;
};

}  // namespace

std::string response_svg(const Response& response, const std::string& title) {
  return ResponsePlot(response).svg(title);
}

}  // namespace gpuconv
