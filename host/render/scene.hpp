// scene.hpp - a job with its files opened: sources, responses, and who is heard through what
//
// `render` is the scene of one voice. An INPUT with several channels is one of several voices that
// share a recording.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "host/methods/voice.hpp"
#include "host/render/dry_source.hpp"
#include "host/render/job.hpp"
#include "host/render/recording.hpp"

namespace gpuconv {

struct MovingVoices;

/// The responses through which one voice is heard: a single one, or those of its directions.
struct VoiceResponses {
  SceneResponses whole;        ///< at the rate of the scene, with the mix applied
  SceneResponses early, late;  ///< as many, of the stretches that the job asks for
  std::int64_t latency = 0;    ///< frames before time zero, the same for all of them

  const SceneResponses& of(Stretch stretch) const {
    return stretch == Stretch::early ? early : stretch == Stretch::late ? late : whole;
  }
};

/// One voice as it was asked for. To the engine it may be several: each is a stretch of the source
/// with a response of its own.
struct Part {
  std::size_t source = 0;  ///< of Scene::sources
  std::shared_ptr<const VoiceResponses> responses;
  std::shared_ptr<const MovingVoices> moving;  ///< null: source and head rest
  std::vector<Voice> voices{Voice{}};  ///< `response` is one of `responses`; `source` is ignored
};

struct Scene {
  int rate = 0;  ///< Hz
  std::vector<std::unique_ptr<Recording>> recordings;
  std::vector<std::unique_ptr<DrySource>> sources;
  std::vector<Part> parts;
  std::int64_t latency = 0;  ///< the largest: other responses get silence before
  std::int64_t first = 0;    ///< wet frames before OUTPUT begins, `latency` included
  std::int64_t taps = 0;     ///< K of the longest response, with that silence

  /// Frames until the last source ends; from kEndless on, any number will do.
  std::int64_t length() const;
  /// The same, if it is known and anything else would be an error.
  std::optional<std::int64_t> exact_length() const;
  /// At least so many there are, by what has been read; all of them at the end. With `wanted`, of
  /// these sources.
  std::int64_t known_length() const;
  std::int64_t known_length(std::span<const std::size_t> wanted) const;
  bool has_more() const;

  /// These sources begin again, and no others will be read.
  void restart(std::span<const std::size_t> wanted);
};

/// Throws as open_scene() does unless the job has a use for the channels of INPUT, by its head and
/// that of RESPONSE, and chooses one of them. `job` outlives it.
ChooseChannels heard_channels(const Job& job);

/// Opens all files of `job`, and reports what is known of them. Throws Error.
Scene open_scene(const Job& job, JobReport& report);

/// Reports what is known once all sources have been read.
void report_sources(const Scene& scene, JobReport& report);

/// Warns of tables of movement in which nothing changes while their voices are heard: of those
/// whose lengths are known beforehand, or, once all `is_over`, of the others.
void report_rests(const Scene& scene, const Job& job, JobReport& report, bool is_over);

}  // namespace gpuconv
