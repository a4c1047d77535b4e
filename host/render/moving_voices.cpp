#include "host/render/moving_voices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/read/foreign.hpp"
#include "host/room/response_field.hpp"
#include "host/room/sofa/sofa_set.hpp"

namespace gpuconv {
namespace {

/// From one measurement to the next, without what lies between them: a longer fade would only be
/// heard as a comb.
constexpr double kNearestFade = 0.02;  // seconds

/// Of a weight: those that differ by less are the same.
constexpr double kWeightSteps = 1e6;

/// A set that stays open, and what its responses are made of.
struct OpenField {
  OpenField(const std::string& path, const ResponseOptions& options, int rate, bool at_any_distance)
      : set(path), field(set, options, rate, at_any_distance) {}

  SofaSet set;
  ResponseField field;
  std::vector<Blend> blends;  ///< by response
  Extent extent;              ///< of all of them
};

/// Voices one after the other.
class Chain {
 public:
  explicit Chain(int longest_fade) : longest_fade_(longest_fade) {}

  /// The next one is heard through `response` from frame `begin` to `end`, and fades in and out
  /// before and after that.
  void add(std::size_t response, std::int64_t begin, std::int64_t end) {
    if (!voices_.empty()) {
      Voice& last = voices_.back();
      if (last.response == response) {
        last.end = end;
        return;
      }
      // In the middle of the time that there is.
      const std::int64_t gap = begin - last.end;
      const std::int64_t fade = std::min<std::int64_t>(gap, longest_fade_);
      last.end += (gap - fade) / 2 + fade;
      last.fade_out = static_cast<int>(fade);
      begin = last.end - fade;
      voices_.push_back({0, response, begin, end, static_cast<int>(fade), 0});
    } else {
      voices_.push_back({0, response, 0, end, 0, 0});
    }
  }

  std::vector<Voice> take() {
    voices_.back().end = kForever;
    return std::move(voices_);
  }

 private:
  std::int64_t longest_fade_;
  std::vector<Voice> voices_;
};

/// So that equal directions share one response.
Blend rounded(Blend blend) {
  double rest = 1;
  for (int i = 0; i + 1 < blend.count; ++i) {
    double& weight = blend.weights[static_cast<std::size_t>(i)];
    weight = std::round(weight * kWeightSteps) / kWeightSteps;
    rest -= weight;
  }
  blend.weights[static_cast<std::size_t>(blend.count - 1)] = rest;
  return blend;
}

std::string words_of(const Seen& seen) {
  return fmt::format("azimuth {:.1f}, elevation {:.1f}", seen.direction.azimuth,
                     seen.direction.elevation);
}

}  // namespace

Response MovingVoices::response(std::size_t number) const {
  Response one;
  one.taps = *responses.load(number);
  one.rate = rate;
  one.latency_frames = latency_frames;
  one.direct_sound = direct_sound;
  return one;
}

MovingVoices moving_voices(const std::string& path, const ResponseOptions& options,
                           const Motion& motion, std::int64_t length, int rate,
                           const StepLimits& limits) {
  if (!is_sofa(path)) {
    throw UsageError(path + ": a source or a head that moves needs the directions of a SOFA file");
  }
  const bool has_distances = motion.source && motion.source->has_third;
  auto open = std::make_shared<OpenField>(path, options, rate, has_distances);
  ResponseField& field = open->field;

  const bool is_nearest = options.sofa.interpolation != Interpolation::neighbours;
  Chain chain(is_nearest ? static_cast<int>(std::lround(kNearestFade * rate))
                         : std::numeric_limits<int>::max());
  std::map<Blend, std::size_t> known;
  Extent& extent = open->extent;
  const std::vector<Step> steps = steps_of(motion, static_cast<double>(length) / rate, limits);
  for (const Step& step : steps) {
    stop_if_interrupted();
    const Blend blend = rounded(field.blend(step.seen));
    const auto [found, is_new] = known.emplace(blend, open->blends.size());
    if (is_new) {
      const Extent one = field.extent(blend);
      const bool is_first = open->blends.empty();
      extent = {is_first ? one.begin : std::min(extent.begin, one.begin),
                is_first ? one.end : std::max(extent.end, one.end)};
      open->blends.push_back(blend);
    }
    const auto frame = [&](double seconds) {
      return static_cast<std::int64_t>(
          std::min(std::round(seconds * rate), static_cast<double>(kForever)));
    };
    chain.add(found->second, frame(step.seconds), frame(step.until));
  }

  MovingVoices moving;
  moving.motion = motion;
  moving.voices = chain.take();
  moving.rate = rate;
  moving.latency_frames = static_cast<int>(-extent.begin);
  moving.direct_sound = field.direct_sound(open->blends.front());
  moving.file_rate = open->set.rate();
  moving.file_taps = open->set.taps();
  moving.repairs.replaced = field.replaced();
  moving.description =
      fmt::format("{} direction{} of {} measurement{}, from {} to {}", open->blends.size(),
                  open->blends.size() == 1 ? "" : "s", open->set.measurements(),
                  open->set.measurements() == 1 ? "" : "s", words_of(steps.front().seen),
                  words_of(steps.back().seen));
  if (!field.warning().empty()) moving.warnings.push_back(field.warning());
  if (motion.source && !motion.source->warning.empty()) {
    moving.warnings.push_back(motion.source->warning);
  }
  if (std::string warning = field.away_warning(); !warning.empty()) {
    moving.warnings.push_back(std::move(warning));
  }
  moving.responses = {open->blends.size(), extent.end - extent.begin, [open](std::size_t response) {
                        return std::make_shared<const Stereo<Signal>>(
                            open->field.taps(open->blends[response], open->extent));
                      }};
  return moving;
}

}  // namespace gpuconv
