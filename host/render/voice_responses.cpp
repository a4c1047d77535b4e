#include "host/render/voice_responses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "host/base/error.hpp"
#include "host/render/chain.hpp"

namespace gpuconv {

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
  opened.report.direct_sound = std::llround(response->direct_sound);
  opened.response = std::move(response);
  return opened;
}

std::string Recipe::key() const {
  if (converted) return "";
  const SofaOptions& sofa = options.sofa;
  const auto words = [](const std::optional<double>& value) {
    return value ? fmt::format("{}", *value) : "-";
  };
  return fmt::format("{} {} {} {} {}", words(sofa.azimuth), words(sofa.elevation),
                     words(sofa.distance), mix.gain_db, path);
}

Response Recipe::make(Stretch stretch, std::int64_t taps) const {
  Response response =
      converted ? *converted : cropped(*cache->convert(cache->load(path, options), rate), crop);
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
  bytes_ += 2 * K * static_cast<std::int64_t>(sizeof(float));
  const bool is_kept = bytes_ <= kBytes;
  const auto kept = std::make_shared<Taps>();
  return {1, K, [=](std::size_t) {
            if (*kept) return *kept;
            Taps made = std::make_shared<const Stereo<Signal>>(recipe->make(stretch, taps).taps);
            if (std::ssize(made->left) != K) {
              throw FileError(recipe->path, "has changed while gpuconv was reading it");
            }
            if (is_kept) *kept = made;
            return made;
          }};
}

}  // namespace gpuconv
