#include "host/batch/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string_view>

#include "host/base/hash.hpp"
#include "host/files/file_descriptor.hpp"
#include "host/files/folder.hpp"
#include "host/files/location.hpp"

namespace gpuconv {
namespace {

constexpr std::string_view kName = ".gpuconv-batch";

/// Whether what a killed process left unfinished would run into the next line.
bool is_torn(int file) {
  const off_t bytes = ::lseek(file, 0, SEEK_END);
  char last = '\n';
  return bytes > 0 && ::pread(file, &last, 1, bytes - 1) == 1 && last != '\n';
}

std::optional<BatchRecord> record_in(const std::string& line) {
  BatchRecord record;
  char method[64] = "";
  if (std::sscanf(line.c_str(), "# method %63s settings %16lx list %16lx shard %d/%d", method,
                  &record.settings, &record.list, &record.shard.index, &record.shard.count) != 5) {
    return std::nullopt;
  }
  record.method = method;
  return record;
}

}  // namespace

std::optional<std::string> state_of(const std::string& path) {
  const auto status = status_of(path);
  if (!status || !S_ISREG(status->st_mode)) return std::nullopt;
  return fmt::format("{} bytes of {}.{:09}", status->st_size, status->st_mtim.tv_sec,
                     status->st_mtim.tv_nsec);
}

std::string journal_of(const std::string& folder) { return folder + "/" + std::string(kName); }

std::string journal_of(const std::string& folder, const Shard& shard) {
  const std::string whole = journal_of(folder);
  return shard.is_all() ? whole : fmt::format("{}.{}-of-{}", whole, shard.index, shard.count);
}

Journal::Journal(const std::string& folder, const Shard& shard)
    : path_(journal_of(folder, shard)), paths_{path_} {
  for (const std::string& name : names_in(folder, {kName})) {
    const std::string path = folder + "/" + name;
    if (path != path_) paths_.push_back(path);
  }
  // What this share did last counts.
  std::sort(paths_.begin() + 1, paths_.end());
  for (std::size_t i = paths_.size(); i-- > 0;) read(paths_[i]);
}

void Journal::read(const std::string& path) {
  const auto index = static_cast<std::uint32_t>(std::ranges::find(paths_, path) - paths_.begin());
  std::ifstream file(path);
  std::uint64_t value = 0;
  int has_clipped = 0;
  std::uint64_t offset = 0;
  // A line that a killed process left unfinished says nothing.
  for (std::string line; std::getline(file, line); offset += line.size() + 1) {
    if (line.ends_with('}') &&
        std::sscanf(line.c_str(), "%16lx %1d {", &value, &has_clipped) == 2) {
      done_[value] = {has_clipped != 0, {index, offset}};
    } else if (auto record = record_in(line)) {
      records_.push_back(std::move(*record));
    }
  }
}

std::optional<std::string> Journal::recorded_method(std::uint64_t settings) const {
  const auto found = std::find_if(records_.rbegin(), records_.rend(),
                                  [&](const BatchRecord& one) { return one.settings == settings; });
  if (found == records_.rend()) return std::nullopt;
  return found->method;
}

std::string Journal::line_of(const BatchRecord& record) {
  return fmt::format("# method {} settings {:016x} list {:016x} shard {}/{}\n", record.method,
                     record.settings, record.list, record.shard.index, record.shard.count);
}

std::optional<BatchRecord> Journal::last_record(const std::string& path) {
  std::ifstream file(path);
  std::optional<BatchRecord> last;
  for (std::string line; std::getline(file, line);) {
    if (auto record = line.starts_with('#') ? record_in(line) : std::nullopt) last = record;
  }
  return last;
}

bool Journal::begin(const BatchRecord& record) {
  if (!records_.empty() && records_.back() == record) return true;
  records_.push_back(record);
  std::uint64_t end = 0;
  return append(line_of(record), end);
}

std::optional<std::string> Journal::origin(const ListedJob& job, const std::string& settings) {
  if (job.is_command) return std::nullopt;
  const auto input = state_of(std::string(job.input));
  const auto response = state_of(std::string(job.response));
  if (!input || !response) return std::nullopt;
  return fmt::format("{}\n{}\n{}: {}\n{}: {}\n{}", settings, job.name, job.input, *input,
                     job.response, *response, choices_of(job));
}

std::optional<Journal::Done> Journal::find(const ListedJob& job, const std::string& origin) const {
  const auto output = state_of(std::string(job.output));
  if (!output) return std::nullopt;
  const auto found = done_.find(hash_of(origin + "\n" + *output));
  if (found == done_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::optional<Journal::Place>> Journal::note(std::span<const Note> notes) {
  std::string text;
  std::vector<std::optional<Place>> places(notes.size());
  for (std::size_t i = 0; i < notes.size(); ++i) {
    const auto output = state_of(notes[i].output);
    if (!output) continue;  // a device or a pipe
    places[i] = Place{0, text.size()};
    text += fmt::format("{:016x} {} {}\n", hash_of(notes[i].origin + "\n" + *output),
                        static_cast<int>(notes[i].has_clipped), notes[i].result);
  }
  std::uint64_t end = 0;
  if (!append(text, end)) return {};
  for (auto& place : places) {
    if (place) place->offset += end - text.size();
  }
  return places;
}

bool Journal::append(const std::string& text, std::uint64_t& end) {
  if (text.empty()) return true;
  // A link does not lead to a journal of ours.
  const FileDescriptor file(
      ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!file) return false;
  const std::string whole = (is_torn(file.get()) ? "\n" : "") + text;
  std::string_view rest = whole;
  while (!rest.empty()) {
    const ssize_t written = ::write(file.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  // Where another process appends, too, the end of what was written here is still known.
  end = static_cast<std::uint64_t>(std::max<off_t>(0, ::lseek(file.get(), 0, SEEK_CUR)));
  return true;
}

std::string Journal::result(const Place& place) const {
  files_.resize(paths_.size());
  std::ifstream& file = files_[place.file];
  if (!file.is_open()) file.open(paths_[place.file]);
  file.clear();
  file.seekg(static_cast<std::streamoff>(place.offset));
  std::string line;
  std::getline(file, line);
  const std::size_t begin = line.find('{');
  return begin == line.npos || !line.ends_with('}') ? "" : line.substr(begin);
}

}  // namespace gpuconv
