#include "host/render/scene.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "cuda/methods/lengths.hpp"
#include "host/base/error.hpp"
#include "host/base/levels.hpp"
#include "host/files/input_file.hpp"
#include "host/files/location.hpp"
#include "host/read/foreign.hpp"
#include "host/render/voice_responses.hpp"
#include "host/room/resample.hpp"
#include "host/room/response_cache.hpp"

namespace gpuconv {
namespace {

/// Files of a scene that stay open from the first look at them on.
constexpr std::size_t kOpenFiles = 64;

/// Makes scenes: what their voices have in common.
class SceneMaker {
 public:
  SceneMaker(const Job& job, JobReport& report)
      : job_(job),
        report_(report),
        cache_(job.responses ? job.responses : std::make_shared<ResponseCache>()) {}

  Scene of_render() {
    std::optional<ResponseChannels> channels;
    std::optional<Routing> routing;
    std::vector<int> used;
    const auto choose = [&](const AudioFormat& format) {
      if (!job_.routing && (job_.source_options.channel || format.channels == 1)) {
        used = one_channel(job_.input, job_.source_options)(format);
      } else {
        routing = route(format, channels);
        for (const Route& each : routing->routes) {
          if (std::ranges::count(used, each.channel) == 0) used.push_back(each.channel);
        }
      }
      return used;
    };
    scene_.recordings.push_back(
        std::make_unique<Recording>(job_.input, job_.source_options, choose));
    const Recording& recording = *scene_.recordings.front();
    scene_.rate = recording.format().rate;
    for (std::size_t i = 0; i < used.size(); ++i) add_source(0, i, 0, false);
    open_then();
    if (!routing && moves(job_.trajectory)) {
      add_moving_voice(0, job_.mix,
                       open_movement(job_, job_.response, job_.response_options, job_.trajectory,
                                     scene_.sources.front()->exact_length().value_or(kForever),
                                     scene_.rate, job_.input));
    } else if (!routing) {
      add_voice(0, job_.mix,
                open_response(job_, job_.response, job_.response_options, nullptr, scene_.rate,
                              job_.input, *cache_));
    } else {
      for (std::size_t i = 0; i < routing->routes.size(); ++i) {
        add_route(*routing, i, *channels, used);
      }
      report_.routing = std::move(routing);
    }
    finish();
    report_first();
    if (report_.routing) report_route_warnings();
    return std::move(scene_);
  }

  Scene of_scene() {
    const SceneRequest& request = *job_.scene;
    open_recordings(request);
    open_then();
    report_.voices.resize(request.voices.size());
    for (std::size_t v = 0; v < request.voices.size(); ++v) {
      const VoiceRequest& voice = request.voices[v];
      name_voice(voice.name, voice.input, [&] { add_scene_voice(voice, v); });
    }
    const bool turns =
        std::ranges::any_of(scene_.parts, [](const Part& part) { return part.moving != nullptr; });
    if (!job_.head.empty() && !turns) {
      throw UsageError(
          fmt::format("--head {}: no voice of {} has the directions of a SOFA file, so "
                      "that none would turn",
                      job_.head, input_name(request.file)));
    }
    finish();
    for (std::size_t v = 0; v < request.voices.size(); ++v) {
      report_.voices[v].response = responses_[v].report;
    }
    report_first();
    return std::move(scene_);
  }

 private:
  // ---- an INPUT with several channels -----------------------------------------------------------

  Routing route(const AudioFormat& format, std::optional<ResponseChannels>& channels) {
    const std::string input = input_name(job_.input);
    if (job_.routing && is_sofa(job_.response)) {
      throw UsageError("--routing: chooses channels of an audio file, and " + job_.response +
                       " is a SOFA file; 'gpuconv scene' gives each channel a direction");
    }
    if (is_sofa(job_.response)) {
      throw FileError(input, fmt::format("has {} channels where one is needed for a direction of a "
                                         "SOFA file; --channel N takes one of them, and 'gpuconv "
                                         "scene' gives each a direction",
                                         format.channels));
    }
    if (moves(job_.trajectory)) {
      throw FileError(job_.response,
                      "a source or a head that moves needs the directions of a SOFA file");
    }
    channels = load_channels(job_.response, job_.response_options);
    const auto count = static_cast<int>(channels->channels.size());
    if (job_.routing) {
      return checked_routing(*job_.routing, format.channels, count);
    }
    try {
      return routing_for(job_.layout, format.channels, format.channel_mask, count);
    } catch (const UsageError& error) {
      throw FileError(input, error.what());
    }
  }

