#include "host/room/track.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <numbers>
#include <span>
#include <string_view>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/files/input_file.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 28;
constexpr double kMostSeconds = 1e7;
constexpr double kMostDegrees = 1e6;

/// A faster turn than that, by more than half a circle, was hardly meant.
constexpr double kFastTurn = 360;  // degrees per second
constexpr double kHalfCircle = 180, kCircle = 360;

struct TrackColumn {
  std::string_view name;
  std::array<std::string_view, 2> also;
  double least, most;
  std::string_view unit;
};

using TrackColumns = std::array<TrackColumn, 4>;

constexpr TrackColumn kTime{"time", {"t", "seconds"}, 0, kMostSeconds, "seconds"};
constexpr TrackColumns kTrajectory{
    kTime, TrackColumn{"azimuth", {"az", "azi"}, -kMostDegrees, kMostDegrees, "degrees"},
    TrackColumn{"elevation", {"el", "ele"}, -90, 90, "degrees"},
    TrackColumn{"distance", {"r", "radius"}, 1e-3, 1e6, "metres"}};
constexpr TrackColumns kHead{
    kTime, TrackColumn{"yaw", {"y", "heading"}, -kMostDegrees, kMostDegrees, "degrees"},
    TrackColumn{"pitch", {"p", "tilt"}, -kMostDegrees, kMostDegrees, "degrees"},
    TrackColumn{"roll", {"r", "bank"}, -kMostDegrees, kMostDegrees, "degrees"}};

std::string whole_text(const std::string& path) {
  const InputFile file = open_input(path);
  std::string text;
  std::array<char, 1 << 16> buffer;
  for (;;) {
    const ssize_t got = ::read(file.descriptor.get(), buffer.data(), buffer.size());
    stop_if_interrupted();
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      throw FileError(input_name(path), fmt::format("cannot be read ({})", std::strerror(errno)));
    }
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > kMostBytes) {
      throw FileError(input_name(path),
                      fmt::format("is too large for a table (limit {} bytes)", kMostBytes));
    }
  }
}

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Reads rows of numbers, each for one of the columns.
class TrackReader {
 public:
  TrackReader(const std::string& path, const TrackColumns& columns)
      : name_(input_name(path)), columns_(columns) {}

  Track read(std::string_view text) {
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
      throw FileError(name_, "line 1: is UTF-16; save the table as UTF-8");
    }
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    if (text.find('\0') != text.npos) throw FileError(name_, "is not text; a table is needed");
    while (!text.empty()) {
      ++line_;
      const std::size_t end = text.find('\n');
      const std::string_view row = text.substr(0, end);
      text.remove_prefix(end == text.npos ? text.size() : end + 1);
      if (!without_blanks(row).empty() && !without_blanks(row).starts_with('#')) take(row);
    }
    if (track_.rows.empty()) fail_whole("holds no rows of numbers");
    track_.name = name_;
    warn_of_wrap();
    return std::move(track_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw FileError(name_, fmt::format("line {}: {}", line_, what));
  }
  [[noreturn]] void fail_whole(const std::string& what) const { throw FileError(name_, what); }

  void take(std::string_view row) {
    const bool is_first = which_.empty();
    if (is_first) {
      delimiter_ = row.find(';') != row.npos ? ';' : row.find('\t') != row.npos ? '\t' : ',';
    }
    std::vector<std::string> fields;
    for (std::size_t begin = 0; begin <= row.size();) {
      const std::size_t end = std::min(row.find(delimiter_, begin), row.size());
      std::string_view field = without_blanks(row.substr(begin, end - begin));
      if (field.size() > 1 && field.front() == '"' && field.back() == '"') {
        field = field.substr(1, field.size() - 2);
      }
      fields.emplace_back(field);
      begin = end + 1;
    }
    if (is_first) {
      named_in_ = line_;
      const bool has_names = std::isalpha(static_cast<unsigned char>(fields[0].c_str()[0])) != 0;
      if (has_names) return name_columns(fields);
      count_columns(fields.size());
    }
    if (fields.size() != which_.size()) {
      fail(fmt::format("has {} value{} where line {} has {}", fields.size(),
                       fields.size() == 1 ? "" : "s", named_in_, which_.size()));
    }
    add(fields);
  }

  std::string all_names() const {
    return fmt::format("{}, {}, {}, {}", columns_[0].name, columns_[1].name, columns_[2].name,
                       columns_[3].name);
  }

