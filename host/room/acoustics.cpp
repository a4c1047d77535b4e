#include "host/room/acoustics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "host/room/octave_band.hpp"
#include "host/room/onset.hpp"

namespace gpuconv {
namespace {

using Doubles = std::vector<double>;
using Json = nlohmann::ordered_json;

constexpr double kMaxInterauralDelay = 0.001;  // seconds

double energy(std::span<const double> samples) {
  double sum = 0;
  for (const double x : samples) sum += x * x;
  return sum;
}

std::optional<double> ratio_db(double over, double under) {
  if (!(over > 0) || !(under > 0)) return std::nullopt;
  return 10 * std::log10(over / under);
}

struct Correlation {
  double most = 0;  ///< |correlation|
  double lag = 0;   ///< samples by which the right ear is later
};

/// Of the ears in [begin, end) within 1 ms; nothing where one of them is silent.
std::optional<Correlation> correlation_of(const Stereo<Doubles>& ears, std::size_t begin,
                                          std::size_t end, double rate) {
  const std::size_t size = ears.left.size();
  end = std::min(end, size);
  if (begin >= end) return std::nullopt;
  const auto part = [&](Side side) { return std::span(ears[side]).subspan(begin, end - begin); };
  const double scale = std::sqrt(energy(part(Side::left)) * energy(part(Side::right)));
  if (!(scale > 0)) return std::nullopt;
  const auto reach = static_cast<std::ptrdiff_t>(kMaxInterauralDelay * rate);
  const auto left = part(Side::left);
  const auto right = part(Side::right);
  const auto length = std::ssize(left);
  const auto at = [&](std::ptrdiff_t lag) {
    double sum = 0;
    for (std::ptrdiff_t n = std::max<std::ptrdiff_t>(0, -lag); n < std::min(length, length - lag);
         ++n) {
      sum += left[static_cast<std::size_t>(n)] * right[static_cast<std::size_t>(n + lag)];
    }
    return std::abs(sum) / scale;
  };
  std::vector<double> all;
  for (std::ptrdiff_t lag = -reach; lag <= reach; ++lag) all.push_back(at(lag));
  const auto most = std::ranges::max_element(all);
  Correlation found{*most, static_cast<double>(most - all.begin() - reach)};
  // A parabola through the neighbours.
  if (most != all.begin() && most != all.end() - 1) {
    const double bend = most[-1] - 2 * most[0] + most[1];
    if (bend < 0) found.lag += 0.5 * (most[-1] - most[1]) / bend;
  }
  return found;
}

/// Both ears from the samples at which their own direct sound arrives, in one band or in all.
class Band {
 public:
  Band(const Response& response, const Stereo<std::size_t>& onset, double middle)
      : rate_(response.rate), middle_(middle) {
    if (middle > 0) {
      filter_.emplace(middle, rate_);
      tail_ = static_cast<std::size_t>(30 * rate_ / middle);  // it has lost 60 dB by then
    }
    for (const Side side : kSides) {
      const Signal& taps = response.taps[side];
      samples_[side].assign(taps.begin(), taps.end());
      onset_[side] = std::min(onset[side], taps.size());
    }
  }

  BandAcoustics acoustics() const {
    BandAcoustics found;
    found.middle_hz = middle_;
    const Stereo<Doubles> bands{band(samples_.left), band(samples_.right)};
    for (const Side side : kSides) found.ears[side] = of_ear(side, bands[side]);
    found.ild_db = ratio_db(energy(bands.left), energy(bands.right));
    const std::size_t begin = std::min(onset_.left, onset_.right);
    const std::size_t early = begin + samples_in(0.080);
    std::size_t end = begin + samples_in(1);
    for (const Side side : kSides) {  // noise is not the room
      const std::optional<Decay>& decay = found.ears[side].decay;
      if (decay) end = std::min(end, onset_[side] + decay->end);
    }
    const auto most = [&](std::size_t from, std::size_t to) -> std::optional<double> {
      const auto correlation = correlation_of(bands, from, to, rate_);
      return correlation ? std::optional(correlation->most) : std::nullopt;
    };
    found.iacc = most(begin, std::max(end, early));
    found.iacc_early = most(begin, early);
    if (early < std::min(end, samples_.left.size())) found.iacc_late = most(early, end);
    return found;
  }

 private:
  std::size_t samples_in(double seconds) const {
    return static_cast<std::size_t>(std::llround(seconds * rate_));
  }