  void add_route(Routing& routing, std::size_t i, const ResponseChannels& channels,
                 const std::vector<int>& used) {
    Route& route = routing.routes[i];
    Mix mix = job_.mix;
    const auto earlier = std::span(routing.routes).first(i);
    if (std::ranges::count(earlier, route.channel, &Route::channel) > 0) {
      mix.dry_db.reset();  // it is heard once, however many responses the channel has
    } else if (mix.dry_db) {
      mix.hears_dry = dry_ears(routing, route, scene_.recordings.front()->format().channels);
    }
    auto pair = response_of(channels, route.left, route.right);
    if (is_silent(pair)) {
      const std::string channels_of_pair =
          route.left == route.right
              ? fmt::format("channel {} is", route.left)
              : fmt::format("channels {} and {} are", route.left, route.right);
      pair.warnings.push_back(
          fmt::format("its {} silent, so that {}", channels_of_pair,
                      mix.dry_db ? "only the dry signal is heard there" : "this is not heard"));
    }
    const auto source = std::ranges::find(used, route.channel) - used.begin();
    add_voice(static_cast<std::size_t>(source), mix,
              open_response(job_, job_.response, job_.response_options,
                            std::make_shared<const Response>(std::move(pair)), scene_.rate,
                            job_.input, *cache_));
    route.unit_energy_gain_db = responses_.back().report.unit_energy_gain_db;
  }

  /// Those of all responses, with the channel that is heard through each.
  void report_route_warnings() {
    std::vector<std::string>& warnings = report_.response.warnings;
    warnings.clear();
    report_.response.unit_energy_gain_db.reset();  // each route has its own
    for (std::size_t i = 0; i < responses_.size(); ++i) {
      for (const std::string& warning : responses_[i].report.warnings) {
        warnings.push_back(
            fmt::format("channel {} of INPUT: {}", report_.routing->routes[i].channel, warning));
      }
    }
  }

  // ---- the recordings of a scene ----------------------------------------------------------------

  /// Voices that share a file and their start read it side by side.
  struct Shared {
    std::vector<std::optional<int>> channels;
    std::vector<std::size_t> sources;  ///< of the channels
  };

  void open_recordings(const SceneRequest& request) {
    std::map<std::pair<std::string, double>, Shared> shared;
    std::map<std::string, std::string> pipes;  // and the voice that reads it
    for (const VoiceRequest& voice : request.voices) {
      Shared& one = shared[{voice.input, voice.start}];
      const bool is_new = one.channels.empty();
      if (is_new && is_special_file(voice.input) &&
          !pipes.try_emplace(voice.input, voice.name).second) {
        throw FileError(voice.name, fmt::format("can be read only once, and {} reads it from "
                                                "another start on",
                                                pipes[voice.input]));
      }
      if (std::ranges::count(one.channels, voice.channel) == 0) {
        one.channels.push_back(voice.channel);
      }
    }
    allow_open_files(shared.size());
    for (std::size_t v = 0; v < request.voices.size(); ++v) {
      const VoiceRequest& voice = request.voices[v];
      Shared& one = shared[{voice.input, voice.start}];
      if (one.sources.empty()) open_recording(voice, one);
      const auto channel = std::ranges::find(one.channels, voice.channel) - one.channels.begin();
      source_of_.push_back(one.sources[static_cast<std::size_t>(channel)]);
    }
  }

