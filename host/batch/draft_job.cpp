#include "host/batch/draft_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "host/batch/list_text.hpp"
#include "host/read/audio_format.hpp"

namespace gpuconv {
namespace {

constexpr double kMostDecibels = 200;     // as of --gain
constexpr double kMostMetres = 1e6;       // as of --distance
constexpr double kMostSeconds = 1e9;      // thirty years
constexpr std::size_t kMostNames = 20;    // in a warning
constexpr std::size_t kShortestTypo = 4;  // of shorter names too many words differ by one letter

template <std::string DraftJob::*kField>
void set_text(DraftJob& job, std::string_view text) {
  job.*kField = text;
}

template <std::optional<double> DraftJob::*kField>
void set_number(DraftJob& job, double number) {
  job.*kField = number;
}

void set_channel(DraftJob& job, double number) {
  if (number != std::floor(number)) {
    throw BadLine(fmt::format("channel '{}' is not a whole number", number));
  }
  job.channel = static_cast<int>(number);
}

void set_duration(DraftJob& job, double number) {
  if (number == 0) throw BadLine("duration 0 is nothing to read");
  job.duration = number;
}

constexpr Column text(std::string_view name, void (*set)(DraftJob& job, std::string_view text)) {
  return {name, 0, 0, nullptr, set, nullptr};
}

constexpr Column kColumns[] = {
    text("input", set_text<&DraftJob::input>),
    text("response", set_text<&DraftJob::response>),
    text("output", set_text<&DraftJob::output>),
    text("id", set_text<&DraftJob::id>),
    {"azimuth", -360, 360, "degrees", nullptr, set_number<&DraftJob::azimuth>},
    {"elevation", -90, 90, "degrees", nullptr, set_number<&DraftJob::elevation>},
    {"distance", 0, kMostMetres, "m", nullptr, set_number<&DraftJob::distance>},
    {"channel", 1, kMaxChannels, "", nullptr, set_channel},
    {"offset", 0, kMostSeconds, "s", nullptr, set_number<&DraftJob::offset>},
    {"duration", 0, kMostSeconds, "s", nullptr, set_duration},
    {"gain", -kMostDecibels, kMostDecibels, "dB", nullptr, set_number<&DraftJob::gain>},
};

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

/// Whether one of them becomes the other by one letter more, less or changed, or by swapping two
/// that stand side by side.
bool differ_by_one_letter(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1 || a == b) return false;
  const auto first = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  const std::string_view rest_a = a.substr(first), rest_b = b.substr(first);
  if (a.size() < b.size()) return rest_a == rest_b.substr(1);
  if (rest_a.substr(1) == rest_b.substr(1)) return true;
  return rest_a.size() > 1 && rest_a[0] == rest_b[1] && rest_a[1] == rest_b[0] &&
         rest_a.substr(2) == rest_b.substr(2);
}

/// Other programs' names of what gpuconv has another word for.
struct Hint {
  std::string_view name;
  std::string_view words;
};
constexpr Hint kHints[] = {
    {"start", "a part of a recording begins at its offset"},
    {"begin", "a part of a recording begins at its offset"},
    {"end", "a part of a recording has a duration, both in seconds"},
    {"length", "a part of a recording has a duration, both in seconds"},
    {"snr", "--noise and --snr add noise"},
    {"noise", "--noise and --snr add noise"},
    {"level", "--level sets the level of all outputs"},
};

std::string hints_of(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) {
    const auto hint = std::ranges::find(kHints, in_lower_case(name), &Hint::name);
    if (hint == std::end(kHints) || all.find(hint->words) != all.npos) continue;
    all.append(all.empty() ? "; " : ", ").append(hint->words);
  }
  return all;
}

double number_in(const Column& column, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    throw BadLine(fmt::format("{} '{}' is not a number{}", column.name, text,
                              text.find(',') == text.npos ? "" : " (expected such as 0.5)"));
  }
  return value;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

const Column* find_column(std::string_view name) {
  const std::string lower = in_lower_case(trimmed(name));
  const auto found = std::ranges::find(kColumns, lower, &Column::name);
  if (found != std::end(kColumns)) return found;
  if (lower == "trajectory" || lower == "head") {
    throw BadLine(lower +
                  ": a batch moves no source and no head; 'gpuconv render' and 'gpuconv "
                  "scene' do");
  }
  for (const Column& column : kColumns) {
    if (column.name.size() >= kShortestTypo && differ_by_one_letter(lower, column.name)) {
      throw BadLine(
          fmt::format("'{}' is not a column of a list; if '{}' is meant, write that, "
                      "otherwise give it a name less like it",
                      name, column.name));
    }
  }
  return nullptr;
}

std::string all_columns() {
  std::string all;
  for (const Column& column : kColumns) all.append(all.empty() ? "" : ", ").append(column.name);
  return all;
}

void set(DraftJob& job, const Column& column, std::string_view text) {
  if (text.find('\0') != text.npos) throw BadLine(fmt::format("{} holds a zero byte", column.name));
  if (text.empty()) return;
  if (column.unit != nullptr) return set(job, column, number_in(column, text));
  column.set_text(job, text);
}

void set(DraftJob& job, const Column& column, double number) {
  if (!(number >= column.least && number <= column.most)) {
    throw BadLine(fmt::format("{} {} (limit {}..{}{}{})", column.name, number, column.least,
                              column.most, *column.unit == '\0' ? "" : " ", column.unit));
  }
  column.set_number(job, number);
}

void pass_on(DraftJob& job, std::string_view name, std::string_view value) {
  if (!job.extra.empty()) job.extra += ',';
  job.extra.append(json_of(name)).append(":").append(value);
}

std::string json_of(std::string_view text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw BadLine("is not UTF-8; save the list as UTF-8");
  }
}

void UnknownColumns::add(std::string_view name) {
  if (known_.contains(name)) return;
  if (known_.size() >= kMostNames) {
    has_more_ = true;
    return;
  }
  known_.emplace(name);
  names_.emplace_back(name);
}

std::string UnknownColumns::warning() const {
  if (names_.empty()) return "";
  std::string all;
  for (const std::string& name : names_) all.append(all.empty() ? "" : ", ").append(name);
  return fmt::format("gpuconv passes the column{} {}{} on to the results{}",
                     names_.size() == 1 ? "" : "s", all, has_more_ ? " and others" : "",
                     hints_of(names_));
}

}  // namespace gpuconv
