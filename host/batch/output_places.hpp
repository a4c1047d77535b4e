// output_places.hpp - which job writes where, whatever links lead there
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/batch/hash_index.hpp"
#include "host/batch/job_list.hpp"
#include "host/files/location.hpp"

namespace gpuconv {

/// The outputs of a list, by folder and name. Costs system calls for each folder and each output
/// that is a link, not for each job.
class OutputPlaces {
 public:
  /// `folder` is that of the batch.
  OutputPlaces(const JobList& jobs, const std::string& folder);

  /// Adds the last job of the list. Throws BadLine if an earlier job has its output, or if it is
  /// the journal.
  void add_last();

  /// When all have been added: throws BadLine if links make two outputs one, or an output the
  /// journal.
  void check_links();

  /// The line whose output `path` is; 0 if there is none. After check_links().
  int line_of(const std::string& path);

 private:
  using Number = std::uint32_t;  ///< of a job, or of a folder
  struct Present {
    ino_t inode;
    Number job;
  };
  struct Place {
    Number folder;
    std::string_view name;
  };

  std::string_view output(Number job) const { return jobs_.output(job); }
  Number folder_of(std::string_view path);
  Place place_of(Number job);
  std::optional<Number> find(const Place& place);
  void check_folder(Number folder, const std::string& path);
  void check_present(Number job, bool is_link, ino_t inode);
  void check_link(Number job);
  [[noreturn]] void refuse(Number one, Number other) const;
  [[noreturn]] void refuse_journal(Number job) const;

  const JobList& jobs_;
  Locations locations_;
  std::unordered_map<std::string, Number> folders_;    ///< as written -> its number
  std::unordered_map<std::string, Number> canonical_;  ///< without links -> its number
  std::string last_folder_;                            ///< as written
  Number last_number_ = 0;
  Place journal_;
  HashIndex index_;
  std::vector<Present> present_;                       ///< outputs that exist; sorted at the end
  std::unordered_map<std::string, Number> link_ends_;  ///< where links lead -> the first job
};

}  // namespace gpuconv
