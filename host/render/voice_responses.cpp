#include "host/render/voice_responses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "host/base/error.hpp"
#include "host/render/chain.hpp"
#include "host/room/sofa/sofa_set.hpp"

namespace gpuconv {

std::int64_t whole_direct_sound(const Response& response) {
  const std::int64_t last = std::ssize(response.taps.left) - response.latency_frames - 1;
  return std::clamp<std::int64_t>(std::llround(response.direct_sound), 0,
                                  std::max<std::int64_t>(last, 0));
}

OpenedResponse open_response(const Job& job, const std::string& path,
                             const ResponseOptions& options,
                             const std::shared_ptr<const Response>& loaded, int rate,
                             const std::string& input, ResponseCache& cache) {
  OpenedResponse opened;
  std::shared_ptr<const Response> response = loaded ? loaded : cache.load(path, options);
  opened.report = {response->description,
                   response->direction,
                   response->repairs,
                   response->warnings,
                   response->far,
                   response->rate,
                   std::ssize(response->taps.left)};
  if (response->rate != rate && job.rate_policy == RatePolicy::error) {
    throw FileError(path, fmt::format("{} Hz, but {} has {} Hz (--rate-policy error)",
                                      response->rate, input, rate));
  }
  try {
    response = cache.convert(response, rate);
  } catch (const UsageError& error) {  // it does not know the name of the file
    throw FileError(path, error.what());
  }
  opened.report.direct_sound = whole_direct_sound(*response);
  opened.response = std::move(response);
  return opened;
}

std::shared_ptr<const MovingVoices> open_movement(const Job& job, const std::string& path,
                                                  ResponseOptions options,
                                                  const std::string& trajectory, std::int64_t end,
                                                  int rate, const std::string& input) {
  SofaOptions& sofa = options.sofa;
  if (sofa.measurement) {
    throw UsageError("--measurement names one direction, and what moves has many");
  }
  if (job.mix.has_unit_energy) {
    throw UsageError("--unit-energy scales one response, and what moves has many");
  }
  if (!trajectory.empty() && (sofa.azimuth || sofa.elevation)) {
    throw UsageError(trajectory + ": moves the source, which azimuth or elevation places");
  }
  Motion motion;
  motion.rest = {SofaSet::asked_direction(sofa), 0};
  if (!trajectory.empty()) motion.source = read_trajectory(trajectory);
  if (!job.head.empty()) motion.head = read_head_track(job.head);
  if (motion.source && motion.source->has_third && sofa.distance) {
    throw UsageError(trajectory + ": has distances, and so does the choice of one");
  }
  sofa.interpolation = sofa.interpolation.value_or(Interpolation::neighbours);
  auto moving = std::make_shared<const MovingVoices>(
      moving_voices(path, options, motion, std::min(end, kForever), rate));
  if (moving->file_rate != rate && job.rate_policy == RatePolicy::error) {
    throw FileError(path, fmt::format("{} Hz, but {} has {} Hz (--rate-policy error)",
                                      moving->file_rate, input, rate));
  }
  return moving;
}

OpenedResponse first_response(const MovingVoices& moving) {
  OpenedResponse opened;
  opened.report.description = moving.description;
  opened.report.repairs = moving.repairs;
  opened.report.warnings = moving.warnings;
  opened.report.file_rate = moving.file_rate;
  opened.report.file_taps = moving.file_taps;
  opened.report.direct_sound = std::llround(moving.direct_sound);
  opened.report.movement = {moving.responses.count, moving.voices.size()};
  opened.response = std::make_shared<const Response>(moving.response(0));
  return opened;
}

std::string Recipe::key() const {
  if (converted || moving) return "";
  const SofaOptions& sofa = options.sofa;
  const auto words = [](const std::optional<double>& value) {
    return value ? fmt::format("{}", *value) : "-";
  };
  return fmt::format("{} {} {} {} {}", words(sofa.azimuth), words(sofa.elevation),
                     words(sofa.distance), mix.gain_db, path);
}

Response Recipe::make(std::size_t number, Stretch stretch, std::int64_t taps) const {
  Response response = converted
                          ? *converted
                          : cropped(moving ? moving->response(number)
                                           : *cache->convert(cache->load(path, options), rate),
                                    crop, moving != nullptr);
  response.latency_frames += dry_frames;
  response = mixed(std::move(response), mix);
  for (const Side side : kSides) {
    Signal& ear = response.taps[side];
    if (stretch == Stretch::early) ear.resize(static_cast<std::size_t>(taps));
    if (stretch == Stretch::late) std::fill_n(ear.begin(), taps, 0.0F);
  }
  return then ? chained(response, *then) : response;
}

SceneResponses KeptTaps::of(const std::shared_ptr<const Recipe>& recipe, std::int64_t K,
                            Stretch stretch, std::int64_t taps) {
  using Taps = std::shared_ptr<const Stereo<Signal>>;
  const std::size_t count = recipe->count();
  bytes_ += 2 * K * static_cast<std::int64_t>(count * sizeof(float));
  const bool is_kept = bytes_ <= kBytes;
  const auto kept = std::make_shared<std::vector<Taps>>(count);
  return {count, K, [=](std::size_t number) {
            Taps& known = (*kept)[number];
            if (known) return known;
            Taps made =
                std::make_shared<const Stereo<Signal>>(recipe->make(number, stretch, taps).taps);
            if (std::ssize(made->left) != K) {
              throw FileError(recipe->path, "has changed while gpuconv was reading it");
            }
            if (is_kept) known = made;
            return made;
          }};
}

}  // namespace gpuconv
