// sofa_file.cpp - read_sofa(): from libmysofa's structures to ours
#include "host/audio/sofa_file.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <numbers>
#include <string_view>

#include "host/audio/input_file.hpp"
#include "host/error.hpp"
#include "host/memory_limit.hpp"

namespace gpuconv {
namespace {

// What libmysofa may allocate for a file: a broken one can lead it in circles until memory ends.
// Deflated numbers of a measured response are seldom less than half of what they were.
constexpr std::int64_t kFewestBytes = std::int64_t{128} << 20;
constexpr std::int64_t kBytesOfAByte = 16;

struct Free {
  void operator()(MYSOFA_HRTF* file) const { mysofa_free(file); }
};

}  // namespace

std::string words_of_libmysofa(int error) {
  switch (error) {
    case MYSOFA_INVALID_FORMAT:
      return "not the format of SOFA";
    case MYSOFA_UNSUPPORTED_FORMAT:
      return "a kind of HDF5 that libmysofa does not read";
    case MYSOFA_NO_MEMORY:
      return "not enough memory";
    case MYSOFA_READ_ERROR:
      return "read error, perhaps truncated";
    case MYSOFA_INVALID_ATTRIBUTES:
      return "invalid attributes";
    case MYSOFA_INVALID_DIMENSIONS:
      return "invalid dimensions";
    case MYSOFA_INVALID_DIMENSION_LIST:
      return "invalid list of dimensions";
    case MYSOFA_INVALID_COORDINATE_TYPE:
      return "invalid kind of coordinates";
    default:
      break;
  }
  if (error > 0 && error < MYSOFA_INVALID_FORMAT) return std::strerror(error);
  return fmt::format("libmysofa error {}", error);
}

namespace {

std::string attribute(const MYSOFA_ATTRIBUTE* attributes, std::string_view name) {
  for (; attributes != nullptr; attributes = attributes->next) {
    if (attributes->name != nullptr && attributes->value != nullptr && attributes->name == name) {
      return attributes->value;
    }
  }
  return "";
}

std::vector<float> values_of(const MYSOFA_ARRAY& array) {
  if (array.values == nullptr) return {};
  return {array.values, array.values + array.elements};
}

int checked_dimension(const std::string& path, std::string_view letter, unsigned value) {
  if (value > static_cast<unsigned>(std::numeric_limits<int>::max())) {
    throw FileError(path, fmt::format("dimension {} is {} (limit {})", letter, value,
                                      std::numeric_limits<int>::max()));
  }
  return static_cast<int>(value);
}

/// Cartesian positions point to the front, to the left and up, in metres; spherical ones are
/// azimuth, elevation in degrees and distance. `missing` is the type where none is named.
bool is_cartesian(const std::string& path, std::string_view name, const MYSOFA_ARRAY& positions,
                  std::string_view missing) {
  const std::string named = attribute(positions.attributes, "Type");
  const std::string_view type = named.empty() ? missing : named;
  if (type == "cartesian") return true;
  if (type == "spherical") return false;
  throw FileError(path,
                  fmt::format("{} is of type '{}' (spherical or cartesian are read)", name, type));
}

std::vector<float> positions_of(const std::string& path, std::string_view name,
                                const MYSOFA_ARRAY& positions) {
  std::vector<float> values = values_of(positions);
  if (values.size() % 3 == 0) return values;
  throw FileError(path, fmt::format("{} has {} values, not a multiple of 3", name, values.size()));
}

/// Of points as they are seen from `origins`, which are Cartesian: none for (0, 0, 0), or one for
/// all or each.
std::vector<Direction> directions_of(const std::string& path, std::string_view name,
                                     const MYSOFA_ARRAY& positions, std::string_view missing,
                                     const std::vector<float>& origins = {}) {
  const std::vector<float> values = positions_of(path, name, positions);
  const bool cartesian = is_cartesian(path, name, positions, missing);
  std::vector<Direction> directions;
  const std::size_t count = values.empty() ? 0 : std::max(values.size(), origins.size());
  for (std::size_t i = 0; i < count; i += 3) {
    const auto coordinate = [&](std::size_t c) {
      const double origin = origins.empty() ? 0 : double{origins[i % origins.size() + c]};
      return values[i % values.size() + c] - origin;
    };
    const double a = coordinate(0);
    const double b = coordinate(1);
    const double c = coordinate(2);
    const Direction direction = cartesian ? direction_of(a, b, c) : Direction{a, b};
    if (!std::isfinite(direction.azimuth) || !std::isfinite(direction.elevation)) {
      throw FileError(path, fmt::format("{} of measurement {} has no direction ({}, {}, {})", name,
                                        i / 3, a, b, c));
    }
    directions.push_back(direction);
  }
  return directions;
}

/// Sources and listeners are placed in the room (AES69): what counts is where the listener has
/// them.
std::vector<Direction> sources_of(const std::string& path, const MYSOFA_HRTF& hrtf) {
  constexpr std::string_view kListener = "ListenerPosition";
  const std::vector<float> listeners = positions_of(path, kListener, hrtf.ListenerPosition);
  const auto is_zero = [](float v) { return v == 0; };
  if (std::ranges::all_of(listeners, is_zero)) {
    return directions_of(path, "SourcePosition", hrtf.SourcePosition, "");
  }
  if (!is_cartesian(path, kListener, hrtf.ListenerPosition, "cartesian") ||
      !is_cartesian(path, "SourcePosition", hrtf.SourcePosition, "")) {
    throw FileError(path, fmt::format("{} is not (0, 0, 0); where the source is from there is only "
                                      "read from Cartesian positions of both",
                                      kListener));
  }
  return directions_of(path, "SourcePosition", hrtf.SourcePosition, "", listeners);
}

/// Whither the head's top points. It has no type of its own in most files: that of ListenerView
/// counts. What would be "ahead" in angles is (0, 0, 1) in metres, written without looking at it.
std::vector<Direction> ups_of(const std::string& path, const MYSOFA_HRTF& hrtf) {
  const std::string of_view = attribute(hrtf.ListenerView.attributes, "Type");
  std::vector<Direction> ups =
      directions_of(path, "ListenerUp", hrtf.ListenerUp, of_view.empty() ? "cartesian" : of_view);
  for (std::size_t m = 0; m < ups.size(); ++m) {
    const float* const up = hrtf.ListenerUp.values + 3 * m;
    if (up[0] == 0 && up[1] == 0 && up[2] > 0) ups[m] = {0, 90};
  }
  return ups;
}

/// How far to the left the receivers are. Their positions are laid out as R x 3, or R x 3 x M.
std::vector<double> sideways_of(const std::string& path, const MYSOFA_HRTF& hrtf) {
  constexpr std::string_view kName = "ReceiverPosition";
  const std::vector<float> values = values_of(hrtf.ReceiverPosition);
  if (values.empty()) throw FileError(path, fmt::format("has no {}", kName));
  const std::size_t R = hrtf.R;
  if (R == 0 || values.size() % (3 * R) != 0) {
    throw FileError(path, fmt::format("{} has {} values, not a multiple of 3 for each of {}", kName,
                                      values.size(), R));
  }
  const bool cartesian = is_cartesian(path, kName, hrtf.ReceiverPosition, "cartesian");
  const std::size_t count = values.size() / (3 * R);
  std::vector<double> sideways;
  for (std::size_t m = 0; m < count; ++m) {
    for (std::size_t r = 0; r < R; ++r) {
      const auto value = [&](std::size_t c) -> double { return values[(3 * r + c) * count + m]; };
      constexpr double kRadians = std::numbers::pi / 180;
      sideways.push_back(cartesian ? value(1)
                                   : value(2) * std::cos(value(1) * kRadians) *
                                         std::sin(value(0) * kRadians));
    }
  }
  return sideways;
}

double rate_of(const std::string& path, const MYSOFA_ARRAY& rates) {
  const std::vector<float> values = values_of(rates);
  if (values.empty()) throw FileError(path, "has no Data.SamplingRate");
  const auto other = std::ranges::find_if(values, [&](float v) { return v != values.front(); });
  if (other != values.end()) {
    throw FileError(path, fmt::format("mixes sample rates ({} and {} Hz)", values.front(), *other));
  }
  return values.front();
}

}  // namespace

SofaFile sofa_of(const std::string& path, const MYSOFA_HRTF& hrtf) {
  SofaFile file;
  file.conventions = attribute(hrtf.attributes, "SOFAConventions");
  file.title = attribute(hrtf.attributes, "Title");
  file.database = attribute(hrtf.attributes, "DatabaseName");
  file.room = attribute(hrtf.attributes, "RoomType");
  file.M = checked_dimension(path, "M", hrtf.M);
  file.R = checked_dimension(path, "R", hrtf.R);
  file.N = checked_dimension(path, "N", hrtf.N);
  file.rate = rate_of(path, hrtf.DataSamplingRate);
  file.directions = sources_of(path, hrtf);
  file.views = directions_of(path, "ListenerView", hrtf.ListenerView, "cartesian");
  file.ups = ups_of(path, hrtf);
  file.sideways = sideways_of(path, hrtf);
  file.taps = values_of(hrtf.DataIR);
  file.delays = values_of(hrtf.DataDelay);
  // AES69 demands it, if only as zeros. Where libmysofa loses it (a damaged name, no memory), the
  // ears would lose their difference in time without a word.
  if (file.delays.empty()) throw FileError(path, "has no Data.Delay");
  return file;
}

bool is_sofa(const std::string& path) {
  static constexpr std::string_view kExtension = ".sofa";
  if (path.size() >= kExtension.size() &&
      std::equal(kExtension.begin(), kExtension.end(), path.end() - kExtension.size(),
                 [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); })) {
    return true;
  }
  // A pipe would be read by looking at it, and SOFA can not come through one.
  std::error_code error;  // what is wrong with the name is said when it is opened
  if (!std::filesystem::is_regular_file(path, error)) return false;
  static constexpr unsigned char kHdf5[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  const InputFile file = open_input(path);
  return std::ranges::equal(peek(file.descriptor.get(), 0, sizeof kHdf5), kHdf5);
}

SofaFile read_sofa(const std::string& path) {
  // Refuses what is missing, forbidden, a folder or empty.
  const std::int64_t bytes = open_input(path).bytes;
  int error = MYSOFA_OK;
  std::unique_ptr<MYSOFA_HRTF, Free> hrtf;
  {
    const MemoryLimit limit(kFewestBytes + kBytesOfAByte * bytes);
    hrtf.reset(mysofa_load(path.c_str(), &error));
  }
  if (!hrtf) {
    throw FileError(path, fmt::format("can not be read as SOFA ({})", words_of_libmysofa(error)));
  }
  return sofa_of(path, *hrtf);
}

}  // namespace gpuconv