  Doubles band(std::span<const double> samples, std::size_t tail = 0) const {
    return filter_ ? filter_->of(samples, tail) : Doubles(samples.begin(), samples.end());
  }

  EarAcoustics of_ear(Side side, const Doubles& in_band) const {
    EarAcoustics ear;
    const std::span<const double> direct = std::span(in_band).subspan(onset_[side]);
    if (direct.empty() || energy(direct) == 0) return ear;
    ear.decay = decay_of(direct, rate_);
    if (ear.decay && filter_) drop_ringing(*ear.decay);
    const auto before = [&](double seconds) { return early_and_late(side, seconds, ear.decay); };
    if (const auto split = before(0.080)) ear.c80_db = ratio_db(split->left, split->right);
    if (const auto split = before(0.050)) {
      ear.c50_db = ratio_db(split->left, split->right);
      ear.d50 = split->left / (split->left + split->right);
    }
    return ear;
  }

  /// Times that the filter rings by itself: ISO 3382-1 wants bandwidth times T above 16.
  void drop_ringing(Decay& decay) const {
    const double width = upper_edge(middle_) - middle_ * middle_ / upper_edge(middle_);
    for (std::optional<double>* const time : {&decay.edt, &decay.t20, &decay.t30}) {
      if (*time && width * **time < 16) time->reset();
    }
  }

  /// Energy before and after so many seconds; nothing for a response that is over by then.
  std::optional<Stereo<double>> early_and_late(Side side, double seconds,
                                               const std::optional<Decay>& decay) const {
    const std::span<const double> direct = std::span(samples_[side]).subspan(onset_[side]);
    const std::size_t split = samples_in(seconds);
    const std::size_t end = decay ? std::min(decay->end, direct.size()) : direct.size();
    if (split >= end) return std::nullopt;
    // What comes before the direct sound is less than its hundredth part.
    return Stereo<double>{energy(band(direct.first(split), tail_)),
                          energy(band(direct.subspan(split, end - split), tail_)) +
                              (decay ? decay->energy_after : 0)};
  }

