#include "host/room/response_field.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "host/room/delay.hpp"
#include "host/room/onset.hpp"
#include "host/room/resample.hpp"

namespace gpuconv {
namespace {

/// The whole part of a time, and what is left, which is 0 if it is as good as whole.
struct Split {
  std::int64_t whole;
  double fraction;
};

Split split(double time) {
  if (is_whole(time)) return {std::llround(time), 0};
  const double whole = std::floor(time);
  return {static_cast<std::int64_t>(whole), time - whole};
}

/// What a delay by a fraction adds at both ends.
Extent delayed_by(const Extent& extent, const Split& delay) {
  const bool rings = delay.fraction != 0;
  return {extent.begin + delay.whole - (rings ? kDelayReach - 1 : 0),
          extent.end + delay.whole + (rings ? kDelayReach : 0)};
}

/// `taps`, later by `fraction`; the first one is as many samples earlier as delayed_by() says.
Signal delayed_taps(const Signal& taps, double fraction) {
  if (fraction == 0) return taps;
  Signal later = delayed(taps, fraction, kDelayReach);
  later.erase(later.begin());  // its first sample is one of the lead into which nothing rings
  return later;
}

/// Adds factor * taps, which begin at `from`, to a sum that begins at `to`.
void add(std::vector<double>& sum, std::int64_t to, const Signal& taps, std::int64_t from,
         double factor) {
  auto into = sum.begin() + static_cast<std::ptrdiff_t>(from - to);
  for (const float tap : taps) *into++ += factor * double{tap};
}

}  // namespace

ResponseField::ResponseField(SofaSet& set, const ResponseOptions& options, int rate,
                             bool at_any_distance)
    : set_(set), options_(options), rate_(rate) {
  check_rates(set.rate(), rate);
  warning_ = set.warning(options.sofa);
  for (Surroundings& here : set.surroundings(options.sofa, at_any_distance)) {
    around_.push_back(
        {here.distance, std::move(here.measurements), MeasuredDirections(here.directions)});
  }
}

Blend ResponseField::blend(const Seen& seen) {
  const auto off = [&](const Around& one) {
    return one.distance > 0 && seen.distance > 0 ? std::abs(std::log(one.distance / seen.distance))
                                                 : 0;
  };
  Around& here = *std::ranges::min_element(around_, {}, off);
  const Neighbours found = options_.sofa.interpolation == Interpolation::neighbours
                               ? here.directions.around(seen.direction)
                               : here.directions.nearest(seen.direction);
  away_ = std::max(away_, found.away);
  std::array<std::pair<std::int64_t, double>, 3> parts;
  parts.fill({std::numeric_limits<std::int64_t>::max(), 0});
  for (std::size_t i = 0; i < static_cast<std::size_t>(found.count); ++i) {
    parts[i] = {here.measurements[found.which[i]], found.weights[i]};
  }
  std::ranges::sort(parts);
  Blend blend;
  blend.count = found.count;
  for (std::size_t i = 0; i < static_cast<std::size_t>(found.count); ++i) {
    std::tie(blend.measurements[i], blend.weights[i]) = parts[i];
  }
  return blend;
}

ResponseField::Kept ResponseField::measured(std::int64_t measurement) {
  if (const auto known = kept_.find(measurement); known != kept_.end()) return known->second;
  ResponseOptions options = options_;
  options.sofa.azimuth = options.sofa.elevation = options.sofa.distance = std::nullopt;
  options.sofa.interpolation = Interpolation::nearest;
  options.sofa.measurement = measurement;
  const Response stored = response_of(set_, options);
  replaced_[measurement] = stored.repairs.replaced;
  auto made = std::make_shared<Measured>();
  made->response = resample(stored, rate_);
  made->direct_sound = made->response.direct_sound;
  // By the taps as they are stored: at a lower rate a sharp onset rings before itself.
  const double scale = static_cast<double>(rate_) / stored.rate;
  Stereo<std::optional<double>> heard;
  for (const Side side : kSides) heard[side] = arrival(stored.taps[side]);
  for (const Side side : kSides) {
    // A silent ear has the other one's time; one of them is not silent.
    const double time = heard[side] ? *heard[side] : heard.left ? *heard.left : *heard.right;
    made->arrival[side] = (time - stored.latency_frames) * scale;
    const Signal& taps = made->response.taps[side];
    const Split arrives = split(made->arrival[side]);
    const double rest = arrives.fraction == 0 ? 0 : 1 - arrives.fraction;
    made->aligned[side] = delayed_taps(taps, rest);
    const std::int64_t begin = -made->response.latency_frames;
    made->extent[side] = delayed_by({begin, begin + std::ssize(taps)}, {0, rest});
    const std::int64_t whole = arrives.whole + (rest == 0 ? 0 : 1);
    made->extent[side].begin -= whole;
    made->extent[side].end -= whole;
  }
  const auto bytes = static_cast<std::int64_t>(
      sizeof(float) * (2 * made->response.taps.left.size() + made->aligned.left.size() +
                       made->aligned.right.size()));
  if (bytes_ + bytes > kBytes) {
    kept_.clear();
    bytes_ = 0;
  }
  bytes_ += bytes;
  return kept_[measurement] = made;
}

double ResponseField::arrival_of(const Blend& blend, Side side) {
  double sum = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(blend.count); ++i) {
    sum += blend.weights[i] * measured(blend.measurements[i])->arrival[side];
  }
  return sum;
}

