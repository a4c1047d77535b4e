// added_outputs.hpp - outputs that no line of a list names are checked as those that one does
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "host/files/location.hpp"

namespace gpuconv {

/// First all outputs, then all that is read.
class AddedOutputs {
 public:
  /// `folder` is that of the outputs.
  AddedOutputs(const std::string& list, const std::string& folder);

  /// Throws FileError if an earlier output is this file, also through links, or if it is the list
  /// or the journal.
  void writes(const std::string& path, int line);
  /// Throws FileError if an output is this file. `line` is 0 if no line names it.
  void reads(const std::string& path, int line);

 private:
  int line_of(const std::string& path);
  [[noreturn]] void refuse(int line, const std::string& problem) const;

  std::string list_;
  std::optional<FileId> list_id_;
  Locations locations_;
  std::string journal_;  ///< its location
  std::unordered_map<std::string, int> by_location_;
  std::map<FileId, int> by_id_;
};

}  // namespace gpuconv
