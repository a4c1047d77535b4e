#include "host/scene/scene_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/base/levels.hpp"
#include "host/base/spelling.hpp"
#include "host/files/input_file.hpp"
#include "host/read/audio_format.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostBytes = std::size_t{64} << 20;
constexpr std::size_t kMostVoices = 1'000'000;
constexpr int kMostLevels = 16;       // of objects in objects
constexpr double kMostSeconds = 1e6;  // of a start: 11 days

constexpr std::array<std::string_view, 3> kSceneKeys{"voices", "rate", "$schema"};
constexpr std::array<std::string_view, 10> kVoiceKeys{
    "input",   "channel",   "start",    "gain",       "response",
    "azimuth", "elevation", "distance", "trajectory", "id"};

/// What is wrong with a value; read_scene() adds where it stands.
struct BadValue : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string read_text(const std::string& path) {
  const InputFile file = open_input(path);
  std::string text;
  std::array<char, 1 << 16> portion{};
  for (;;) {
    const ssize_t got = ::read(file.descriptor.get(), portion.data(), portion.size());
    stop_if_interrupted();
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      throw FileError(input_name(path), fmt::format("cannot be read ({})", std::strerror(errno)));
    }
    if (got == 0) return text;
    text.append(portion.data(), static_cast<std::size_t>(got));
    if (text.size() > kMostBytes) {
      throw FileError(input_name(path),
                      fmt::format("is too long for a scene (limit {} bytes)", kMostBytes));
    }
  }
}

/// "line 3, column 7" of a byte, counted from 1.
std::string place_of(const std::string& text, std::size_t byte) {
  const std::string_view before = std::string_view(text).substr(0, byte > 0 ? byte - 1 : 0);
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t begin = before.rfind('\n');
  const std::size_t column = before.size() - (begin == before.npos ? 0 : begin + 1) + 1;
  return fmt::format("line {}, column {}", line, column);
}

/// Throws BadValue unless the text is JSON whose objects name nothing twice.
Json parsed(const std::string& text) {
  std::vector<std::set<std::string>> names;  // of the objects around
  const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kMostLevels) {
      throw BadValue(fmt::format("is nested too deeply (limit {} levels)", kMostLevels));
    }
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key &&
        !names.back().insert(value.get<std::string>()).second) {
      throw BadValue(fmt::format("names '{}' twice in one object", value.get<std::string>()));
    }
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::parse_error& error) {
    throw BadValue(fmt::format("{}: is not JSON", place_of(text, error.byte)));
  }
}

/// Throws BadValue, which names the key that was meant.
void check_keys(const Json& object, std::span<const std::string_view> known) {
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    const std::string near = nearest_word(key, known);
    throw BadValue(fmt::format("unknown key '{}'; {}", key,
                               near.empty() ? fmt::format("known are {}", fmt::join(known, ", "))
                                            : "did you mean '" + near + "'?"));
  }
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) throw BadValue(fmt::format("has no '{}'", key));
  if (!found->is_string() || found->get_ref<const std::string&>().empty()) {
    throw BadValue(fmt::format("{} is {}, not text", key, found->dump()));
  }
  return found->get<std::string>();
}

std::optional<double> number_of(const Json& object, const char* key, double least, double most,
                                const char* unit) {
  const auto found = object.find(key);
  if (found == object.end()) return std::nullopt;
  if (found->is_number()) {
    const auto number = found->get<double>();
    if (number >= least && number <= most) return number;
  }
  throw BadValue(fmt::format("{} is {}, not a number from {} to {} {}", key, found->dump(), least,
                             most, unit));
}

std::optional<int> whole_number_of(const Json& object, const char* key, int least, int most) {
  const auto found = object.find(key);
  if (found == object.end()) return std::nullopt;
  if (found->is_number_integer()) {
    const auto number = found->get<std::int64_t>();
    if (number >= least && number <= most) return static_cast<int>(number);
  }
  throw BadValue(
      fmt::format("{} is {}, not a whole number from {} to {}", key, found->dump(), least, most));
}