/// Of the sum of what is aligned, from its arrival on.
Extent ResponseField::extent_of(const Blend& blend, Side side) {
  Extent sum = measured(blend.measurements[0])->extent[side];
  for (std::size_t i = 1; i < static_cast<std::size_t>(blend.count); ++i) {
    const Extent& one = measured(blend.measurements[i])->extent[side];
    sum = {std::min(sum.begin, one.begin), std::max(sum.end, one.end)};
  }
  return sum;
}

Extent ResponseField::extent(const Blend& blend) {
  if (blend.count == 1) {
    const Kept only = measured(blend.measurements[0]);
    const std::int64_t begin = -only->response.latency_frames;
    return {begin, begin + std::ssize(only->response.taps.left)};
  }
  Stereo<Extent> ears;
  for (const Side side : kSides) {
    ears[side] = delayed_by(extent_of(blend, side), split(arrival_of(blend, side)));
  }
  return {std::min(ears.left.begin, ears.right.begin), std::max(ears.left.end, ears.right.end)};
}

Stereo<Signal> ResponseField::taps(const Blend& blend, const Extent& extent) {
  const auto length = static_cast<std::size_t>(extent.end - extent.begin);
  Stereo<Signal> result{Signal(length), Signal(length)};
  const auto put = [&](const Signal& taps, std::int64_t begin, Side side) {
    std::ranges::copy(taps, result[side].begin() + (begin - extent.begin));
  };
  if (blend.count == 1) {
    const Kept only = measured(blend.measurements[0]);
    for (const Side side : kSides) {
      put(only->response.taps[side], -only->response.latency_frames, side);
    }
    return result;
  }
  for (const Side side : kSides) {
    const Extent whole = extent_of(blend, side);
    std::vector<double> sum(static_cast<std::size_t>(whole.end - whole.begin));
    for (std::size_t i = 0; i < static_cast<std::size_t>(blend.count); ++i) {
      const Kept one = measured(blend.measurements[i]);
      add(sum, whole.begin, one->aligned[side], one->extent[side].begin, blend.weights[i]);
    }
    const Split arrives = split(arrival_of(blend, side));
    put(delayed_taps(Signal(sum.begin(), sum.end()), arrives.fraction),
        delayed_by(whole, arrives).begin, side);
  }
  return result;
}

std::string ResponseField::away_warning() const {
  if (away_ <= kNearDegrees) return "";
  return fmt::format(
      "the source goes up to {:.0f} degrees beyond what was measured: there the nearest "
      "measurements are heard",
      away_);
}

std::int64_t ResponseField::replaced() const {
  std::int64_t sum = 0;
  for (const auto& [measurement, samples] : replaced_) sum += samples;
  return sum;
}

double ResponseField::direct_sound(const Blend& blend) {
  double sum = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(blend.count); ++i) {
    sum += blend.weights[i] * measured(blend.measurements[i])->direct_sound;
  }
  return sum;
}

Response interpolated_response(SofaSet& set, const ResponseOptions& options) {
  const SofaOptions& asked = options.sofa;
  ResponseField field(set, options, set.rate());
  const Seen seen{set.asked_direction(asked), 0};
  const Blend blend = field.blend(seen);
  const Extent own = field.extent(blend);
  const Extent extent{std::min<std::int64_t>(own.begin, 0), own.end};
  Response response;
  response.rate = set.rate();
  response.taps = field.taps(blend, extent);
  response.latency_frames = static_cast<int>(-extent.begin);
  response.direct_sound = field.direct_sound(blend);
  response.direction = seen.direction;
  response.repairs.replaced = field.replaced();
  response.description = fmt::format("azimuth {:.1f}, elevation {:.1f}, by", seen.direction.azimuth,
                                     seen.direction.elevation);
  for (std::size_t i = 0; i < static_cast<std::size_t>(blend.count); ++i) {
    response.description += fmt::format("{} measurement {} ({:.0f} %)",
                                        i == 0                                           ? ""
                                        : i + 1 == static_cast<std::size_t>(blend.count) ? " and"
                                                                                         : ",",
                                        blend.measurements[i], 100 * blend.weights[i]);
  }
  response.description += fmt::format(" of 0..{}", set.measurements() - 1);
  if (!field.warning().empty()) response.warnings.push_back(field.warning());
  if (std::string warning = field.away_warning(); !warning.empty()) {
    response.warnings.push_back(std::move(warning));
  }
  return response;
}

}  // namespace gpuconv
