#include "host/render/verification.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <utility>

#include "host/base/error.hpp"
#include "host/methods/cpu_vectorised.hpp"
#include "host/methods/definition.hpp"
#include "host/render/cpu_renderer.hpp"

namespace gpuconv {
namespace {

constexpr int kFrames = 32;
constexpr int kFramesPerDoubling = 8;
constexpr std::int64_t kEnergySamples = 1024;

[[noreturn]] void blame(const Method& method, const std::string& what) {
  const std::string sentence = fmt::format("{}: {} computed something wrong", what, method.name);
  if (method.processor == Processor::gpu) throw GpuError(sentence);
  throw std::runtime_error(sentence);
}

VerifiedScene scene_of(const Stereo<Signal>& response, std::int64_t length) {
  VerifiedScene scene;
  const auto load = [&response](std::size_t) {
    return std::shared_ptr<const Stereo<Signal>>(std::shared_ptr<void>(), &response);
  };
  scene.responses = {1, std::ssize(response.left), load};
  scene.voices = {Voice{}};
  scene.starts = {0};
  scene.planned_length = scene.known_length = length;
  return scene;
}

/// Says whether three of these voices, sorted by their begin, sound at a time; fades make it two.
bool has_three_at_once(std::span<const Voice> voices, std::span<const std::size_t> in_order) {
  std::int64_t latest = 0, second = 0;  // ends of those before
  for (const std::size_t v : in_order) {
    if (voices[v].begin < second) return true;
    const std::int64_t end = voices[v].end;
    second = std::max(second, std::min(latest, end));
    latest = std::max(latest, end);
  }
  return false;
}

}  // namespace

Verification::Verification(const Stereo<Signal>& response, std::int64_t source_length)
    : Verification(scene_of(response, source_length)) {
  is_one_ = true;
}

Verification::Verification(VerifiedScene scene)
    : scene_(std::move(scene)),
      taps_(scene_.responses.longest),
      response_energies_(scene_.responses.count),
      random_(std::random_device{}()),
      probed_(scene_.known_length + taps_ - 1),
      sources_(scene_.starts.size()) {
  for (std::size_t s = 0; s < sources_.size(); ++s) sources_[s].start = scene_.starts[s];
  for (std::size_t v = 0; v < scene_.voices.size(); ++v) {
    sources_[scene_.voices[v].source].voices.push_back(v);
  }
  for (Source& source : sources_) {
    std::ranges::stable_sort(source.voices, {},
                             [&](std::size_t v) { return scene_.voices[v].begin; });
    source.overlaps = has_three_at_once(scene_.voices, source.voices);
  }
  add_probes(0, probed_, kFrames);
}

/// Adds probes for `count` random frames in [first, last).
void Verification::add_probes(std::int64_t first, std::int64_t last, int count) {
  std::mt19937_64 generator(random_++);
  std::uniform_int_distribution<std::int64_t> frame(first, last - 1);
  for (int i = 0; i < count; ++i) probes_.push_back({frame(generator), {}, {}});
  std::ranges::sort(probes_, {}, &Probe::n);
}

SceneResponses Verification::responses() {
  return {scene_.responses.count, scene_.responses.longest,
          [this](std::size_t response) { return load(response); }};
}

/// The renderer may call it on another thread than source().
std::shared_ptr<const Stereo<Signal>> Verification::load(std::size_t response) {
  const std::lock_guard lock(load_mutex_);
  auto taps = scene_.responses.load(response);
  auto& energies = response_energies_[response];
  if (!energies) energies = Stereo<double>{energy(taps->left), energy(taps->right)};
  return taps;
}

Stereo<double> Verification::energies_of(std::size_t response) {
  if (!response_energies_[response]) load(response);
  return *response_energies_[response];
}

void Verification::source(std::span<const float> block, std::size_t number) {
  const std::lock_guard lock(mutex_);
  Source& source = sources_[number];
  const std::int64_t begin = source.start + source.read;
  const std::int64_t end = begin + std::ssize(block);
  furthest_ = std::max(furthest_, begin);
  if (end > probed_) {  // the scene is longer than the caller knew
    // No sample of these frames has passed.
    const std::int64_t first = std::max(probed_, furthest_ + taps_ - 1);
    probed_ = 2 * std::max(first, end);
    add_probes(first, probed_, kFramesPerDoubling);
  }
  furthest_ = std::max(furthest_, end);
  std::erase_if(source.heard, [&](std::size_t v) { return scene_.voices[v].end <= begin; });
  for (; source.next < source.voices.size(); ++source.next) {
    const std::size_t v = source.voices[source.next];
    if (scene_.voices[v].begin >= end) break;
    if (scene_.voices[v].end > begin) source.heard.push_back(v);
  }
  for (const std::size_t v : source.heard) add(scene_.voices[v], begin, block);
  for (std::span<const float> rest = block; !rest.empty();) {
    const auto room = static_cast<std::size_t>(kEnergySamples - source.read % kEnergySamples);
    const auto part = rest.first(std::min(room, rest.size()));
    source.energies.resize(static_cast<std::size_t>(source.read / kEnergySamples) + 1);
    source.energies.back() += energy(part);
    source.read += std::ssize(part);
    rest = rest.subspan(part.size());
  }
  if (!block.empty()) latest_ = std::max(latest_, end);
}

/// Adds the share of a block, which begins at frame `begin`, as the voice lets it through. A faded
/// sample is rounded once, as the renderer rounds it.
void Verification::add(const Voice& voice, std::int64_t begin, std::span<const float> block) {
  const std::int64_t first = std::max(voice.begin, begin);
  const std::int64_t last = std::min(voice.end, begin + std::ssize(block));
  if (first >= last) return;
  std::span<const float> samples = block.subspan(static_cast<std::size_t>(first - begin),
                                                 static_cast<std::size_t>(last - first));
  const auto is_near = [&](const Probe& probe) {
    return probe.n >= first && probe.n < last + taps_ - 1;
  };
  if (std::ranges::none_of(probes_, is_near)) return;
  if (voice.fade_in > 0 || voice.fade_out > 0) {
    faded_.resize(samples.size());
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const double gain = gain_of(voice, first + static_cast<std::int64_t>(i));
      faded_[i] = static_cast<float>(gain * double{samples[i]});
    }
    samples = faded_;
  }
  const auto taps = load(voice.response);
  for (Probe& probe : probes_) {
    if (!is_near(probe)) continue;
    for (const Side side : kSides) {
      probe.exact[side] += definition(samples, first, (*taps)[side], probe.n);
    }
  }
}

