#include "host/methods/cpu_response_spectra.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace gpuconv {

SpectraInUse::SpectraInUse(const SceneResponses& responses, std::span<const Voice> voices, int part,
                           std::size_t spectrum_size)
    : responses_(responses), part_(part), spectrum_size_(spectrum_size), pool_(spectrum_size) {
  for (const Voice& voice : voices) ++uses_[voice.response];
}

void SpectraInUse::load_ahead(std::size_t response) {
  if (spectra_.contains(response) || ahead_.contains(response)) return;
  ahead_[response] = responses_.load(response);
}

ResponseSpectra& SpectraInUse::use(std::size_t response, std::int64_t batch) {
  const auto [found, is_new] = spectra_.try_emplace(response);
  ResponseSpectra& spectra = found->second;
  spectra.last_used = batch;
  if (!is_new) return spectra;
  const auto ahead = ahead_.find(response);
  spectra.taps = ahead == ahead_.end() ? responses_.load(response) : ahead->second;
  const std::size_t K = spectra.taps->left.size();
  if (K == 0 || K != spectra.taps->right.size() || std::cmp_greater(K, responses_.longest)) {
    throw std::invalid_argument(fmt::format("response {} has {} and {} taps, not 1 to {}", response,
                                            K, spectra.taps->right.size(), responses_.longest));
  }
  const std::int64_t partitions = (static_cast<std::int64_t>(K) + part_ - 1) / part_;
  for (std::int64_t i = 0; i < 2 * partitions; ++i) spectra.spectra.push_back(pool_.take());
  fresh_.push_back(&spectra);
  return spectra;
}

void SpectraInUse::finish_fresh() {
  for (ResponseSpectra* const made : fresh_) made->taps = nullptr;
  fresh_.clear();
}

SpectraInUse::Made::iterator SpectraInUse::erase(Made::iterator one) {
  for (float* const spectrum : one->second.spectra) pool_.give_back(spectrum);
  return spectra_.erase(one);
}

void SpectraInUse::forget(std::int64_t batch, std::size_t most_idle) {
  ahead_.clear();
  std::size_t idle = 0;
  std::vector<std::pair<std::int64_t, std::size_t>> by_use;
  for (auto one = spectra_.begin(); one != spectra_.end();) {
    const auto& [response, spectra] = *one;
    const bool is_idle = spectra.last_used != batch;
    if (is_idle && uses_[response] == 0) {
      one = erase(one);
      continue;
    }
    if (is_idle) {
      by_use.emplace_back(spectra.last_used, response);
      idle += spectra.spectra.size();
    }
    ++one;
  }
  const std::size_t most = most_idle / (spectrum_size_ * sizeof(float));
  if (idle <= most) return;
  std::ranges::sort(by_use);
  for (const auto& [used, response] : by_use) {
    if (idle <= most) break;
    idle -= spectra_.at(response).spectra.size();
    erase(spectra_.find(response));
  }
}

}  // namespace gpuconv
