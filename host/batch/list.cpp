#include "host/batch/list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "host/base/error.hpp"
#include "host/batch/list_reader.hpp"
#include "host/batch/output_places.hpp"
#include "host/files/location.hpp"

namespace gpuconv {
namespace {

namespace fs = std::filesystem;

/// The kind that the name of a list tells, or its first character; nothing: objects, whose keys
/// will tell.
std::unique_ptr<ListReader> reader_of(const std::string& path, ListText& text,
                                      const ListOptions& options) {
  fs::path name = path;
  if (name.extension() == ".gz") name = name.stem();
  const std::string extension = name.extension();
  const auto format = options.format;
  const bool is_lines = extension == ".jsonl";
  if (format == ListFormat::csv) return csv_reader(text);
  if (format == ListFormat::kaldi || (!format && extension == ".scp")) {
    const auto folder = path == "-" ? std::nullopt : std::optional(fs::path(path).parent_path());
    return kaldi_reader(text, folder, options.allows_commands);
  }
  const bool is_json =
      is_lines || extension == ".json" || text.first() == '{' || text.first() == '[';
  if (format || is_json) return json_reader(text, !is_lines, format, options.allows_commands);
  return csv_reader(text);
}

/// Whether lexically_normal() would change nothing: no "//", "/./", "/../" or "./" before it.
bool is_normal(std::string_view path) {
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

/// Fills in what the lines leave out, and checks what they name.
class Completion {
 public:
  Completion(const std::string& list, const ListOptions& options) : options_(options) {
    if (list != "-") list_folder_ = fs::path(list).parent_path();
    if (!list_folder_.empty() && !list_folder_.ends_with('/')) list_folder_ += '/';
    folder_ = options.folder;  // not normalised: "link/.." is not "."
    if (!folder_.ends_with('/')) folder_ += '/';
  }

  std::size_t folder_bytes() const { return folder_.size(); }

  /// What is put before paths that are relative to the list.
  const std::string& input_folder() const { return list_folder_; }

  /// The texts of the result live as long as those of `draft`, and until the next call.
  ListedJob operator()(DraftJob& draft, bool is_relative_to_list) {
    if (draft.input.empty()) throw BadLine("names no input");
    if (draft.response.empty() && options_.response.empty()) {
      throw BadLine("names no response, nor does --response");
    }
    if (draft.input == "-" || draft.response == "-") {
      throw BadLine("a list cannot name standard input");
    }
    name_output(draft);
    const auto place = [&](std::string& path) {
      const bool is_placed =
          !path.empty() && path.front() != '/' && is_relative(is_relative_to_list);
      if (is_placed) path.insert(0, list_folder_);
      return is_placed;
    };
    const bool is_placed = !draft.is_command && !draft.is_in_list && place(draft.input);
    place(draft.response);
    if (!draft.extra.empty()) draft.extra = '{' + std::move(draft.extra) + '}';
    ListedJob job;
    job.line = draft.line;
    job.input = draft.input;
    job.response = draft.response.empty() ? options_.response : draft.response;
    job.output = output_;
    job.name = job.output.substr(folder_.size());
    job.id = draft.id;
    job.extra = draft.extra;
    job.azimuth = draft.azimuth;
    job.elevation = draft.elevation;
    job.distance = draft.distance;
    job.offset = draft.offset;
    job.duration = draft.duration;
    job.gain = draft.gain;
    job.channel = draft.channel;
    job.channel_is_of_several = draft.channel_is_of_several;
    job.archive_offset = draft.archive_offset;
    job.archive_bytes = draft.archive_bytes;
    job.is_command = draft.is_command;
    job.is_placed = is_placed;
    check_extension(job);
    return job;
  }

 private:
  /// Makes output_.
  void name_output(const DraftJob& draft) {
    std::string name = draft.output.empty() ? default_name(draft) : draft.output;
    if (!is_normal(name)) {
      const fs::path normal = fs::path(name).lexically_normal();
      if (normal.is_absolute() || normal.empty() || *normal.begin() == ".." ||
          !normal.has_filename() || normal == ".") {
        throw BadLine(fmt::format("output '{}' is not a file within the folder of --output", name));
      }
      name = normal;
    }
    output_.assign(folder_).append(name);
  }

  static std::string default_name(const DraftJob& draft) {
    if (!draft.id.empty()) return draft.id + ".wav";
    std::string name = fs::path(draft.input).stem();
    if (draft.channel) name += fmt::format("-ch{}", *draft.channel);
    if (draft.offset.value_or(0) > 0) name += fmt::format("-{}", *draft.offset);
    return name + ".wav";
  }

  bool is_relative(bool is_relative_to_list) const {
    return options_.paths ? *options_.paths == ListPaths::list : is_relative_to_list;
  }

  /// Throws BadLine unless gpuconv writes this kind of file.
  void check_extension(const ListedJob& job) {
    const std::string_view name = job.name.substr(job.name.rfind('/') + 1);
    const std::size_t dot = name.rfind('.');
    const bool has_extension = dot != name.npos && dot > 0;
    const std::string_view extension = has_extension ? name.substr(dot) : std::string_view();
    if (has_extension && std::ranges::find(extensions_, extension) != extensions_.end()) return;
    const std::string path(job.output);
    if (is_special_file(path)) return;  // a pipe has no kind
    if (!has_extension) {
      throw BadLine(fmt::format("output '{}' has no extension, such as .wav", job.name));
    }
    try {
      resolve_format(path, options_.output_format);
    } catch (const UsageError& error) {
      throw BadLine(error.what());
    }
    extensions_.emplace_back(extension);
  }

  const ListOptions& options_;
  std::string list_folder_;  ///< with a slash; empty: the current one
  std::string folder_;       ///< of the outputs, with a slash
  std::string output_;
  std::vector<std::string> extensions_;  ///< that are right
};

/// Throws BadLine if a job reads an output.
void refuse_to_lose_inputs(const JobList& jobs, OutputPlaces& places) {
  jobs.visit_files([&](std::string_view path, std::size_t job) {
    if (const int line = places.line_of(std::string(path))) {
      throw BadLine(fmt::format("reads {}, the output of line {}", path, line), jobs.line(job));
    }
  });
}

}  // namespace

JobList read_list(const std::string& path, const ListOptions& options) {
  JobList jobs;
  int number = 1;
  try {
    std::optional<ListText> text;
    std::unique_ptr<ListReader> reader = options.format ? nullptr : webdataset_reader(path);
    if (!reader) reader = reader_of(path, text.emplace(path), options);
    try {
      Completion complete(path, options);
      jobs.set_folders(complete.folder_bytes(), complete.input_folder());
      OutputPlaces places(jobs, options.folder);
      for (DraftJob draft; reader->next(draft); draft = {}) {
        draft.line = reader->line();
        jobs.add(complete(draft, reader->is_relative_to_list()));
        if (options.checks_outputs) places.add_last();
      }
      if (options.checks_outputs) {
        places.check_links();
        refuse_to_lose_inputs(jobs, places);
        if (const int line = path == "-" ? 0 : places.line_of(path)) {
          throw BadLine(fmt::format("output {} is this list", path), line);
        }
      }
    } catch (const BadLine&) {
      number = reader->line();
      throw;
    }
    jobs.format = reader->format();
    if (const std::string warning = reader->warning(); !warning.empty()) {
      jobs.warnings.push_back(input_name(path) + ": " + warning);
    }
  } catch (const BadLine& bad) {
    throw FileError(input_name(path),
                    fmt::format("line {}: {}", bad.line > 0 ? bad.line : number, bad.what()));
  }
  if (jobs.empty()) throw FileError(input_name(path), "holds no jobs");
  return jobs;
}

}  // namespace gpuconv
