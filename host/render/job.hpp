// job.hpp - one recording, one room, one output file
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/methods/choose.hpp"
#include "host/read/source_options.hpp"
#include "host/render/frame_range.hpp"
#include "host/render/noise.hpp"
#include "host/render/progress.hpp"
#include "host/render/renderer.hpp"
#include "host/render/routing.hpp"
#include "host/render/scene_request.hpp"
#include "host/render/target_level.hpp"
#include "host/room/crop.hpp"
#include "host/room/mix.hpp"
#include "host/room/response.hpp"
#include "host/write/output_format.hpp"
#include "host/write/write_report.hpp"

namespace gpuconv {

class ConvolverCache;
class CostModel;
class ResponseCache;
class SoundCache;

enum class RatePolicy { resample, error };

/// Where OUTPUT begins.
enum class Align {
  none,   ///< with the recording: the direct sound arrives as late as in the response
  direct  ///< with the direct sound, which is in time with the recording: see onset.hpp
};

/// What a batch has drawn for a job: see host/batch/draw.hpp.
struct Drawn {
  std::uint64_t seed = 0;
  std::uint64_t key = 0;
  int copy = 1;                             ///< of the jobs of one line
  std::optional<std::int64_t> measurement;  ///< of the SOFA file
};

/// A part of the response: up to the last tap that comes no later than some time after the direct
/// sound, or from the next one on. Together they are the whole.
enum class Stretch { whole, early, late };
std::string_view name(Stretch stretch);

struct StretchOutput {
  Stretch stretch = Stretch::early;
  double milliseconds = 0;  ///< after the direct sound
};

/// What the user asks for.
struct Job {
  std::string input;
  SourceOptions source_options;

  std::string response;
  ResponseOptions response_options;
  RatePolicy rate_policy = RatePolicy::resample;
  /// What becomes of an INPUT with several channels if none of them is chosen.
  Layout layout = Layout::automatic;
  std::optional<Routing> routing;  ///< instead of a layout
  /// Instead of INPUT and RESPONSE; `response_options` are those of all voices, and `mix` is heard
  /// of each.
  std::optional<SceneRequest> scene;
  std::string trajectory;  ///< of the source, in a SOFA file; "": it rests. See track.hpp
  std::string head;        ///< how the head turns, for all voices; "": it rests
  /// A second response that all is heard through, the left ear's by the left ear: "" if none.
  std::string then;
  Crop crop;  ///< of every response but `then`
  Mix mix;

  std::string output;
  OutputFormat format;
  bool no_clobber = false;
  bool makes_folder = false;  ///< creates the folder of OUTPUT
  WetLength length = WetLength::full;
  Align align = Align::none;
  /// Further outputs, with a stretch of the response and with the level and length of the first
  /// one: see stretch_output(). At most one of each kind.
  std::vector<StretchOutput> stretches;
  std::optional<int> output_rate;    ///< Hz; absent: that of the recording
  std::optional<Noise> noise;        ///< added to the wet sound
  std::optional<TargetLevel> level;  ///< of the whole result, noise included

  /// Everything that the job reads.
  std::vector<std::string> inputs() const;

  Request request;
  bool falls_back_to_cpu = false;  ///< if the GPU fails, starts again without it
  bool verify = false;             ///< compares random samples with the definition

  std::optional<Drawn> drawn;  ///< for the report

