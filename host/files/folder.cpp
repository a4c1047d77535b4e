#include "host/files/folder.hpp"

#include <algorithm>
#include <memory>

namespace gpuconv {

std::vector<std::string> names_in(const std::string& folder,
                                  std::initializer_list<std::string_view> begins) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, CloseFolder> entries(::opendir(folder.c_str()));
  while (const dirent* const entry = entries ? ::readdir(entries.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    const auto fits = [&](std::string_view begin) { return name.starts_with(begin); };
    if (std::ranges::any_of(begins, fits)) names.emplace_back(name);
  }
  return names;
}

}  // namespace gpuconv