/// The id becomes a part of a file's name.
std::string id_of(const Json& voice, std::size_t number) {
  if (!voice.contains("id")) return std::to_string(number);
  const std::string id = text_of(voice, "id");
  const auto is_allowed = [](unsigned char c) {
    return c >= 0x80 || std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  };
  constexpr std::size_t kMostLetters = 100;
  if (id.size() > kMostLetters || !std::ranges::all_of(id, is_allowed)) {
    throw BadValue(
        fmt::format("id '{}' is not a name of letters, digits, '-', '_' and '.' (limit "
                    "{})",
                    id, kMostLetters));
  }
  return id;
}

class SceneReader {
 public:
  SceneReader(const std::string& path)
      : path_(path), folder_(path == "-" ? "" : std::filesystem::path(path).parent_path()) {}

  SceneRequest read() {
    SceneRequest scene;
    scene.file = path_;
    try {
      const Json json = parsed(read_text(path_));
      if (!json.is_object()) throw BadValue("is not a JSON object");
      check_keys(json, kSceneKeys);
      scene.rate = whole_number_of(json, "rate", kMinRate, kMaxRate);
      const auto voices = json.find("voices");
      if (voices == json.end()) throw BadValue("has no 'voices'");
      if (!voices->is_array()) throw BadValue("voices is not a list of voices");
      if (voices->empty()) throw BadValue("voices is an empty list");
      if (voices->size() > kMostVoices) {
        throw BadValue(fmt::format("has {} voices (limit {})", voices->size(), kMostVoices));
      }
      for (const Json& voice : *voices) scene.voices.push_back(read_voice(voice));
    } catch (const BadValue& bad) {
      throw FileError(input_name(path_), bad.what());
    }
    return scene;
  }

 private:
  VoiceRequest read_voice(const Json& json) {
    const std::size_t number = ids_.size() + 1;
    VoiceRequest voice;
    voice.name = fmt::format("voice {}", number);
    try {
      if (!json.is_object()) throw BadValue("is not a JSON object");
      if (const auto input = json.find("input"); input != json.end() && input->is_string()) {
        voice.name += " (" + input->get<std::string>() + ")";
      }
      check_keys(json, kVoiceKeys);
      voice.input = located(text_of(json, "input"));
      voice.response = located(text_of(json, "response"));
      if (voice.response == "-") {
        throw BadValue("response is -, and standard input is for recordings");
      }
      voice.channel = whole_number_of(json, "channel", 1, kMaxChannels);
      voice.start = number_of(json, "start", 0, kMostSeconds, "s").value_or(0);
      voice.gain_db = number_of(json, "gain", -kMostDecibels, kMostDecibels, "dB").value_or(0);
      voice.sofa.azimuth = number_of(json, "azimuth", -360, 360, "degrees");
      voice.sofa.elevation = number_of(json, "elevation", -90, 90, "degrees");
      voice.sofa.distance = number_of(json, "distance", 0, 1e6, "m");
      if (json.contains("trajectory")) {
        voice.trajectory = located(text_of(json, "trajectory"));
        if (voice.trajectory == "-") {
          throw BadValue("trajectory is -, and standard input is for recordings");
        }
      }
      voice.id = id_of(json, number);
      if (!ids_.insert(voice.id).second) {
        throw BadValue(fmt::format("id '{}' is already that of another voice", voice.id));
      }
    } catch (const BadValue& bad) {
      throw BadValue(voice.name + ": " + bad.what());
    }
    return voice;
  }

  std::string located(const std::string& path) const {
    return path == "-" || folder_.empty() ? path : (folder_ / path).string();
  }

  std::string path_;
  std::filesystem::path folder_;
  std::set<std::string> ids_;
};

}  // namespace

SceneRequest read_scene(const std::string& path) { return SceneReader(path).read(); }

std::span<const std::string_view> scene_keys() { return kSceneKeys; }

std::span<const std::string_view> voice_keys() { return kVoiceKeys; }

}  // namespace gpuconv
