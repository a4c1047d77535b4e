#include "host/room/sofa/describe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "host/base/error.hpp"
#include "host/room/sofa/sofa_set.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kMostEmitters = 8;  // that are listed one by one

/// The smallest arc that holds all azimuths. Where the rest of the circle is not clearly wider than
/// the gap between the largest and the smallest number, these are its ends: so of a full circle.
std::string arc_of(const std::vector<Direction>& directions) {
  constexpr double kClearly = 10;  // degrees
  const auto [right, left] = std::ranges::minmax(directions, {}, &Direction::azimuth);
  std::string arc = fmt::format("{:.1f} to {:.1f} degrees", right.azimuth, left.azimuth);
  std::vector<double> around;
  for (const Direction& direction : directions) {
    around.push_back(direction.azimuth - 360 * std::floor(direction.azimuth / 360));
  }
  std::ranges::sort(around);
  double widest = 360 - (left.azimuth - right.azimuth) + kClearly;
  for (std::size_t i = 0; i < around.size(); ++i) {
    const bool is_last = i + 1 == around.size();
    const double next = is_last ? around.front() : around[i + 1];
    const double gap = next - around[i] + (is_last ? 360 : 0);
    if (gap <= widest) continue;
    widest = gap;
    arc = fmt::format("{:.1f} to {:.1f} degrees{}", next, around[i],
                      next > around[i] ? " through 0" : "");
  }
  return arc;
}

/// Lines and JSON of one and the same.
class Writer {
 public:
  void line(const char* noun, const std::string& text) {
    if (!text.empty()) lines_.push_back(fmt::format("{:<11}{}", noun, text));
  }
  void attribute(const SofaSet& set, const char* noun, const char* name, const char* key) {
    const std::string text = set.attribute(name);
    line(noun, text);
    if (!text.empty()) json_[key] = text;
  }
  Json& json() { return json_; }
  Description finish() {
    return {std::move(lines_), json_.dump(2, ' ', false, Json::error_handler_t::replace)};
  }

 private:
  std::vector<std::string> lines_;
  Json json_;
};

std::string counted(std::int64_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string place_of(const sofa::Place& place) {
  return fmt::format("azimuth {:.1f}, elevation {:.1f}, {:.2f} m", place.direction.azimuth,
                     place.direction.elevation, place.distance);
}

void describe_places(Writer& writer, SofaSet& set, const SofaOptions& options) {
  const std::int64_t emitter = options.emitter.value_or(0);
  std::vector<Direction> directions;
  for (std::int64_t m = 0; m < set.measurements(); ++m) {
    directions.push_back(set.place(m, emitter, options.azimuths).direction);
  }
  const auto [low, high] = std::ranges::minmax(directions, {}, &Direction::elevation);
  writer.line("azimuth",
              arc_of(directions) + ", counter-clockwise" +
                  (options.azimuths == sofa::Azimuths::clockwise ? " (stored clockwise)" : ""));
  writer.line("elevation", fmt::format("{:.1f} to {:.1f} degrees", low.elevation, high.elevation));
  std::string shells;
  for (const Shell& shell : set.shells(emitter)) {
    shells += fmt::format("{}{:.2f} m ({})", shells.empty() ? "" : ", ", shell.distance,
                          counted(std::ssize(shell.measurements), "measurement"));
    writer.json()["distances"].push_back(
        {{"metres", shell.distance}, {"measurements", shell.measurements.size()}});
  }
  writer.line("distance", shells);
  writer.line("views",
              set.views() == 1 ? "the head rests" : fmt::format("{}: the head turns", set.views()));
  writer.json()["views"] = set.views();
  for (std::int64_t e = 0; set.emitters() > 1 && e < set.emitters(); ++e) {
    const sofa::Place place = set.place(0, e, options.azimuths);
    writer.json()["emitters_at"].push_back({{"azimuth", place.direction.azimuth},
                                            {"elevation", place.direction.elevation},
                                            {"metres", place.distance}});
    if (e < kMostEmitters) writer.line(fmt::format("emitter {}", e).c_str(), place_of(place));
  }
}

void describe_ears(Writer& writer, SofaSet& set, SofaOptions options) {
  if (!options.emitter) options.emitter = 0;  // that of the directions above
  Json& json = writer.json();
  try {
    const sofa::Ears ears = set.ears(options);
    writer.line("ears",
                fmt::format("left is receiver {}, right is receiver {}", ears.left, ears.right));
    writer.line("ears by", ears.basis);
    writer.line("warning", ears.warning);
    json["ears"] = {{"left", ears.left}, {"right", ears.right}, {"basis", ears.basis}};
    if (!ears.warning.empty()) json["ears"]["warning"] = ears.warning;
  } catch (const FileError& error) {
    const std::string problem = std::string(error.what()).substr(set.path().size() + 2);
    writer.line("problem", problem);
    json["problem"] = problem;
    if (set.receivers() < 2) return;
    options.receivers = sofa::Receivers{};
  }
  if (!options.distance && set.shells(*options.emitter).size() > 1) {
    options.distance = set.shells(*options.emitter).back().distance;
  }
  for (const double azimuth : {90.0, -90.0}) {
    std::optional<sofa::Comparison> levels;
    try {
      levels = set.levels_at(azimuth, options);
    } catch (const FileError&) {  // a measurement that render would refuse
    }
    if (!levels) continue;
    const std::string noun = fmt::format("at {:+.0f}", azimuth);
    writer.line(noun.c_str(), fmt::format("left {:.1f} dB, right {:.1f} dB (2.5 ms from the onset)",
                                          levels->level_a, levels->level_b));
    const auto number = [](double level) {
      return std::isfinite(level) ? Json(level) : Json(nullptr);
    };
    json["levels_db"].push_back({{"azimuth", azimuth},
                                 {"left", number(levels->level_a)},
                                 {"right", number(levels->level_b)}});
  }
}

}  // namespace