  // What several jobs of one process share.
  std::shared_ptr<ResponseCache> responses;    ///< null: the job has its own
  std::shared_ptr<ConvolverCache> convolvers;  ///< null: the job plans anew
  std::shared_ptr<SoundCache> sounds;          ///< null: the job decodes its noise
  std::shared_ptr<const CostModel> speeds;     ///< null: resolve() looks for a calibration
  std::optional<Devices> devices;              ///< absent: resolve() asks CUDA
  WatchProgress watch;                         ///< may be empty
};

struct SourceReport {
  int rate = 0;                   ///< Hz
  std::int64_t samples = 0;       ///< N
  bool has_more_samples = false;  ///< a dry run does not read a pipe to its end
  Repairs repairs;
};

/// A source or a head that moves.
struct MovementReport {
  std::size_t directions = 0;  ///< responses
  std::size_t stretches = 0;   ///< of the source, each with one of them
};

struct ResponseReport {
  std::string description;
  std::optional<Direction> direction;  ///< of the measurement of a SOFA file
  Repairs repairs;
  std::vector<std::string> warnings;  ///< see Response
  std::optional<FarMeasurement> far;  ///< see Response
  int file_rate = 0;                  ///< before conversion
  std::int64_t file_taps = 0;         ///< before conversion
  std::int64_t taps = 0;              ///< K, with predelay and after conversion
  std::int64_t direct_sound = 0;      ///< frames until it arrives, after conversion, no predelay
  std::optional<double> unit_energy_gain_db =
      std::nullopt;  ///< what --unit-energy did to both ears
  std::optional<MovementReport> movement = std::nullopt;
};

/// One voice of a scene.
struct VoiceReport {
  SourceReport source;  ///< `rate` is that of the scene, `samples` are counted at it
  int source_rate = 0;  ///< of the file, Hz
  ResponseReport response;
  /// After run(): of the source itself, as it was read, at the rate of the scene.
  std::optional<SoundLevel> level;
  std::optional<WriteReport> stem;  ///< of the voice alone, at the ears
  std::optional<SoundLevel>
      at_ears;  ///< of what the stem holds: the louder ear's peak, rms of both
};

struct JobReport {
  /// Of a scene: its rate, and how long it lasts without the last tail.
  SourceReport source;
  /// Of several voices: of the first one, with the taps of the longest.
  ResponseReport response;
  std::vector<VoiceReport> voices;  ///< of a scene
  std::optional<Routing> routing;   ///< of an INPUT of which several channels are heard
  std::optional<ResponseReport> then;
  std::vector<std::string> warnings;  ///< of the job as a whole; each names what it is about
  int passes = 1;                     ///< in which the voices of a scene were rendered
  Choice choice;
  std::string calibration_warning;  ///< why gpuconv ignored a calibration; or empty
  std::string why_fallback;         ///< how the GPU failed; or empty

  // After run():
  RenderReport render;
  std::optional<NoiseReport> noise;
  std::optional<double> level_gain_db;  ///< what --level or --norm did to both ears
  std::int64_t verified_samples = 0;
  std::optional<WriteReport> written;
  std::vector<std::string> older_outputs;  ///< see older_outputs()
  struct StretchReport {
    std::int64_t taps = 0;               ///< of the response with which it was made
    std::optional<WriteReport> written;  ///< after run()
  };
  std::vector<StretchReport> stretches;  ///< as in the job
  double gpu_start_seconds = 0;          ///< creating the CUDA context, once in a process
  /// Planning and convolving: without the above, and without the time in which gpuconv reads INPUT
  /// or writes OUTPUT. What the GPU does meanwhile does not count.
  double convolve_seconds = 0;
  double seconds = 0;  ///< from resolve() until OUTPUT is complete
};

/// "clip.wav" has its early part in "clip.early.wav", and so on.
std::string stretch_output(const std::string& output, Stretch stretch);
std::vector<std::string> stretch_outputs(const std::string& output,
                                         const std::vector<StretchOutput>& stretches);

/// "scene.wav" has the voice "talker" alone in "scene.stem-talker.wav".
std::string stem_output(const std::string& output, const std::string& id);

/// All files that the job writes, OUTPUT first.
std::vector<std::string> outputs_of(const Job& job);

/// Files beside OUTPUT with the names of further outputs that the job does not write: another run
/// with the same OUTPUT had --early, --late or --stems. gpuconv leaves them, since anybody may have
/// made them, but they do not belong to what OUTPUT holds now.
std::vector<std::string> older_outputs(const Job& job);

/// Samples that PCM had to limit, in all outputs.
std::int64_t clipped_samples(const JobReport& report);

}  // namespace gpuconv
