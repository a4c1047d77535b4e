// list_reader.hpp - the kinds of lists: each takes the jobs out of a text
#pragma once

#include <memory>
#include <string>

#include "host/batch/draft_job.hpp"
#include "host/batch/list.hpp"
#include "host/batch/list_text.hpp"

namespace gpuconv {

class ListReader {
 public:
  ListReader() = default;
  ListReader(const ListReader&) = delete;
  ListReader& operator=(const ListReader&) = delete;
  virtual ~ListReader() = default;

  /// The next job; false at the end. Throws BadLine.
  virtual bool next(DraftJob& job) = 0;

  /// The line at which the job begins, from 1; of the end, one more than there are.
  virtual int line() const = 0;

  /// Whether paths are relative to the folder of the list, unless the user says otherwise.
  virtual bool is_relative_to_list() const { return false; }

  /// Known when the first job has been read.
  virtual ListFormat format() const = 0;

  /// What to tell when all jobs have been read; may be empty.
  virtual std::string warning() const { return ""; }
};

// Each reads from `text`, which must live longer.
std::unique_ptr<ListReader> csv_reader(ListText& text);

/// Objects in lines (`is_document` false), or anywhere, also in an array. Without a `format`, the
/// first object tells whether these are our keys, NeMo's or Lhotse's.
std::unique_ptr<ListReader> json_reader(ListText& text, bool is_document,
                                        std::optional<ListFormat> format, bool allows_commands);

/// `folder` is that of the list, for reco2file_and_channel; nothing for standard input.
std::unique_ptr<ListReader> kaldi_reader(ListText& text, const std::optional<std::string>& folder,
                                         bool allows_commands);

/// A shard of WebDataset: a job for each recording in a tar. Nothing if `path` is not a tar.
std::unique_ptr<ListReader> webdataset_reader(const std::string& path);

}  // namespace gpuconv