Description describe_sofa(const std::string& path, const SofaOptions& options) {
  SofaSet set(path);
  if (options.emitter) set.check_emitter(options);
  Writer writer;
  Json& json = writer.json();
  json["file"] = path;
  json["container"] = "SOFA";
  writer.line("container", "SOFA");
  writer.line("convention",
              fmt::format("{} {}", set.conventions(), set.attribute("SOFAConventionsVersion")));
  json["convention"] = set.conventions();
  writer.line("data type", set.data_type());
  json["data_type"] = set.data_type();
  writer.attribute(set, "title", "Title", "title");
  writer.attribute(set, "database", "DatabaseName", "database");
  writer.attribute(set, "licence", "License", "licence");
  writer.attribute(set, "room", "RoomType", "room");
  const auto taps = static_cast<double>(set.taps());
  writer.line("rate", fmt::format("{} Hz", set.rate()));
  writer.line("measured",
              fmt::format("{} measurements, {} receivers, {} emitter{}", set.measurements(),
                          set.receivers(), set.emitters(), set.emitters() == 1 ? "" : "s"));
  writer.line("taps", fmt::format("{} ({:.3f} s)", set.taps(), taps / set.rate()));
  json["rate"] = set.rate();
  json["measurements"] = set.measurements();
  json["receivers"] = set.receivers();
  json["emitters"] = set.emitters();
  json["taps"] = set.taps();
  describe_places(writer, set, options);
  if (const auto delays = set.delays()) {
    writer.line("delays", fmt::format("{:.2f} to {:.2f} samples", delays->first, delays->second));
    json["delays"] = {{"least", delays->first}, {"most", delays->second}};
  } else {
    writer.line("delays", "none");
  }
  describe_ears(writer, set, options);
  return writer.finish();
}

std::vector<std::string> list_directions(const std::string& path, const SofaOptions& options) {
  SofaSet set(path);
  if (options.emitter) set.check_emitter(options);
  std::vector<std::string> lines{"measurement,emitter,azimuth,elevation,distance"};
  for (std::int64_t m = 0; m < set.measurements(); ++m) {
    for (std::int64_t e = 0; e < set.emitters(); ++e) {
      if (options.emitter && e != *options.emitter) continue;
      const sofa::Place place = set.place(m, e, options.azimuths);
      lines.push_back(fmt::format("{},{},{:.6g},{:.6g},{:.6g}", m, e, place.direction.azimuth,
                                  place.direction.elevation, place.distance));
    }
  }
  return lines;
}

}  // namespace gpuconv