void Verification::wet(Stereo<std::span<const float>> frames) {
  const std::lock_guard lock(mutex_);
  const std::int64_t end = frames_seen_ + std::ssize(frames.left);
  for (Probe& probe : probes_) {
    if (probe.n < frames_seen_ || probe.n >= end) continue;
    const auto n = static_cast<std::size_t>(probe.n - frames_seen_);
    for (const Side side : kSides) probe.seen[side] = frames[side][n];
  }
  frames_seen_ = end;
}

Method::Transform Verification::transform_of(const Method& method) const {
  if (method.is_direct) return {1, 1};
  if (!is_vectorised(method)) return method.transform(scene_.planned_length, taps_);
  const VectorisedPlan plan =
      VectorisedConvolver::plan(scene_.planned_length, taps_, scene_.voices);
  return {2 * plan.half, plan.partitions};
}

/// At least that of the samples in these frames.
double Verification::energy_of(const Source& source, std::int64_t begin, std::int64_t end) const {
  begin = std::max<std::int64_t>(begin - source.start, 0);
  end = std::min(end - source.start, source.read);
  double sum = 0;
  for (std::int64_t i = begin / kEnergySamples; i * kEnergySamples < end; ++i) {
    sum += source.energies[static_cast<std::size_t>(i)];
  }
  return sum;
}

