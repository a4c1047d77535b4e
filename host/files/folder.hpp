// folder.hpp - what lies in a folder
#pragma once

#include <dirent.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace gpuconv {

/// (std::filesystem ends the program without memory for the next name in a folder.)
struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

/// Names in `folder` that begin with one of `begins`; none if it cannot be opened.
std::vector<std::string> names_in(const std::string& folder,
                                  std::initializer_list<std::string_view> begins);

}  // namespace gpuconv
