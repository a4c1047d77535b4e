#include "host/batch/list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/batch/journal.hpp"
#include "host/files/input_file.hpp"
#include "host/files/location.hpp"
#include "host/files/output_file.hpp"
#include "host/read/container.hpp"

namespace gpuconv {
namespace {

/// A file with a longer line is not a list.
constexpr std::size_t kMostLineBytes = 65'536;
constexpr int kMostLines = 10'000'000;

/// A line that cannot be understood; the list's name and the line's number are added.
struct BadLine : std::runtime_error {
  using std::runtime_error::runtime_error;
};

double number(std::string_view column, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    throw BadLine(fmt::format("{} '{}' is not a number", column, text));
  }
  return value;
}

struct Column {
  std::string_view name;
  bool is_number;
  void (*set)(ListedJob& job, const std::string& text);
};

constexpr Column kColumns[] = {
    {"input", false, [](ListedJob& job, const std::string& text) { job.input = text; }},
    {"response", false, [](ListedJob& job, const std::string& text) { job.response = text; }},
    {"output", false, [](ListedJob& job, const std::string& text) { job.output = text; }},
    {"azimuth", true,
     [](ListedJob& job, const std::string& text) { job.azimuth = number("azimuth", text); }},
    {"elevation", true,
     [](ListedJob& job, const std::string& text) { job.elevation = number("elevation", text); }},
};

bool is_column(const std::string& name) {
  return std::ranges::find(kColumns, name, &Column::name) != std::end(kColumns);
}

std::string all_columns() {
  std::string all;
  for (const Column& column : kColumns) all.append(all.empty() ? "" : ", ").append(column.name);
  return all;
}

const Column& find_column(const std::string& name) {
  if (is_column(name)) return *std::ranges::find(kColumns, name, &Column::name);
  throw BadLine(fmt::format("'{}' is not a column of a list (known: {})", name, all_columns()));
}

void set(ListedJob& job, const Column& column, const std::string& text) {
  if (text.find('\0') != std::string::npos) {
    throw BadLine(fmt::format("{} holds a zero byte", column.name));
  }
  if (!text.empty()) column.set(job, text);
}

/// Takes a field off the front of `rest`, up to a comma or the end of the line. One in quotes may
/// hold commas, and quotes that are written twice.
std::string take_field(std::string_view& rest) {
  std::string field;
  if (!rest.starts_with('"')) {
    field = rest.substr(0, rest.find(','));
    if (field.find('"') != std::string::npos) throw BadLine("has a quote within a field");
    rest.remove_prefix(field.size());
    return field;
  }
  for (;;) {
    const std::size_t end = rest.find('"', 1);
    if (end == std::string_view::npos) throw BadLine("has a quote that is not closed");
    field += rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (!rest.starts_with('"')) break;
    field += '"';
  }
  if (!rest.empty() && rest.front() != ',') throw BadLine("goes on after a quote");
  return field;
}

std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields{take_field(line)};
  while (!line.empty()) {
    line.remove_prefix(1);  // the comma
    fields.push_back(take_field(line));
  }
  return fields;
}

class CsvLines {
 public:
  /// Nothing for the line that names the columns.
  std::optional<ListedJob> operator()(const std::string& line, int number) {
    try {
      return job_of(line, number);
    } catch (const BadLine& bad) {
      if (!line.starts_with('#')) throw;
      throw BadLine(std::string(bad.what()) + " (comments are not known in lists)");
    }
  }

 private:
  std::optional<ListedJob> job_of(const std::string& line, int number) {
    const std::vector<std::string> fields = fields_of(line);
    if (columns_.empty()) {
      name_columns(fields);
      named_in_ = number;
      return std::nullopt;
    }
    if (fields.size() != columns_.size()) {
      throw BadLine(fmt::format("has {} field{} where line {} names {}", fields.size(),
                                fields.size() == 1 ? "" : "s", named_in_, columns_.size()));
    }
    ListedJob job;
    for (std::size_t i = 0; i < fields.size(); ++i) set(job, *columns_[i], fields[i]);
    return job;
  }