/// Adds up what the voices can contribute to an error, from their samples between the frames
/// `begin` and `end`. The errors of voices that sound at the same time may be equal, and add up.
/// Voices that follow each other have different samples, and so have their errors: of these the
/// squares add up, twice where two overlap.
Verification::Limit Verification::limit_of(std::int64_t begin, std::int64_t end) {
  Limit limit;
  for (const Source& source : sources_) {
    Stereo<double> sums{}, squares{};
    for (const std::size_t v : source.voices) {
      const Voice& voice = scene_.voices[v];
      const std::int64_t first = std::max({voice.begin, begin, source.start});
      const std::int64_t last = std::min({voice.end, end, source.start + source.read});
      if (first >= last) continue;
      const double sound = energy_of(source, first, last);
      const Stereo<double> taps = energies_of(voice.response);
      for (const Side side : kSides) {
        sums[side] += std::sqrt(sound * taps[side]);
        squares[side] += sound * taps[side];
      }
      limit.voices += 1;
      limit.loudest = std::max({limit.loudest, sound, taps.left, taps.right});
      limit.is_faded = limit.is_faded || voice.fade_in > 0 || voice.fade_out > 0;
    }
    for (const Side side : kSides) {
      const double apart = 2 * std::sqrt(squares[side]);
      limit.norms[side] += source.overlaps ? sums[side] : std::min(sums[side], apart);
    }
  }
  return limit;
}

void Verification::check(const Method& method) {
  const std::int64_t frames = latest_ == 0 ? 0 : latest_ + taps_ - 1;
  if (frames_seen_ != frames) {
    blame(method, fmt::format("--verify: {} frames came where {} samples and {} taps make {}",
                              frames_seen_, latest_, taps_, frames));
  }
  const Method::Transform transform = transform_of(method);
  // Samples further away are in no transform with a frame: one of the first tap ends L after it,
  // and one of the last partition begins L before the last tap's.
  const std::int64_t L = transform.length;
  for (const Probe& probe : probes_) {
    if (probe.n >= frames_seen_) continue;
    const Limit limit =
        is_one_ ? limit_of(0, kForever) : limit_of(probe.n - taps_ - 2 * L, probe.n + L + 1);
    double bound = 0;
    if (is_one_) {
      bound = error_bound(method, latest_, taps_).peak;
    } else if (method.is_direct) {
      bound = (static_cast<double>(taps_) + limit.voices + 3) * kUnit;
    } else {
      const double partitions = static_cast<double>(transform.partitions) * limit.voices;
      bound = 1.5 * kUnit *
              std::sqrt(2 * std::log2(static_cast<double>(std::max<std::int64_t>(L, 2))) +
                        partitions / 2);
      if (limit.is_faded) bound += 3 * kUnit;
    }
    // Below the smallest normal number, each operation rounds by up to half of 2^-149. A later
    // product may enlarge this error.
    const double floor = static_cast<double>(taps_) * std::numeric_limits<float>::denorm_min() *
                         std::max(1.0, limit.voices) * std::max(1.0, std::sqrt(limit.loudest));
    for (const Side side : kSides) {
      const auto& [value, magnitude] = probe.exact[side];
      const double most = bound * (method.is_direct ? magnitude : limit.norms[side]) + floor;
      const double error = std::abs(double{probe.seen[side]} - value);
      if (error <= most) continue;
      blame(method,
            fmt::format("--verify: frame {} of the {} ear is {} and should be {:.9g} (off by "
                        "{:.2g}, limit {:.2g})",
                        probe.n, name(side), probe.seen[side], value, error, most));
    }
  }
}

std::int64_t Verification::samples() const {
  return 2 *
         std::ranges::count_if(probes_, [&](const Probe& probe) { return probe.n < frames_seen_; });
}

}  // namespace gpuconv
