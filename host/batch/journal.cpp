#include "host/batch/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <string_view>

#include "host/files/file_descriptor.hpp"
#include "host/files/location.hpp"

namespace gpuconv {
namespace {

/// FNV-1a with 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/): the same in every program.
std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 0xcbf29ce484222325u;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return value;
}

/// Nothing unless it is a regular file.
std::optional<std::string> state_of(const std::string& path) {
  const auto status = status_of(path);
  if (!status || !S_ISREG(status->st_mode)) return std::nullopt;
  return fmt::format("{} bytes of {}.{:09}", status->st_size, status->st_mtim.tv_sec,
                     status->st_mtim.tv_nsec);
}

template <typename Number>
std::string words_of(const std::optional<Number>& number) {
  return number ? fmt::format("{}", *number) : "none";
}

/// What the list says of a job beside its files.
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

/// Whether what a killed process left unfinished would run into the next line.
bool is_torn(int file) {
  const off_t bytes = ::lseek(file, 0, SEEK_END);
  char last = '\n';
  return bytes > 0 && ::pread(file, &last, 1, bytes - 1) == 1 && last != '\n';
}

}  // namespace

std::string journal_of(const std::string& folder) { return folder + "/.gpuconv-batch"; }

Journal::Journal(const std::string& folder, const std::string& settings)
    : path_(journal_of(folder)), settings_(settings) {
  std::ifstream file(path_);
  std::uint64_t value = 0;
  int has_clipped = 0;
  // A line that a killed process left unfinished says nothing.
  for (std::string line; std::getline(file, line);) {
    if (std::sscanf(line.c_str(), "%16lx %1d ", &value, &has_clipped) == 2) {
      done_[value] = has_clipped != 0;
    }
  }
}

std::optional<std::string> Journal::origin(const ListedJob& job) const {
  if (job.is_command) return std::nullopt;
  const auto input = state_of(std::string(job.input));
  const auto response = state_of(std::string(job.response));
  if (!input || !response) return std::nullopt;
  return fmt::format("{}\n{}\n{}: {}\n{}: {}\n{}", settings_, job.name, job.input, *input,
                     job.response, *response, choices_of(job));
}

std::optional<bool> Journal::find(const ListedJob& job, const std::string& origin) const {
  const auto output = state_of(std::string(job.output));
  if (!output) return std::nullopt;
  const auto found = done_.find(hash(origin + "\n" + *output));
  if (found == done_.end()) return std::nullopt;
  return found->second;
}

bool Journal::note(const ListedJob& job, const std::string& origin, bool has_clipped) const {
  const auto output = state_of(std::string(job.output));
  if (!output) return true;  // a device or a pipe
  // A link does not lead to a journal of ours.
  const FileDescriptor file(
      ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666));
  const std::string line =
      fmt::format("{}{:016x} {} {}\n", file && is_torn(file.get()) ? "\n" : "",
                  hash(origin + "\n" + *output), static_cast<int>(has_clipped), job.name);
  return file && ::write(file.get(), line.data(), line.size()) == std::ssize(line);
}

}  // namespace gpuconv
