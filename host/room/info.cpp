#include "host/room/info.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/base/levels.hpp"
#include "host/read/audio_file.hpp"
#include "host/read/foreign.hpp"
#include "host/read/nonfinite.hpp"
#include "host/room/sofa/describe.hpp"
#include "host/room/sofa/sofa_set.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kBufferSamples = 65'536;

Description describe_audio(const std::string& path, Formats formats) {
  AudioReader reader(path, Truncated::accept, formats);
  const AudioFormat& format = reader.format();
  const auto channels = static_cast<std::size_t>(format.channels);
  std::vector<float> samples(std::max<std::size_t>(1, kBufferSamples / channels) * channels);
  std::vector<Level> levels(channels);
  std::int64_t frames = 0;
  std::int64_t first_nonfinite = -1;
  while (const std::size_t got = reader.read(samples)) {
    const auto portion = std::span(samples).first(got * channels);
    const std::size_t first = find_nonfinite(portion);
    if (first < portion.size()) {
      if (first_nonfinite < 0)
        first_nonfinite = frames + static_cast<std::int64_t>(first / channels);
      mend_nonfinite(path, portion, format.channels, frames, NonFinite::zero);
    }
    for (std::size_t i = 0; i < portion.size(); ++i) {
      measure(portion.subspan(i, 1), levels[i % channels]);
    }
    frames += static_cast<std::int64_t>(got);
  }

  const double seconds = static_cast<double>(frames) / format.rate;
  Json json{{"file", path},        {"container", format.container}, {"encoding", format.encoding},
            {"rate", format.rate}, {"channels", format.channels},   {"frames", frames},
            {"seconds", seconds}};
  std::vector<std::string> lines{
      fmt::format("container  {}", format.container), fmt::format("encoding   {}", format.encoding),
      fmt::format("rate       {} Hz", format.rate), fmt::format("channels   {}", format.channels),
      fmt::format("frames     {} ({:.3f} s)", frames, seconds)};
  if (!reader.shortfall().empty()) {
    lines.push_back("problem    " + reader.shortfall());
    json["problem"] = reader.shortfall();
  }
  if (!reader.remark().empty()) {
    lines.push_back("remark     " + reader.remark());
    json["remark"] = reader.remark();
  }
  for (std::size_t c = 0; c < channels; ++c) {
    const double peak = dbfs(levels[c].peak);
    lines.push_back(fmt::format("peak {:<5} {} dBFS, {} samples over full scale", c + 1,
                                tenths(peak), levels[c].over));
    json["peaks"].push_back({{"dbfs", levels[c].peak > 0 ? Json(peak) : Json(nullptr)},
                             {"over_full_scale", levels[c].over}});
  }
  lines.push_back(first_nonfinite < 0
                      ? "non-finite none"
                      : fmt::format("non-finite first at frame {}", first_nonfinite));
  if (first_nonfinite >= 0) json["first_nonfinite_frame"] = first_nonfinite;
  return {std::move(lines), json.dump(2, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace

Description describe(const std::string& path, Formats formats, const SofaOptions& options) {
  return is_sofa(path) ? describe_sofa(path, options) : describe_audio(path, formats);
}

}  // namespace gpuconv