  void open_recording(const VoiceRequest& voice, Shared& shared) {
    const auto choose = [&](const AudioFormat& format) {
      std::vector<int> chosen;
      for (const auto& channel : shared.channels) {
        SourceOptions options = job_.source_options;
        options.channel = channel;
        options.is_of_scene = true;
        chosen.push_back(one_channel(voice.input, options)(format).front());
      }
      return chosen;
    };
    scene_.recordings.push_back(
        std::make_unique<Recording>(voice.input, job_.source_options, choose, voice.name));
    Recording& recording = *scene_.recordings.back();
    if (scene_.rate == 0) scene_.rate = job_.scene->rate.value_or(recording.format().rate);
    name_voice(voice.name, voice.input, [&] {
      if (recording.format().rate != scene_.rate && job_.rate_policy == RatePolicy::error) {
        throw FileError(input_name(voice.input),
                        fmt::format("{} Hz, but the scene has {} Hz (--rate-policy error)",
                                    recording.format().rate, scene_.rate));
      }
      const std::int64_t start = std::llround(voice.start * scene_.rate);
      for (std::size_t i = 0; i < shared.channels.size(); ++i) {
        shared.sources.push_back(add_source(scene_.recordings.size() - 1, i, start, true));
      }
    });
    if (scene_.recordings.size() > kOpenFiles) recording.close_until_read();
  }

  /// All sources that sound at a time are open at a time.
  static void allow_open_files(std::size_t files) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 4 * files + 64) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }

  std::size_t add_source(std::size_t recording, std::size_t channel, std::int64_t start,
                         bool is_measured) {
    scene_.sources.push_back(std::make_unique<DrySource>(*scene_.recordings[recording], channel,
                                                         scene_.rate, start, is_measured));
    return scene_.sources.size() - 1;
  }

  // ---- the responses ----------------------------------------------------------------------------

  void add_scene_voice(const VoiceRequest& voice, std::size_t v) {
    ResponseOptions options = job_.response_options;
    if (voice.sofa != SofaOptions{} && !is_special_file(voice.response) &&
        !is_sofa(voice.response)) {
      throw FileError(voice.response,
                      "is not a SOFA file, and azimuth, elevation and distance choose a direction "
                      "of one");
    }
    if (voice.sofa.azimuth) options.sofa.azimuth = voice.sofa.azimuth;
    if (voice.sofa.elevation) options.sofa.elevation = voice.sofa.elevation;
    if (voice.sofa.distance) options.sofa.distance = voice.sofa.distance;
    if (!is_sofa(voice.response)) options.sofa = {};
    Mix mix = job_.mix;
    mix.gain_db += voice.gain_db;
    const std::size_t source = source_of_[v];
    const DrySource& dry = *scene_.sources[source];
    const Recording& recording = dry.recording();
    report_.voices[v].source = {scene_.rate, dry.length(), recording.has_more(),
                                recording.repairs()};
    report_.voices[v].source_rate = recording.format().rate;
    const bool has_directions = is_sofa(voice.response);
    if (!voice.trajectory.empty() || (has_directions && moves(voice.trajectory))) {
      const auto exact = dry.exact_length();
      return add_moving_voice(
          source, mix,
          open_movement(job_, voice.response, options, voice.trajectory,
                        exact ? dry.start() + *exact : kForever, scene_.rate, "the scene"));
    }
    OpenedResponse opened =
        open_response(job_, voice.response, options, nullptr, scene_.rate, "the scene", *cache_);
    if (!job_.head.empty()) not_turning_.push_back(v);
    add_voice(source, mix, std::move(opened), options,
              is_special_file(voice.response) ? "" : voice.response);
  }

  bool moves(const std::string& trajectory) const {
    return !trajectory.empty() || !job_.head.empty();
  }

  void open_then() {
    if (job_.then.empty()) return;
    ResponseOptions options;
    options.nonfinite = job_.response_options.nonfinite;
    options.truncated = job_.response_options.truncated;
    options.formats = job_.response_options.formats;
    options.both_ears = true;
    const OpenedResponse opened = open_response(job_, job_.then, options, nullptr, scene_.rate,
                                                job_.scene ? "the scene" : job_.input, *cache_);
    then_ = opened.response;
    report_.then = opened.report;
    report_.then->taps = std::ssize(then_->taps.left);
  }

