// draft_job.hpp - a job while its line is read, and what the columns of a list mean
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace gpuconv {

/// The fields of a ListedJob, as the line has them: paths may be relative, and all may be missing.
struct DraftJob {
  int line = 0;
  std::string input, response, output, id;
  std::string extra;  ///< members of a JSON object, without the braces
  std::optional<double> azimuth, elevation, distance, offset, duration, gain;
  std::optional<int> channel;
  bool channel_is_of_several = false;
  std::optional<std::int64_t> archive_offset, archive_bytes;
  bool is_command = false;
  bool is_in_list = false;  ///< `input` is the list itself, which holds the recording
};

/// A column of a table, or a key of an object, that gpuconv knows.
struct Column {
  std::string_view name;
  double least, most;  ///< of a number; a text has none
  const char* unit;    ///< null: a text
  void (*set_text)(DraftJob& job, std::string_view text);
  void (*set_number)(DraftJob& job, double number);
};

/// Null for a name that gpuconv does not know. Upper case and blanks around it do not matter.
/// Throws BadLine for a name with one letter too many, too few or wrong, or with two swapped.
const Column* find_column(std::string_view name);

/// "input, response, ...".
std::string all_columns();

/// Throws BadLine if the text is not such a number, or holds a zero byte. An empty one sets
/// nothing.
void set(DraftJob& job, const Column& column, std::string_view text);
void set(DraftJob& job, const Column& column, double number);

/// Adds a member to `job.extra`; `value` is JSON.
void pass_on(DraftJob& job, std::string_view name, std::string_view value);

/// `text` as JSON. Throws BadLine if it is not UTF-8.
std::string json_of(std::string_view text);

/// Without blanks around it.
std::string_view trimmed(std::string_view text);

/// Names of columns that gpuconv does not know, each once, in the order of their lines.
class UnknownColumns {
 public:
  void add(std::string_view name);
  /// A warning; empty if there is nothing to say.
  std::string warning() const;

 private:
  std::vector<std::string> names_;
  std::set<std::string, std::less<>> known_;
  bool has_more_ = false;
};

}  // namespace gpuconv