  void name_columns(const std::vector<std::string>& names) {
    if (std::ranges::none_of(names, is_column)) {
      throw BadLine(
          fmt::format("must name the columns ({}); '{}' is none", all_columns(), names.front()));
    }
    for (const std::string& name : names) {
      const Column* const column = &find_column(name);
      if (std::ranges::find(columns_, column) != columns_.end()) {
        throw BadLine(fmt::format("names the column '{}' twice", name));
      }
      columns_.push_back(column);
    }
    if (std::ranges::find(columns_, &kColumns[0]) == columns_.end()) {
      throw BadLine("names no column 'input'");
    }
  }

  std::vector<const Column*> columns_;
  int named_in_ = 0;  // a line
};

std::optional<ListedJob> json_line(const std::string& line, int) {
  using Json = nlohmann::json;
  std::set<std::string> keys;
  const auto refuse_twice = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1 && !keys.insert(parsed).second) {
      throw BadLine(fmt::format("names '{}' twice", parsed.get<std::string>()));
    }
    return true;
  };
  const Json json = Json::parse(line, refuse_twice, false);
  if (!json.is_object()) throw BadLine("is not a JSON object");
  ListedJob job;
  for (const auto& [key, value] : json.items()) {
    const Column& column = find_column(key);
    if (value.is_null()) continue;
    if (!value.is_string() && !(value.is_number() && column.is_number)) {
      throw BadLine(fmt::format("{} is not {}", key, column.is_number ? "a number" : "text"));
    }
    set(job, column, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return job;
}

std::optional<ListedJob> scp_line(const std::string& line, int) {
  constexpr const char* kBlanks = " \t";
  const std::size_t end_of_id = line.find_first_of(kBlanks);
  const std::size_t begin = line.find_first_not_of(kBlanks, end_of_id);
  if (end_of_id == 0 || begin == std::string::npos) throw BadLine("is not an ID and a path");
  ListedJob job;
  job.input = line.substr(begin, line.find_last_not_of(kBlanks) + 1 - begin);
  if (job.input.back() == '|') throw BadLine("is a command, which gpuconv does not run");
  job.output = line.substr(0, end_of_id) + ".wav";
  return job;
}

using ParseLine = std::function<std::optional<ListedJob>(const std::string& line, int number)>;

ParseLine parser_of(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension();
  if (extension == ".json") {
    throw FileError(
        path, "gpuconv does not read .json; write one object per line and name the list .jsonl");
  }
  if (extension == ".jsonl") return json_line;
  if (extension == ".scp") return scp_line;
  return CsvLines();
}

/// Throws FileError if these are the first bytes of a recording or a response: a name was left out,
/// or two changed places. A line of text may begin like a container, but holds no zeros.
void reject_sound(const std::string& path, std::string_view bytes) {
  const std::string_view head = bytes.substr(0, 40);
  const std::span head_bytes(reinterpret_cast<const unsigned char*>(head.data()), head.size());
  if (head.find('\0') != head.npos && find_container(head_bytes) != nullptr) {
    throw FileError(path, "is sound and not a list");
  }
  if (head.starts_with("\x89HDF")) throw FileError(path, "is a SOFA file and not a list");
}

/// Text that is not UTF-8 would be cut or garbled in messages.
void check_text(const std::string& line, bool is_first) {
  if (is_first && (line.starts_with("\xff\xfe") || line.starts_with("\xfe\xff"))) {
    throw BadLine("is UTF-16; save the list as UTF-8");
  }
  if (line.find('\0') != std::string::npos) throw BadLine("holds a zero byte");
}

/// Lines of a file or a pipe, without their ends.
class Lines {
 public:
  explicit Lines(const std::string& path) : name_(input_name(path)), file_(open_input(path)) {
    if (fill()) reject_sound(name_, {bytes_.data(), static_cast<std::size_t>(end_)});
  }

  bool next(std::string& line) {
    line.clear();
    for (;;) {
      if (begin_ == end_ && !fill()) return !line.empty();
      const auto from = bytes_.begin() + begin_;
      const auto to = std::find(from, bytes_.begin() + end_, '\n');
      line.append(from, to);
      if (line.size() > kMostLineBytes) {
        throw BadLine(fmt::format("is longer than {} bytes", kMostLineBytes));
      }
      begin_ = to - bytes_.begin();
      if (begin_ == end_) continue;
      ++begin_;
      return true;
    }
  }

 private:
  bool fill() {
    for (;;) {
      const ssize_t got = ::read(file_.descriptor.get(), bytes_.data(), bytes_.size());
      stop_if_interrupted();
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw BadLine(fmt::format("cannot be read ({})", std::strerror(errno)));
      begin_ = 0;
      end_ = got;
      return got > 0;
    }
  }

  std::string name_;
  InputFile file_;
  std::array<char, kMostLineBytes> bytes_;
  std::ptrdiff_t begin_ = 0;
  std::ptrdiff_t end_ = 0;
};

/// Fills in what the line leaves out.
void complete(ListedJob& job, const std::string& folder, const std::string& response) {
  namespace fs = std::filesystem;
  if (job.input.empty()) throw BadLine("names no input");
  if (job.response.empty()) job.response = response;
  if (job.response.empty()) throw BadLine("names no response, nor does --response");
  if (job.input == "-" || job.response == "-") throw BadLine("a list cannot name standard input");
  fs::path output = job.output;
  if (output.empty()) output = fs::path(job.input).stem().concat(".wav");
  output = output.lexically_normal();
  if (output.is_absolute() || *output.begin() == ".." || !output.has_filename() || output == ".") {
    throw BadLine(
        fmt::format("output '{}' is not a file within the folder of --output", job.output));
  }
  job.name = output;
  job.output = fs::path(folder) / output;  // not normalised: "link/.." is not "."
}

/// All outputs of a list, by location and, if they exist, by identity.
class Outputs {
 public:
  explicit Outputs(const std::string& folder) : journal_(locations_(journal_of(folder))) {}

  /// Throws BadLine if an earlier job has this output, or if it is the journal.
  void add(const ListedJob& job) {
    const std::string location = locations_(job.output);
    if (location == journal_) throw BadLine(fmt::format("output '{}' is the journal", job.output));
    refuse(by_location_.try_emplace(location, job.line), job);
    if (const auto status = status_of(job.output)) {
      refuse(by_id_.try_emplace(FileId(*status), job.line), job);
    }
  }

  /// The line whose output `path` is; 0 if there is none.
  int line_of(const std::string& path) {
    const auto found = by_location_.find(locations_(path));
    if (found != by_location_.end()) return found->second;
    const auto status = by_id_.empty() ? std::nullopt : status_of(path);
    const auto same = status ? by_id_.find(FileId(*status)) : by_id_.end();
    return same != by_id_.end() ? same->second : 0;
  }

  /// Throws BadLine if `path` is an output.
  void refuse_to_lose(const std::string& path) {
    if (const int line = line_of(path)) {
      throw BadLine(fmt::format("reads {}, the output of line {}", path, line));
    }
  }

 private:
  template <typename Added>
  static void refuse(const Added& added, const ListedJob& job) {
    const auto& [entry, is_new] = added;
    if (!is_new) {
      throw BadLine(fmt::format("has the output of line {}, {}; each job needs its own",
                                entry->second, job.output));
    }
  }

  Locations locations_;
  const std::string journal_;  // its location
  std::unordered_map<std::string, int> by_location_;
  std::map<FileId, int> by_id_;
};

}  // namespace

