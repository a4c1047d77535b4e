// job_list.hpp - the jobs of a batch, in little memory: a list may have millions of lines
#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/batch/hash_index.hpp"

namespace gpuconv {

enum class ListFormat { csv, jsonl, nemo, lhotse, kaldi };

/// A job as a list names it. Its texts belong to the JobList.
struct ListedJob {
  std::size_t position = 0;       ///< in the JobList that it was taken from
  int line = 0;                   ///< counted from 1
  std::string_view input;         ///< a path, or a command
  std::string_view response;      ///< a path
  std::string_view name;          ///< of the output, within the folder of the batch
  std::string_view output;        ///< its path: folder and name
  std::string_view id;            ///< may be empty
  std::string_view extra;         ///< a JSON object of what gpuconv does not know; empty if nothing
  std::optional<double> azimuth;  ///< degrees
  std::optional<double> elevation;     ///< degrees
  std::optional<double> distance;      ///< metres
  std::optional<double> offset;        ///< seconds of the recording to skip
  std::optional<double> duration;      ///< seconds of the recording to read
  std::optional<double> gain;          ///< dB
  std::optional<int> channel;          ///< of the recording, counted from 1
  bool channel_is_of_several = false;  ///< a recording of one channel is read whatever `channel` is
  std::optional<std::int64_t> archive_offset;  ///< the byte of a file at which it begins
  std::optional<std::int64_t> archive_bytes;   ///< otherwise Kaldi's archive says where it ends
  bool is_command = false;                     ///< `input` is for `sh -c`, and prints the recording
  bool is_placed = false;                      ///< JobList::input_folder() was put before `input`
};

/// What the list says of a job beside its files, in words.
std::string choices_of(const ListedJob& job);

/// Keeps equal paths of inputs and responses once, and so equal numbers.
class JobList {
 public:
  std::size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }

  /// Its texts live as long as this list.
  ListedJob operator[](std::size_t i) const;

  class Iterator {
   public:
    using difference_type = std::ptrdiff_t;
    using value_type = ListedJob;
    Iterator() = default;
    Iterator(const JobList& list, std::size_t i) : list_(&list), i_(i) {}
    ListedJob operator*() const { return (*list_)[i_]; }
    Iterator& operator++() { return ++i_, *this; }
    Iterator operator++(int) {
      Iterator before = *this;
      ++i_;
      return before;
    }
    bool operator==(const Iterator& other) const { return i_ == other.i_; }

   private:
    const JobList* list_ = nullptr;
    std::size_t i_ = 0;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

  /// What gpuconv has to say about the list as a whole.
  std::vector<std::string> warnings;
  /// Of the list; jsonl for a shard of WebDataset.
  ListFormat format = ListFormat::csv;

  // For those who make a list.

  /// The outputs that are added begin with `bytes` bytes for the folder, relative inputs with
  /// `input_folder`, which the list does not name.
  void set_folders(std::size_t bytes, const std::string& input_folder) {
    folder_bytes_ = bytes;
    input_folder_ = input_folder;
  }
  std::size_t folder_bytes() const { return folder_bytes_; }
  const std::string& input_folder() const { return input_folder_; }
  void add(const ListedJob& job);
  std::string_view output(std::size_t i) const { return view(rows_[i].output); }
  int line(std::size_t i) const { return rows_[i].line; }

  /// Equal for jobs with one input of which they read one part in one way.
  std::pair<const void*, std::uint32_t> recording(std::size_t i) const {
    return {rows_[i].input, rows_[i].numbers};
  }

  /// Calls `visit(path, i)` for each distinct input and response, with the first job `i` that reads
  /// it.
  template <typename Visit>
  void visit_files(const Visit& visit) const {
    for (const File& file : files_) visit(view(file.path), std::size_t{file.first});
  }

 private:
  /// A text in the arena: its length, then its bytes.
  using Text = const char*;
  struct File {
    Text path;
    std::uint32_t first;  ///< the job that named it first
  };
  /// The part of a job that many jobs have in common; NaN and -1: not given. Without gaps, so that
  /// equal numbers are equal bytes.
  struct Numbers {
    double azimuth, elevation, distance, offset, duration, gain;
    std::int64_t archive_offset, archive_bytes;
    std::int32_t channel;
    std::uint32_t flags;
  };
  static constexpr std::uint32_t kOfSeveral = 1, kCommand = 2, kPlaced = 4;  ///< flags
  struct Row {
    Text input, response, output, id, extra;
    std::int32_t line;
    std::uint32_t numbers;
  };

  static std::string_view view(Text text);
  Text keep(std::string_view text);
  Text keep_file(std::string_view path);
  std::uint32_t keep_numbers(const Numbers& numbers);

  std::vector<Row> rows_;
  std::vector<Numbers> numbers_;
  HashIndex numbers_index_;
  std::vector<File> files_;
  HashIndex files_index_;
  std::vector<std::unique_ptr<char[]>> arena_;
  char* next_ = nullptr;  ///< in the last block of the arena
  std::size_t left_ = 0;  ///< bytes there
  std::size_t folder_bytes_ = 0;
  std::string input_folder_;
};

}  // namespace gpuconv
