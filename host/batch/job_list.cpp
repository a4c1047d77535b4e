#include "host/batch/job_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>

namespace gpuconv {
namespace {

constexpr std::size_t kBlockBytes = 1 << 20;

double or_nan(const std::optional<double>& number) {
  return number.value_or(std::numeric_limits<double>::quiet_NaN());
}

std::optional<double> unless_nan(double number) {
  return number != number ? std::nullopt : std::optional(number);
}

template <typename Number>
std::string words_of(const std::optional<Number>& number) {
  return number ? fmt::format("{}", *number) : "none";
}

}  // namespace

std::string choices_of(const ListedJob& job) {
  std::string choices = words_of(job.azimuth) + " " + words_of(job.elevation);
  const auto add = [&](const char* name, const auto& number) {
    if (number) choices.append(" ").append(name).append(" ").append(words_of(number));
  };
  add("distance", job.distance);
  add("offset", job.offset);
  add("duration", job.duration);
  add("gain", job.gain);
  add(job.channel_is_of_several ? "channel of several" : "channel", job.channel);
  add("at byte", job.archive_offset);
  add("bytes", job.archive_bytes);
  return choices;
}

std::string_view JobList::view(Text text) {
  std::uint32_t length;
  std::memcpy(&length, text, sizeof length);
  return {text + sizeof length, length};
}

JobList::Text JobList::keep(std::string_view text) {
  const auto length = static_cast<std::uint32_t>(text.size());
  const std::size_t bytes = sizeof length + text.size();
  if (bytes > left_) {
    left_ = std::max(bytes, kBlockBytes);
    arena_.push_back(std::make_unique_for_overwrite<char[]>(left_));
    next_ = arena_.back().get();
  }
  char* const place = next_;
  std::memcpy(place, &length, sizeof length);
  std::memcpy(place + sizeof length, text.data(), text.size());
  next_ += bytes;
  left_ -= bytes;
  return place;
}

JobList::Text JobList::keep_file(std::string_view path) {
  const std::size_t hash = std::hash<std::string_view>()(path);
  const auto is_same = [&](std::uint32_t i) { return view(files_[i].path) == path; };
  if (const auto found = files_index_.find(hash, is_same)) return files_[*found].path;
  files_index_.add(hash, static_cast<std::uint32_t>(files_.size()));
  files_.push_back({keep(path), static_cast<std::uint32_t>(rows_.size())});
  return files_.back().path;
}

std::uint32_t JobList::keep_numbers(const Numbers& numbers) {
  const std::string_view bytes(reinterpret_cast<const char*>(&numbers), sizeof numbers);
  const std::size_t hash = std::hash<std::string_view>()(bytes);
  const auto is_same = [&](std::uint32_t i) {
    return std::memcmp(&numbers_[i], &numbers, sizeof numbers) == 0;
  };
  if (const auto found = numbers_index_.find(hash, is_same)) return *found;
  const auto number = static_cast<std::uint32_t>(numbers_.size());
  numbers_index_.add(hash, number);
  numbers_.push_back(numbers);
  return number;
}

void JobList::add(const ListedJob& job) {
  const Numbers numbers{or_nan(job.azimuth),
                        or_nan(job.elevation),
                        or_nan(job.distance),
                        or_nan(job.offset),
                        or_nan(job.duration),
                        or_nan(job.gain),
                        job.archive_offset.value_or(-1),
                        job.archive_bytes.value_or(-1),
                        job.channel.value_or(-1),
                        (job.channel_is_of_several ? kOfSeveral : 0u) |
                            (job.is_command ? kCommand : 0u) | (job.is_placed ? kPlaced : 0u)};
  const Text input = keep_file(job.input);
  const Text response = keep_file(job.response);
  rows_.push_back({input, response, keep(job.output), keep(job.id), keep(job.extra), job.line,
                   keep_numbers(numbers)});
}

ListedJob JobList::operator[](std::size_t i) const {
  const Row& row = rows_[i];
  const Numbers& numbers = numbers_[row.numbers];
  ListedJob job;
  job.position = i;
  job.line = row.line;
  job.input = view(row.input);
  job.response = view(row.response);
  job.output = view(row.output);
  job.name = job.output.substr(folder_bytes_);
  job.id = view(row.id);
  job.extra = view(row.extra);
  job.azimuth = unless_nan(numbers.azimuth);
  job.elevation = unless_nan(numbers.elevation);
  job.distance = unless_nan(numbers.distance);
  job.offset = unless_nan(numbers.offset);
  job.duration = unless_nan(numbers.duration);
  job.gain = unless_nan(numbers.gain);
  if (numbers.channel >= 0) job.channel = numbers.channel;
  job.channel_is_of_several = (numbers.flags & kOfSeveral) != 0;
  if (numbers.archive_offset >= 0) job.archive_offset = numbers.archive_offset;
  if (numbers.archive_bytes >= 0) job.archive_bytes = numbers.archive_bytes;
  job.is_command = (numbers.flags & kCommand) != 0;
  job.is_placed = (numbers.flags & kPlaced) != 0;
  return job;
}

}  // namespace gpuconv