std::vector<ListedJob> read_list(const std::string& path, const std::string& folder,
                                 const std::string& response) {
  std::vector<ListedJob> jobs;
  int number = 0;
  try {
    const ParseLine parse = parser_of(path);
    Lines lines(path);
    Outputs outputs(folder);
    for (std::string line;;) {
      ++number;
      if (!lines.next(line)) break;
      if (number > kMostLines) {
        throw BadLine(fmt::format("is one too many (limit {} lines)", kMostLines));
      }
      if (number == 1 && line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
      check_text(line, number == 1);
      if (line.ends_with('\r')) line.pop_back();
      if (line.find_first_not_of(" \t") == std::string::npos) continue;
      std::optional<ListedJob> job = parse(line, number);
      if (!job) continue;
      job->line = number;
      complete(*job, folder, response);
      outputs.add(*job);
      jobs.push_back(std::move(*job));
    }
    for (const ListedJob& job : jobs) {
      number = job.line;
      outputs.refuse_to_lose(job.input);
      outputs.refuse_to_lose(job.response);
    }
    number = path == "-" ? 0 : outputs.line_of(path);
    if (number > 0) throw BadLine(fmt::format("output {} is this list", path));
  } catch (const BadLine& bad) {
    throw FileError(input_name(path), fmt::format("line {}: {}", number, bad.what()));
  }
  if (jobs.empty()) throw FileError(input_name(path), "holds no jobs");
  return jobs;
}

}  // namespace gpuconv
