#include "host/batch/added_outputs.hpp"

#include <fmt/format.h>

#include "host/base/error.hpp"
#include "host/batch/journal.hpp"
#include "host/files/input_file.hpp"

namespace gpuconv {

AddedOutputs::AddedOutputs(const std::string& list, const std::string& folder)
    : list_(list), journal_(locations_(journal_of(folder))) {
  if (list == "-") return;
  if (const auto status = status_of(list)) list_id_.emplace(*status);
}

void AddedOutputs::refuse(int line, const std::string& problem) const {
  const std::string place = line == 0 ? "" : fmt::format("line {}: ", line);
  throw FileError(input_name(list_), place + problem);
}

void AddedOutputs::writes(const std::string& path, int line) {
  const auto status = status_of(path);
  if (status && list_id_ == FileId(*status)) refuse(line, path + " is this list");
  std::string location = locations_(path);
  if (location == journal_) refuse(line, path + " is the journal");
  const int earlier = line_of(path);
  if (earlier != 0) {
    refuse(line,
           fmt::format("writes {}, an output of line {}; each job needs its own", path, earlier));
  }
  by_location_.emplace(std::move(location), line);
  if (status) by_id_.emplace(FileId(*status), line);
}

void AddedOutputs::reads(const std::string& path, int line) {
  if (const int writer = line_of(path)) {
    refuse(line, fmt::format("reads {}, an output of line {}", path, writer));
  }
}

int AddedOutputs::line_of(const std::string& path) {
  const auto found = by_location_.find(locations_(path));
  if (found != by_location_.end()) return found->second;
  const auto status = by_id_.empty() ? std::nullopt : status_of(path);
  const auto same = status ? by_id_.find(FileId(*status)) : by_id_.end();
  return same != by_id_.end() ? same->second : 0;
}

}  // namespace gpuconv