  double rate_;
  double middle_;
  std::optional<OctaveBand> filter_;
  std::size_t tail_ = 0;
  Stereo<Doubles> samples_;
  Stereo<std::size_t> onset_;
};

// ---- as text ----------------------------------------------------------------------------------

std::string cell(const std::optional<double>& value, int digits) {
  return value ? fmt::format("{:.{}f}", *value, digits) : "-";
}

std::string name_of(double middle) {
  if (middle == 0) return "all";
  return middle < 990 ? fmt::format("{:.0f} Hz", std::round(middle / 62.5) * 62.5)
                      : fmt::format("{:.0f} kHz", middle / 1000);
}

Json value_of(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json json_of_ear(const EarAcoustics& ear) {
  const auto of_decay = [&](std::optional<double> Decay::*time) {
    return ear.decay ? value_of((*ear.decay).*time) : Json(nullptr);
  };
  return {{"edt", of_decay(&Decay::edt)},
          {"t20", of_decay(&Decay::t20)},
          {"t30", of_decay(&Decay::t30)},
          {"c50_db", value_of(ear.c50_db)},
          {"c80_db", value_of(ear.c80_db)},
          {"d50", value_of(ear.d50)},
          {"noise_db", ear.decay ? Json(ear.decay->noise_db) : Json(nullptr)}};
}

}  // namespace

Acoustics acoustics_of(const Response& response) {
  Acoustics found;
  Stereo<std::size_t> onset;
  const double rate = response.rate;
  for (const Side side : kSides) {
    const Signal& taps = response.taps[side];
    const auto first = first_near(taps, maximum_of(taps));
    onset[side] = first.value_or(taps.size());
    if (!first) continue;
    found.onset[side] = (static_cast<double>(*first) - response.latency_frames) / rate;
    const Doubles samples(taps.begin(), taps.end());
    const std::size_t split =
        std::min(samples.size(), *first + static_cast<std::size_t>(std::llround(0.0025 * rate)));
    found.direct_to_reverberant_db[side] = ratio_db(energy(std::span(samples).first(split)),
                                                    energy(std::span(samples).subspan(split)));
  }
  const Stereo<Doubles> all{{response.taps.left.begin(), response.taps.left.end()},
                            {response.taps.right.begin(), response.taps.right.end()}};
  const std::size_t begin = std::min(onset.left, onset.right);
  const auto early = static_cast<std::size_t>(std::llround(0.080 * rate));
  if (const auto correlation = correlation_of(all, begin, begin + early, rate)) {
    found.itd = correlation->lag / rate;
  }
  found.bands.push_back(Band(response, onset, 0).acoustics());
  for (const double middle : octaves(rate)) {
    found.bands.push_back(Band(response, onset, middle).acoustics());
  }
  return found;
}

std::vector<std::string> lines_of(const Acoustics& acoustics) {
  const auto milliseconds = [](const std::optional<double>& seconds) {
    return seconds ? fmt::format("{:.2f} ms", 1e3 * *seconds) : "none";
  };
  const auto with_unit = [](const std::optional<double>& value) {
    return value ? fmt::format("{:.1f} dB", *value) : "-";
  };
  const Stereo<std::optional<double>>& onset = acoustics.onset;
  std::vector<std::string> lines{fmt::format("onset      left {}, right {}",
                                             milliseconds(onset.left), milliseconds(onset.right)),
                                 fmt::format("ITD        {}{}", milliseconds(acoustics.itd),
                                             !acoustics.itd           ? ""
                                             : *acoustics.itd > 5e-6  ? ", left ear first"
                                             : *acoustics.itd < -5e-6 ? ", right ear first"
                                                                      : ""),
                                 fmt::format("DRR        left {}, right {}",
                                             with_unit(acoustics.direct_to_reverberant_db.left),
                                             with_unit(acoustics.direct_to_reverberant_db.right))};
  const auto is_told = [](const BandAcoustics& band) {
    return band.ears.left.d50 || band.ears.right.d50;
  };
  if (std::ranges::any_of(acoustics.bands, is_told)) {
    lines.push_back(fmt::format("{:<8}{:<6}{:>7}{:>7}{:>7}{:>8}{:>8}{:>7}{:>8}", "octave", "ear",
                                "EDT s", "T20 s", "T30 s", "C50 dB", "C80 dB", "D50", "noise"));
  } else {
    lines.push_back("decay      too short for it");
  }
  for (const BandAcoustics& band : acoustics.bands) {
    if (!is_told(band)) continue;
    for (const Side side : kSides) {
      const EarAcoustics& ear = band.ears[side];
      const std::optional<Decay>& decay = ear.decay;
      lines.push_back(fmt::format(
          "{:<8}{:<6}{:>7}{:>7}{:>7}{:>8}{:>8}{:>7}{:>8}", name_of(band.middle_hz), name(side),
          cell(decay ? decay->edt : std::nullopt, 2), cell(decay ? decay->t20 : std::nullopt, 2),
          cell(decay ? decay->t30 : std::nullopt, 2), cell(ear.c50_db, 1), cell(ear.c80_db, 1),
          cell(ear.d50, 2),
          decay && decay->noise_db > -200 ? fmt::format("{:.0f} dB", decay->noise_db) : "-"));
    }
  }
  lines.push_back(
      fmt::format("{:<8}{:>8}{:>8}{:>8}{:>8}", "octave", "ILD dB", "IACC", "early", "late"));
  for (const BandAcoustics& band : acoustics.bands) {
    lines.push_back(fmt::format("{:<8}{:>8}{:>8}{:>8}{:>8}", name_of(band.middle_hz),
                                cell(band.ild_db, 1), cell(band.iacc, 2), cell(band.iacc_early, 2),
                                cell(band.iacc_late, 2)));
  }
  return lines;
}

std::string json_of(const Acoustics& acoustics) {
  const auto of_both = [](const Stereo<std::optional<double>>& values) {
    return Json{{"left", value_of(values.left)}, {"right", value_of(values.right)}};
  };
  Json json{{"onset_s", of_both(acoustics.onset)},
            {"itd_s", value_of(acoustics.itd)},
            {"direct_to_reverberant_db", of_both(acoustics.direct_to_reverberant_db)},
            {"bands", Json::array()}};
  for (const BandAcoustics& band : acoustics.bands) {
    json["bands"].push_back(
        {{"middle_hz", band.middle_hz > 0 ? Json(band.middle_hz) : Json(nullptr)},
         {"left", json_of_ear(band.ears.left)},
         {"right", json_of_ear(band.ears.right)},
         {"ild_db", value_of(band.ild_db)},
         {"iacc", value_of(band.iacc)},
         {"iacc_early", value_of(band.iacc_early)},
         {"iacc_late", value_of(band.iacc_late)}});
  }
  return json.dump(2);
}

}  // namespace gpuconv
