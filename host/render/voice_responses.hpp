// voice_responses.hpp - responses as they are heard: converted, mixed, through a second one
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "host/methods/voice.hpp"
#include "host/render/job.hpp"
#include "host/render/moving_voices.hpp"
#include "host/room/mix.hpp"
#include "host/room/response.hpp"
#include "host/room/response_cache.hpp"

namespace gpuconv {

/// A response that has been read and converted, but not mixed.
struct OpenedResponse {
  std::shared_ptr<const Response> response;
  ResponseReport report;
};

/// In whole frames after time zero, and among the taps.
std::int64_t whole_direct_sound(const Response& response);

/// Reads the response, unless it is `loaded`, and converts it to `rate`, which is that of `input`.
/// Throws FileError.
OpenedResponse open_response(const Job& job, const std::string& path,
                             const ResponseOptions& options,
                             const std::shared_ptr<const Response>& loaded, int rate,
                             const std::string& input, ResponseCache& cache);

/// The voices of a source that moves as `trajectory` says, or rests where `options` say if it is
/// "", while the head moves as `job` says. The source ends at frame `end`. Throws FileError, and
/// UsageError for options that do not go with movement.
std::shared_ptr<const MovingVoices> open_movement(const Job& job, const std::string& path,
                                                  ResponseOptions options,
                                                  const std::string& trajectory, std::int64_t end,
                                                  int rate, const std::string& input);

/// The first of its responses, with a report on all.
OpenedResponse first_response(const MovingVoices& moving);

/// How the taps of a response are made, any number of times.
struct Recipe {
  std::shared_ptr<ResponseCache> cache;
  std::string path;
  ResponseOptions options;
  std::shared_ptr<const Response> converted;   ///< null: read and converted again
  std::shared_ptr<const MovingVoices> moving;  ///< instead, with several responses; or null
  int rate = 0;
  Crop crop;  ///< of what is read again; `converted` is cropped
  Mix mix;
  int dry_frames = 0;  ///< after time zero, the dry signal comes
  std::shared_ptr<const Response> then;

  /// The same for voices of one scene whose taps are the same; or empty.
  std::string key() const;

  std::size_t count() const { return moving ? moving->responses.count : 1; }

  /// One of so many. `stretch`: the first `taps`, or all but those.
  Response make(std::size_t number, Stretch stretch, std::int64_t taps) const;
};

/// The taps of the responses of a scene: kept after their first use up to a limit, made again each
/// time beyond it.
class KeptTaps {
 public:
  static constexpr std::int64_t kBytes = std::int64_t{256} << 20;

  /// K is how many `recipe` makes. What the result loads throws FileError if the file has become
  /// another one.
  SceneResponses of(const std::shared_ptr<const Recipe>& recipe, std::int64_t K,
                    Stretch stretch = Stretch::whole, std::int64_t taps = 0);

 private:
  std::int64_t bytes_ = 0;
};

}  // namespace gpuconv
