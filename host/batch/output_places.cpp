#include "host/batch/output_places.hpp"

#include <fmt/format.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>

#include "host/batch/journal.hpp"
#include "host/batch/list_text.hpp"
#include "host/files/folder.hpp"

namespace gpuconv {
namespace {

/// From linux/magic.h. Its folders name inodes that stat() does not know.
constexpr long kOverlay = 0x794c7630;

std::string_view folder_part(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == path.npos ? std::string_view() : path.substr(0, slash + 1);
}

std::string_view name_part(std::string_view path) { return path.substr(folder_part(path).size()); }

std::size_t hash_of(std::uint32_t folder, std::string_view name) {
  return std::hash<std::string_view>()(name) ^ (folder * 0x9e3779b97f4a7c15u);
}

bool is_one_file(std::string_view a, std::string_view b) {
  return is_same_file(std::string(a), std::string(b));
}

}  // namespace

OutputPlaces::OutputPlaces(const JobList& jobs, const std::string& folder) : jobs_(jobs) {
  static const std::string name(name_part(journal_of("")));
  journal_ = {folder_of(folder_part(journal_of(folder))), name};
}

/// The number of the folder without links that `path` (with a slash at its end) names.
OutputPlaces::Number OutputPlaces::folder_of(std::string_view path) {
  if (path == last_folder_ && !folders_.empty()) return last_number_;
  last_folder_ = path;
  const auto [found, is_new] = folders_.try_emplace(last_folder_);
  if (is_new) {
    const std::string location = locations_.folder_of(last_folder_);
    const auto number = static_cast<Number>(canonical_.size());
    found->second = canonical_.try_emplace(location, number).first->second;
  }
  return last_number_ = found->second;
}

OutputPlaces::Place OutputPlaces::place_of(Number job) {
  return {folder_of(folder_part(output(job))), name_part(output(job))};
}

std::optional<OutputPlaces::Number> OutputPlaces::find(const Place& place) {
  return index_.find(hash_of(place.folder, place.name), [&](Number job) {
    return name_part(output(job)) == place.name && place_of(job).folder == place.folder;
  });
}

void OutputPlaces::add_last() {
  const auto job = static_cast<Number>(jobs_.size() - 1);
  const Place place = place_of(job);
  if (place.folder == journal_.folder && place.name == journal_.name) refuse_journal(job);
  if (const auto earlier = find(place)) refuse(job, *earlier);
  index_.add(hash_of(place.folder, place.name), job);
}

void OutputPlaces::check_links() {
  for (const auto& [path, folder] : canonical_) check_folder(folder, path);
  std::ranges::sort(present_, {}, &Present::inode);
  for (std::size_t i = 1; i < present_.size(); ++i) {
    if (present_[i].inode != present_[i - 1].inode) continue;
    const Number one = present_[i - 1].job, other = present_[i].job;
    if (is_one_file(output(one), output(other))) refuse(one, other);
  }
}

/// Looks for outputs in a folder, whose location is `path`.
void OutputPlaces::check_folder(Number folder, const std::string& path) {
  const std::unique_ptr<DIR, CloseFolder> entries(::opendir(path.c_str()));
  if (!entries) {
    if (errno == ENOENT || errno == ENOTDIR) return;
    // It may be entered, but not listed.
    for (Number job = 0; job < jobs_.size(); ++job) {
      struct stat status {};
      if (place_of(job).folder != folder) continue;
      if (::lstat(std::string(output(job)).c_str(), &status) != 0) continue;
      check_present(job, S_ISLNK(status.st_mode), status.st_ino);
    }
    return;
  }
  struct statfs system {};
  const bool is_overlay =
      ::fstatfs(::dirfd(entries.get()), &system) == 0 && system.f_type == kOverlay;
  while (const dirent* const entry = ::readdir(entries.get())) {
    const auto job = find({folder, entry->d_name});
    if (!job) continue;
    struct stat status {};
    if (is_overlay || entry->d_type == DT_UNKNOWN) {
      if (::lstat(std::string(output(*job)).c_str(), &status) != 0) continue;
      check_present(*job, S_ISLNK(status.st_mode), status.st_ino);
    } else {
      check_present(*job, entry->d_type == DT_LNK, entry->d_ino);
    }
  }
}

void OutputPlaces::check_present(Number job, bool is_link, ino_t inode) {
  if (is_link) return check_link(job);
  present_.push_back({inode, job});
}

void OutputPlaces::check_link(Number job) {
  const std::string path(output(job));
  const std::string end = locations_(path);
  const Place place{folder_of(folder_part(end)), name_part(end)};
  if (place.folder == journal_.folder && place.name == journal_.name) refuse_journal(job);
  if (const auto same = find(place)) refuse(job, *same);
  const auto [found, is_new] = link_ends_.try_emplace(end, job);
  if (!is_new) refuse(job, found->second);
  if (const auto status = status_of(path)) present_.push_back({status->st_ino, job});
}

int OutputPlaces::line_of(const std::string& path) {
  const std::string end = locations_(path);
  if (const auto job = find({folder_of(folder_part(end)), name_part(end)})) return jobs_.line(*job);
  if (const auto found = link_ends_.find(end); found != link_ends_.end()) {
    return jobs_.line(found->second);
  }
  const auto status = present_.empty() ? std::nullopt : status_of(path);
  if (!status) return 0;
  for (const Present& same :
       std::ranges::equal_range(present_, status->st_ino, {}, &Present::inode)) {
    if (is_one_file(path, output(same.job))) return jobs_.line(same.job);
  }
  return 0;
}

void OutputPlaces::refuse(Number one, Number other) const {
  if (jobs_.line(one) < jobs_.line(other)) std::swap(one, other);
  throw BadLine(fmt::format("has the output of line {}, {}; each job needs its own, by a column "
                            "output or id",
                            jobs_.line(other), output(one)),
                jobs_.line(one));
}

void OutputPlaces::refuse_journal(Number job) const {
  throw BadLine(fmt::format("output '{}' is the journal", output(job)), jobs_.line(job));
}

}  // namespace gpuconv