  void name_columns(const std::vector<std::string>& fields) {
    for (std::string name : fields) {
      std::ranges::transform(name, name.begin(),
                             [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      const auto found = std::ranges::find_if(columns_, [&](const TrackColumn& column) {
        return column.name == name || std::ranges::find(column.also, name) != column.also.end();
      });
      if (found == columns_.end()) {
        fail(fmt::format("names the column '{}' (known: {})", name, all_names()));
      }
      const auto column = static_cast<std::size_t>(found - columns_.begin());
      if (std::ranges::find(which_, column) != which_.end()) {
        fail(fmt::format("names the column '{}' twice", found->name));
      }
      which_.push_back(column);
    }
    for (const std::size_t needed : {0, 1}) {
      if (std::ranges::find(which_, needed) == which_.end()) {
        fail(fmt::format("names no column '{}'", columns_[needed].name));
      }
    }
    track_.has_third = std::ranges::find(which_, std::size_t{3}) != which_.end();
  }

  void count_columns(std::size_t count) {
    if (count < 2 || count > columns_.size()) {
      fail(fmt::format("has {} value{} (limit 2..4: {})", count, count == 1 ? "" : "s",
                       all_names()));
    }
    for (std::size_t i = 0; i < count; ++i) which_.push_back(i);
    track_.has_third = count == columns_.size();
  }

  double number(std::string text, const TrackColumn& column) const {
    if (delimiter_ != ',') std::ranges::replace(text, ',', '.');
    const char* const begin = text.data() + (text.starts_with('+') ? 1 : 0);
    const char* const end = text.data() + text.size();
    double value = 0;
    const auto [rest, error] = std::from_chars(begin, end, value);
    if (error != std::errc() || rest != end) {
      fail(fmt::format("{} '{}' is not a number", column.name, text));
    }
    if (!(value >= column.least && value <= column.most)) {
      fail(fmt::format("{} {} (limit {}..{} {})", column.name, value, column.least, column.most,
                       column.unit));
    }
    return value;
  }

  void add(const std::vector<std::string>& fields) {
    Track::Row row;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const double value = number(fields[i], columns_[which_[i]]);
      (which_[i] == 0 ? row.seconds : row.values[which_[i] - 1]) = value;
    }
    if (!track_.rows.empty()) {
      const Track::Row& before = track_.rows.back();
      if (!(row.seconds > before.seconds)) {
        fail(fmt::format("time {} s does not come after {} s of the row before", row.seconds,
                         before.seconds));
      }
    }
    track_.rows.push_back(row);
    lines_.push_back(line_);
  }

  /// From row `i - 1` to row `i`, degrees as written.
  double turn(std::size_t i) const {
    return track_.rows[i].values[0] - track_.rows[i - 1].values[0];
  }

  /// Says whether the movement before or after the turn to row `i` goes the short way round.
  bool goes_on_the_short_way(std::size_t i) const {
    const double shorter = std::remainder(turn(i), kCircle);
    const auto agrees = [&](std::size_t other) {
      return std::abs(turn(other)) <= kHalfCircle && turn(other) * shorter > 0;
    };
    std::size_t before = i - 1, after = i + 1;
    while (before > 0 && turn(before) == 0) --before;
    while (after < track_.rows.size() && turn(after) == 0) ++after;
    return (before > 0 && agrees(before)) || (after < track_.rows.size() && agrees(after));
  }

  /// Angles that a tracker wraps at 180 or 360 degrees. Its rows may be as near or as far as they
  /// like: it writes no angle outside of one circle, and where it wraps, the turn as written runs
  /// against the movement.
  void warn_of_wrap() {
    const auto [least, most] =
        std::ranges::minmax(track_.rows, {}, [](const Track::Row& row) { return row.values[0]; });
    const bool is_in_circle = most.values[0] - least.values[0] <= kCircle;
    for (std::size_t i = 1; i < track_.rows.size(); ++i) {
      if (std::abs(turn(i)) <= kHalfCircle) continue;
      const Track::Row& before = track_.rows[i - 1];
      const Track::Row& row = track_.rows[i];
      const double seconds = row.seconds - before.seconds;
      const bool is_fast = std::abs(turn(i)) > kFastTurn * seconds;
      if (!is_fast && !(is_in_circle && goes_on_the_short_way(i))) continue;
      track_.warning = fmt::format(
          "{}: line {}: {} goes from {:g} to {:g} in {:g} s, a turn by {:g} degrees as written; "
          "{:g} is the short way",
          name_, lines_[i], columns_[1].name, before.values[0], row.values[0], seconds, turn(i),
          before.values[0] + std::remainder(turn(i), kCircle));
      return;
    }
  }

  std::string name_;
  const TrackColumns& columns_;
  Track track_;
  std::vector<int> lines_;  ///< of the rows
  int line_ = 0;
  int named_in_ = 0;
  char delimiter_ = ',';
  std::vector<std::size_t> which_;  ///< of the columns each field is
};

}  // namespace

std::array<double, 3> Track::at(double seconds) const {
  const auto next = std::ranges::upper_bound(rows, seconds, {}, &Row::seconds);
  if (next == rows.begin()) return rows.front().values;
  if (next == rows.end()) return rows.back().values;
  const Row& before = *std::prev(next);
  const double part = (seconds - before.seconds) / (next->seconds - before.seconds);
  std::array<double, 3> values{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = before.values[i] + part * (next->values[i] - before.values[i]);
  }
  return values;
}

bool Track::changes(double begin, double end) const {
  const std::array<double, 3> first = at(begin);
  return at(std::max(begin, end)) != first || std::ranges::any_of(rows, [&](const Row& row) {
           return row.seconds > begin && row.seconds < end && row.values != first;
         });
}

Track read_trajectory(const std::string& path) {
  return TrackReader(path, kTrajectory).read(whole_text(path));
}

Track read_head_track(const std::string& path) {
  return TrackReader(path, kHead).read(whole_text(path));
}

Frame head_turned(const std::array<double, 3>& yaw_pitch_roll) {
  constexpr double kRadians = std::numbers::pi / 180;
  const double roll = yaw_pitch_roll[2] * kRadians;
  const Vector ahead = unit_vector({yaw_pitch_roll[0], yaw_pitch_roll[1]});
  // Left and up of a head that has not rolled yet.
  const Vector left = unit_vector({yaw_pitch_roll[0] + 90, 0});
  const Vector up = cross(ahead, left);
  return {ahead, std::cos(roll) * left + std::sin(roll) * up,
          std::cos(roll) * up - std::sin(roll) * left};
}

}  // namespace gpuconv
