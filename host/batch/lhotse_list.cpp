#include "host/batch/lhotse_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "host/batch/list_text.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

/// Lhotse rounds durations; a cut that ends so near the end of its recording ends with it. Seconds.
constexpr double kSameEnd = 1e-6;

/// A member that may be missing, or null.
const Json* member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_of(const Json& object, const char* key) {
  const Json* const value = member(object, key);
  if (value == nullptr) return "";
  if (!value->is_string()) throw BadLine(fmt::format("{} is not text", key));
  return value->get<std::string>();
}

std::optional<double> number_of(const Json& object, const char* key) {
  const Json* const value = member(object, key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) throw BadLine(fmt::format("{} is not a number", key));
  return value->get<double>();
}

/// A channel, or a list of them; Lhotse counts from 0.
std::vector<std::int64_t> channels_of(const Json& object, const char* key) {
  const Json* const value = member(object, key);
  if (value == nullptr) return {};
  std::vector<std::int64_t> channels;
  for (const Json& channel : value->is_array() ? *value : Json::array({*value})) {
    if (!channel.is_number_integer()) throw BadLine(fmt::format("{} is not a channel", key));
    channels.push_back(channel.get<std::int64_t>());
  }
  return channels;
}

bool is_cut(const std::string& type) { return type == "Cut" || type.ends_with("Cut"); }

/// Takes path and channel from the one source that has `wanted`, or from the only one.
void take_source(const Json& recording, std::optional<std::int64_t> wanted, bool allows_commands,
                 DraftJob& job) {
  const Json* const sources = member(recording, "sources");
  if (sources == nullptr || !sources->is_array() || sources->empty()) {
    throw BadLine(fmt::format("'{}' has no sources", job.id));
  }
  if (const Json* const transforms = member(recording, "transforms");
      transforms != nullptr && !transforms->empty()) {
    const Json& first = transforms->is_array() ? transforms->front() : *transforms;
    const std::string name = first.is_object() ? text_of(first, "name") : "";
    throw BadLine(fmt::format("'{}' has transforms{}, which gpuconv does not apply", job.id,
                              name.empty() ? "" : " (" + name + ")"));
  }
  if (!wanted && sources->size() > 1) {
    throw BadLine(fmt::format("'{}' has {} sources, where a job reads one; cuts choose a channel",
                              job.id, sources->size()));
  }
  for (const Json& source : *sources) {
    if (!source.is_object()) throw BadLine(fmt::format("'{}' has no sources", job.id));
    const auto channels = channels_of(source, "channels");
    const auto found = wanted ? std::ranges::find(channels, *wanted) : channels.begin();
    if (wanted && found == channels.end()) continue;
    const std::string type = text_of(source, "type");
    job.input = text_of(source, "source");
    if (type == "command") {
      if (!allows_commands) {
        throw BadLine(fmt::format(
            "'{}' is a command, which gpuconv runs only with --allow-commands", job.id));
      }
      job.is_command = true;
    } else if (type != "file") {
      throw BadLine(fmt::format("'{}' has a source of type '{}' (gpuconv reads: file, command)",
                                job.id, type));
    }
    // Without a choice, a recording of several channels is one for --channel.
    if (wanted) job.channel = static_cast<int>(found - channels.begin() + 1);
    return;
  }
  throw BadLine(fmt::format("'{}' has no source with channel {}", job.id, *wanted));
}

/// The parts of an object that a job does not use.
void pass_on_rest(const Json& object, std::initializer_list<std::string_view> used, DraftJob& job) {
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::find(used, std::string_view(key)) != used.end()) continue;
    pass_on(job, key, value.dump());
  }
}

void read_cut(const Json& cut, const std::string& type, bool allows_commands, DraftJob& job) {
  if (type == "MixedCut") {
    throw BadLine(fmt::format("'{}' is a mixture of cuts, which gpuconv does not mix", job.id));
  }
  if (type == "PaddingCut") throw BadLine(fmt::format("'{}' is padding, not a recording", job.id));
  const Json* const recording = member(cut, "recording");
  if (recording == nullptr || !recording->is_object()) {
    throw BadLine(fmt::format("'{}' has no recording", job.id));
  }
  const auto channels = channels_of(cut, "channel");
  if (channels.size() != 1) {
    throw BadLine(
        fmt::format("'{}' has {} channels, where a job reads one", job.id, channels.size()));
  }
  take_source(*recording, channels[0], allows_commands, job);
  const double start = number_of(cut, "start").value_or(0);
  const auto duration = number_of(cut, "duration");
  const auto whole = number_of(*recording, "duration");
  if (start != 0) set(job, *find_column("offset"), start);
  const bool has_all = start == 0 && duration && whole && std::abs(*duration - *whole) <= kSameEnd;
  if (duration && !has_all) set(job, *find_column("duration"), *duration);
  // Features are those of the dry recording.
  pass_on_rest(cut, {"id", "type", "recording", "channel", "start", "duration", "features"}, job);
}

}  // namespace

bool is_of_lhotse(const Json& object) {
  const Json* const type = member(object, "type");
  if (type != nullptr && type->is_string() && is_cut(type->get<std::string>())) return true;
  return object.contains("sources") ||
         (object.contains("recording_id") && object.contains("start"));
}

void read_lhotse(const Json& object, bool allows_commands, DraftJob& job) {
  set(job, *find_column("id"), text_of(object, "id"));
  const std::string type = text_of(object, "type");
  if (job.id.empty()) throw BadLine("has no id");
  if (is_cut(type)) {
    read_cut(object, type, allows_commands, job);
  } else if (object.contains("sources")) {
    take_source(object, std::nullopt, allows_commands, job);
    pass_on_rest(object,
                 {"id", "sources", "sampling_rate", "num_samples", "duration", "channel_ids"}, job);
  } else {
    throw BadLine(fmt::format("'{}' is neither a recording nor a cut", job.id));
  }
  if (job.input.find('\0') != std::string::npos) throw BadLine("source holds a zero byte");
}

}  // namespace gpuconv
