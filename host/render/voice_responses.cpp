#include "host/render/voice_responses.hpp"

#include <fmt/format.h>

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

Response Recipe::make(std::optional<std::int64_t> early) const {
  const auto source = converted ? converted : cache->convert(cache->load(path, options), rate);
  Response response = *source;
  response.latency_frames += dry_frames;
  response = mixed(std::move(response), mix);
  if (early) {
    for (const Side side : kSides) response.taps[side].resize(static_cast<std::size_t>(*early));
  }
  return then ? chained(response, *then) : response;
}

SceneResponses KeptTaps::of(const std::shared_ptr<const Recipe>& recipe, std::int64_t K,
                            std::optional<std::int64_t> early) {
  using Taps = std::shared_ptr<const Stereo<Signal>>;
  bytes_ += 2 * K * static_cast<std::int64_t>(sizeof(float));
  const bool is_kept = bytes_ <= kBytes;
  const auto kept = std::make_shared<Taps>();
  return {1, K, [=](std::size_t) {
            if (*kept) return *kept;
            Taps taps = std::make_shared<const Stereo<Signal>>(recipe->make(early).taps);
            if (std::ssize(taps->left) != K) {
              throw FileError(recipe->path, "has changed while gpuconv was reading it");
            }
            if (is_kept) *kept = taps;
            return taps;
          }};
}

}  // namespace gpuconv