  /// `again`: where the response can be read once more; otherwise it is kept.
  void add_voice(std::size_t source, const Mix& mix, OpenedResponse opened,
                 const ResponseOptions& options = {}, const std::string& again = "") {
    Recipe recipe;
    recipe.cache = cache_;
    recipe.path = again;
    recipe.options = options;
    recipe.rate = scene_.rate;
    recipe.crop = job_.crop;
    recipe.mix = mix;
    recipe.then = then_;
    if (job_.crop != Crop{}) crop(opened);
    if (again.empty()) recipe.converted = opened.response;
    if (mix.has_unit_energy) {
      opened.report.unit_energy_gain_db = dbfs(unit_energy_factor(*opened.response));
    }
    Part part;
    part.source = source;
    scene_.parts.push_back(std::move(part));
    const std::int64_t K = std::ssize(opened.response->taps.left);
    std::int64_t sounding = K;
    while (sounding > 0 && is_zero(opened.response->taps, sounding - 1)) --sounding;
    sizes_.push_back({K, sounding, opened.response->latency_frames});
    recipes_.push_back(std::make_shared<Recipe>(std::move(recipe)));
    opened.response.reset();
    responses_.push_back(std::move(opened));
  }

  static bool is_zero(const Stereo<Signal>& taps, std::int64_t k) {
    const auto i = static_cast<std::size_t>(k);
    return taps.left[i] == 0 && taps.right[i] == 0;
  }

  void crop(OpenedResponse& opened) const {
    const std::size_t known = opened.response->warnings.size();
    Response part = cropped(*opened.response, job_.crop, is_silent(*opened.response));
    for (std::size_t i = known; i < part.warnings.size(); ++i) {
      opened.report.warnings.push_back(part.warnings[i]);
    }
    opened.report.direct_sound = whole_direct_sound(part);
    opened.response = std::make_shared<const Response>(std::move(part));
  }

  void add_moving_voice(std::size_t source, const Mix& mix,
                        const std::shared_ptr<const MovingVoices>& moving) {
    add_voice(source, mix, first_response(*moving));
    sizes_.back().sounding = sizes_.back().taps;  // of other directions
    recipes_.back()->converted = nullptr;
    recipes_.back()->moving = moving;
    scene_.parts.back().moving = moving;
    scene_.parts.back().voices = moving->voices;
  }

  /// What depends on all voices: where time zero is, and how long the longest response.
  void finish() {
    std::int64_t first_arrival = kForever;
    for (std::size_t p = 0; p < responses_.size(); ++p) {
      if (sizes_[p].sounding == 0) continue;  // nothing arrives
      first_arrival = std::min(first_arrival, responses_[p].report.direct_sound);
    }
    if (first_arrival == kForever) first_arrival = responses_.front().report.direct_sound;
    const bool is_aligned = job_.align == Align::direct;
    const std::int64_t predelay = parse_duration(job_.mix.predelay, scene_.rate, "--predelay");
    const std::int64_t then_taps = then_ ? std::ssize(then_->taps.left) : 1;
    const std::int64_t then_latency = then_ ? then_->latency_frames : 0;
    std::map<std::string, std::shared_ptr<const VoiceResponses>> known;
    for (std::size_t p = 0; p < scene_.parts.size(); ++p) {
      ResponseReport& report = responses_[p].report;
      Recipe& recipe = *recipes_[p];
      // The dry signal, which mixed() puts at time zero, meets the direct sound.
      if (is_aligned) recipe.dry_frames = static_cast<int>(first_arrival);
      const std::int64_t mixed_taps = sizes_[p].taps + predelay;
      report.taps = mixed_taps + then_taps - 1;
      const std::string key = recipe.key();
      if (const auto found = known.find(key); !key.empty() && found != known.end()) {
        scene_.parts[p].responses = found->second;
        continue;
      }
      auto voice = std::make_shared<VoiceResponses>();
      voice->latency = sizes_[p].latency + then_latency;
      voice->whole = taps_.of(recipes_[p], report.taps);
      report_.stretches.resize(job_.stretches.size());
      for (std::size_t i = 0; i < job_.stretches.size(); ++i) {
        const auto& [stretch, milliseconds] = job_.stretches[i];
        const std::int64_t after = std::llround(milliseconds * scene_.rate / 1000);
        const std::int64_t arrival = sizes_[p].latency + report.direct_sound + predelay;
        const std::int64_t first = std::min<std::int64_t>(arrival + after + 1, mixed_taps);
        const bool is_early = stretch == Stretch::early;
        SceneResponses& to = is_early ? voice->early : voice->late;
        to = taps_.of(recipes_[p], is_early ? first + then_taps - 1 : report.taps, stretch, first);
        std::int64_t& taps = report_.stretches[i].taps;
        taps = std::max(taps, is_early ? first : mixed_taps - first);
      }
      known[key] = voice;
      scene_.parts[p].responses = std::move(voice);
    }
    warn_of_whole_stretches();
    warn_of_head();
    for (const Part& part : scene_.parts) {
      scene_.latency = std::max(scene_.latency, part.responses->latency);
    }
    for (const Part& part : scene_.parts) {
      scene_.taps = std::max(
          scene_.taps, part.responses->whole.longest + scene_.latency - part.responses->latency);
    }
    scene_.first = scene_.latency + (is_aligned ? first_arrival : 0);
  }

