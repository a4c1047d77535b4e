#include "host/batch/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "host/base/error.hpp"
#include "host/batch/results.hpp"
#include "host/files/location.hpp"
#include "host/files/output_file.hpp"

namespace gpuconv {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// RFC 4180.
std::string field(const std::string& text) {
  if (text.find_first_of(",;\t\"\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

std::string relative_to_folder(const std::string& path, const std::string& manifest) {
  const fs::path folder = fs::absolute(manifest).parent_path();
  const fs::path relative = fs::absolute(path).lexically_proximate(folder);
  return relative.string();
}

class Lines {
 public:
  Lines(const Manifest& manifest, ListFormat format) : manifest_(manifest), format_(format) {}

  /// Before line(), for all results.
  void look_at(const Json& result) {
    if (format_ != ListFormat::csv || !result.contains("extra")) return;
    for (const auto& [key, value] : result["extra"].items()) {
      if (std::ranges::find(columns_, key) == columns_.end()) columns_.push_back(key);
    }
  }

  std::string head() const {
    if (format_ != ListFormat::csv) return "";
    std::string line = "input,id";
    for (const std::string& column : columns_) line += "," + field(column);
    return line + "\n";
  }

  std::string line(const Json& result) const {
    const std::string path = result["output"];
    const std::string id = result["id"];
    const double rate = result["rate"];
    const double seconds = result["frames"].get<double>() / rate;
    Json extra = result.contains("extra") ? result["extra"] : Json::object();
    switch (format_) {
      case ListFormat::csv: {
        std::string line = field(path) + "," + field(id);
        for (const std::string& column : columns_) {
          const auto found = extra.find(column);
          if (found == extra.end()) {
            line += ",";
          } else {
            line +=
                "," + field(found->is_string() ? found->get<std::string>() : line_of_json(*found));
          }
        }
        return line + "\n";
      }
      case ListFormat::kaldi:
        return id + " " + path + "\n";
      case ListFormat::nemo: {
        Json json{{"audio_filepath", relative_to_folder(path, manifest_.path)},
                  {"duration", seconds}};
        json.update(extra);
        return line_of_json(json) + "\n";
      }
      case ListFormat::lhotse: {
        Json channels = Json::array();
        for (int c = 0; c < manifest_.channels; ++c) channels.push_back(c);
        const Json source{{"type", "file"}, {"channels", channels}, {"source", path}};
        return line_of_json({{"id", id},
                             {"sources", Json::array({source})},
                             {"sampling_rate", result["rate"]},
                             {"num_samples", result["frames"]},
                             {"duration", seconds},
                             {"channel_ids", channels}}) +
               "\n";
      }
      case ListFormat::jsonl:
        break;
    }
    Json json{{"input", path}, {"id", id}};
    json.update(extra);
    return line_of_json(json) + "\n";
  }

 private:
  const Manifest& manifest_;
  ListFormat format_;
  std::vector<std::string> columns_;  // of a table, that gpuconv passes on
};

/// Nothing unless the job is done and its result complete.
Json done_in(const std::string& result) {
  Json json = Json::parse(result, nullptr, false);
  const bool is_done = json.is_object() && json.value("status", "") == "done" &&
                       json.contains("frames") && json.contains("rate");
  return is_done ? json : Json();
}

}  // namespace

void check_manifest(const std::string& path, const std::string& list, const JobList& jobs) {
  if (path.ends_with(".gz")) {
    throw UsageError("--manifest " + path + ": is written without compression; leave out .gz");
  }
  const std::string name = fs::path(path).filename();
  Locations locations;
  const std::string location = locations(path);
  const auto refuse = [&](std::string_view other, const std::string& what) {
    if (!other.ends_with(name) || locations(std::string(other)) != location) return;
    throw FileError(path, "is " + what + ", and the manifest would replace it");
  };
  if (list != "-") refuse(list, "the list");
  for (std::size_t i = 0; i < jobs.size(); ++i) refuse(jobs.output(i), "an output");
  jobs.visit_files([&](std::string_view file, std::size_t) { refuse(file, "what a job reads"); });
}

void write_manifest(const Manifest& manifest, ListFormat format, std::size_t count,
                    const std::function<std::string(std::size_t)>& result) {
  constexpr std::size_t kPortion = 1 << 16;
  Lines lines(manifest, format);
  if (format == ListFormat::csv) {
    for (std::size_t i = 0; i < count; ++i) {
      if (const Json json = done_in(result(i)); !json.is_null()) lines.look_at(json);
    }
  }
  OutputFile file(manifest.path, {});
  std::string text = lines.head();
  for (std::size_t i = 0; i < count; ++i) {
    if (const Json json = done_in(result(i)); !json.is_null()) text += lines.line(json);
    if (text.size() < kPortion) continue;
    file.write(std::as_bytes(std::span(text)));
    text.clear();
  }
  file.write(std::as_bytes(std::span(text)));
  file.sync();
  file.publish();
}

}  // namespace gpuconv