  /// Once, however many voices turn with it.
  void warn_of_head() {
    const auto turning = std::ranges::find_if(
        scene_.parts, [](const Part& part) { return part.moving && part.moving->motion.head; });
    if (turning == scene_.parts.end()) return;
    if (const std::string& warning = turning->moving->motion.head->warning; !warning.empty()) {
      report_.warnings.push_back(warning);
    }
    if (not_turning_.empty()) return;
    const VoiceRequest& first = job_.scene->voices[not_turning_.front()];
    const std::size_t others = not_turning_.size() - 1;
    report_.warnings.push_back(fmt::format(
        "{}: is not a SOFA file, so that voice {}{} not turn with the head", first.response,
        not_turning_.front() + 1,
        others == 0 ? " does" : fmt::format(" and {} more, without one either, do", others)));
  }

  /// Where every response ends before a stretch does, or before it begins.
  void warn_of_whole_stretches() {
    std::int64_t longest = 0;  // after the direct sound
    for (std::size_t p = 0; p < scene_.parts.size(); ++p) {
      longest = std::max(
          longest, sizes_[p].sounding - 1 - sizes_[p].latency - responses_[p].report.direct_sound);
    }
    for (const auto& [stretch, milliseconds] : job_.stretches) {
      if (longest > std::llround(milliseconds * scene_.rate / 1000)) continue;
      report_.warnings.push_back(fmt::format(
          "--{} {:g}: {} sounds longer than {:.1f} ms after its direct sound, so that the {} "
          "output "
          "{}",
          name(stretch), milliseconds,
          scene_.parts.size() == 1 ? "the response never" : "no response",
          1000.0 * static_cast<double>(std::max<std::int64_t>(longest, 0)) / scene_.rate,
          name(stretch), stretch == Stretch::early ? "holds all of it" : "is silent"));
    }
  }

  /// The first response speaks for all.
  void report_first() {
    report_.response = responses_.front().report;
    report_.response.taps = scene_.taps;
    if (job_.align == Align::direct) report_.response.direct_sound = scene_.first - scene_.latency;
  }

  const Job& job_;
  JobReport& report_;
  std::shared_ptr<ResponseCache> cache_;
  Scene scene_;
  KeptTaps taps_;
  std::shared_ptr<const Response> then_;
  std::vector<std::size_t> not_turning_;  // voices that have no directions, where the head turns
  std::vector<std::size_t> source_of_;    ///< of each voice of a scene
  struct Size {
    std::int64_t taps;
    std::int64_t sounding;  ///< up to the last tap that is not 0
    std::int64_t latency;
  };
  // Of each part:
  std::vector<Size> sizes_;
  std::vector<std::shared_ptr<Recipe>> recipes_;
  std::vector<OpenedResponse> responses_;
};

}  // namespace

std::int64_t Scene::length() const {
  std::int64_t length = 0;
  for (const auto& source : sources) length = std::max(length, source->start() + source->length());
  return length;
}

std::optional<std::int64_t> Scene::exact_length() const {
  std::int64_t length = 0;
  for (const auto& source : sources) {
    const auto exact = source->exact_length();
    if (!exact) return std::nullopt;
    length = std::max(length, source->start() + *exact);
  }
  return length;
}

std::int64_t Scene::known_length() const {
  std::vector<std::size_t> all(sources.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return known_length(all);
}

std::int64_t Scene::known_length(std::span<const std::size_t> wanted) const {
  std::int64_t length = 0;
  for (const std::size_t s : wanted) {
    const DrySource& source = *sources[s];
    // Every source has a sample, also one that has not begun.
    const std::int64_t begun = source.start() > 0 ? 1 : 0;
    length = std::max(length, source.start() + std::max(begun, source.samples_read()));
  }
  return length;
}

bool Scene::has_more() const {
  return std::ranges::any_of(recordings, [](const auto& one) { return one->has_more(); });
}

void Scene::restart(std::span<const std::size_t> wanted) {
  for (const auto& recording : recordings) recording->restart();
  for (const std::size_t s : wanted) sources[s]->restart();
}

ChooseChannels heard_channels(const Job& job) {
  return [&job](const AudioFormat& format) {
    const bool is_one = format.channels == 1 || job.source_options.channel;
    if (!is_one && !is_sofa(job.response)) {
      const int pairs =
          AudioReader(job.response, job.response_options.truncated, job.response_options.formats)
              .format()
              .channels;
      try {
        if (!job.routing) routing_for(job.layout, format.channels, format.channel_mask, pairs);
        return std::vector<int>{1};  // for its length, all are the same
      } catch (const UsageError&) {
        // One channel is needed, as one_channel() says.
      }
    }
    return one_channel(job.input, job.source_options)(format);
  };
}

Scene open_scene(const Job& job, JobReport& report) {
  SceneMaker maker(job, report);
  Scene scene = job.scene ? maker.of_scene() : maker.of_render();
  const Repairs repairs = job.scene ? Repairs{} : scene.recordings.front()->repairs();
  report.source = {scene.rate, scene.length(), scene.has_more(), {0, "", repairs.remark}};
  return scene;
}

namespace {

struct HeardTime {
  double begin = 0, end = 0;  // seconds
};

/// "3725.25", "3": to a hundredth.
std::string seconds(double time) { return fmt::format("{}", std::round(100 * time) / 100); }

/// "walk.csv: holds no movement from 0 to 3 s, ..."
std::string rest_warning(const Track& track, const HeardTime& time, const std::string& who) {
  return fmt::format(
      "{}: holds no movement from {} to {} s, while {} heard; its rows are at {} to {} s",
      track.name, seconds(time.begin), seconds(time.end), who, seconds(track.rows.front().seconds),
      seconds(track.rows.back().seconds));
}

}  // namespace

void report_rests(const Scene& scene, const Job& job, JobReport& report, bool is_over) {
  const Track* head = nullptr;
  bool is_head_known = true, turns = false;
  HeardTime all{std::numeric_limits<double>::infinity(), 0};
  for (std::size_t p = 0; p < scene.parts.size(); ++p) {
    const Part& part = scene.parts[p];
    if (!part.moving) continue;
    const DrySource& source = *scene.sources[part.source];
    const auto exact = source.exact_length();
    const auto length = exact.value_or(is_over ? source.samples_read() : 0);
    const HeardTime time{static_cast<double>(source.start()) / scene.rate,
                         static_cast<double>(source.start() + length) / scene.rate};
    const Motion& motion = part.moving->motion;
    const bool is_due = exact.has_value() != is_over;
    if (motion.source && is_due && motion.source->changes() &&
        !motion.source->changes(time.begin, time.end)) {
      report.warnings.push_back(rest_warning(
          *motion.source, time,
          job.scene ? job.scene->voices[p].name + " is" : std::string("the recording is")));
    }
    if (!motion.head) continue;
    head = &*motion.head;
    is_head_known = is_head_known && exact;
    turns = turns || head->changes(time.begin, time.end);
    all = {std::min(all.begin, time.begin), std::max(all.end, time.end)};
  }
  const bool is_due = is_head_known != is_over;
  if (head == nullptr || !is_due || turns || !head->changes()) return;
  report.warnings.push_back(
      rest_warning(*head, all, job.scene ? "the voices are" : "the recording is"));
}

void report_sources(const Scene& scene, JobReport& report) {
  report.source.samples = scene.known_length();
  report.source.has_more_samples = false;
  if (report.voices.empty()) report.source.repairs = scene.recordings.front()->repairs();
  for (std::size_t v = 0; v < report.voices.size(); ++v) {
    const DrySource& source = *scene.sources[scene.parts[v].source];
    VoiceReport& voice = report.voices[v];
    voice.source = {scene.rate, source.samples_read(), false, source.recording().repairs()};
    voice.level = source.level();
  }
}

}  // namespace gpuconv
