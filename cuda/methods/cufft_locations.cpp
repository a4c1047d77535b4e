#include "cuda/methods/cufft_locations.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <sstream>
#include <system_error>

#include "cuda/runtime/own_file.hpp"

namespace gpuconv {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code ignored;  // what may not be looked at is not there
  return fs::exists(path, ignored);
}

/// Entries of `folder` whose names start with `start`, the last in the alphabet first: cu13, cu12.
std::vector<fs::path> entries(const fs::path& folder, const std::string& start) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
    if (entry->path().filename().string().starts_with(start)) found.push_back(entry->path());
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  return found;
}

void add_files(const fs::path& folder, std::vector<std::string>& files) {
  for (const char* const name : kCufftNames) {
    const std::string file = folder / name;
    if (is_there(file) && std::find(files.begin(), files.end(), file) == files.end()) {
      files.push_back(file);
    }
  }
}

/// What pip has installed into a folder of packages.
void add_nvidia(const fs::path& packages, std::vector<std::string>& files) {
  const fs::path nvidia = packages / "nvidia";
  for (const fs::path& toolkit : entries(nvidia, "cu1")) add_files(toolkit / "lib", files);
  add_files(nvidia / "cufft/lib", files);
}

/// What pip has installed below `prefix`: Debian calls its folder dist-packages.
void add_packages(const fs::path& prefix, std::vector<std::string>& files) {
  for (const fs::path& python : entries(prefix / "lib", "python3")) {
    for (const char* const packages : {"site-packages", "dist-packages"}) {
      add_nvidia(python / packages, files);
    }
  }
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

CufftSearch cufft_search() {
  // The wheel puts the program beside a Python, and the module two levels below the packages.
  const fs::path folder = own_file().parent_path();
  return {{variable("CUDA_HOME"), variable("CUDA_PATH"), "/usr/local/cuda"},
          folder.string() + ":" + variable("PATH"),
          variable("HOME"),
          folder.parent_path().string()};
}

std::vector<std::string> cufft_files(const CufftSearch& search) {
  std::vector<std::string> files;
  const auto add_toolkit = [&](const fs::path& toolkit) {
    if (!toolkit.is_absolute()) return;
    for (const char* const folder : {"lib64", "lib"}) add_files(toolkit / folder, files);
  };
  std::vector<fs::path> programs;
  std::istringstream parts(search.path);
  for (std::string part; std::getline(parts, part, ':');) {
    if (fs::path(part).is_absolute()) programs.push_back(fs::path(part).lexically_normal());
  }
  // "bin" and "bin/" both stand in the prefix.
  const auto prefix_of = [](const fs::path& folder) {
    return folder.has_filename() ? folder.parent_path() : folder.parent_path().parent_path();
  };
  for (const std::string& toolkit : search.toolkits) add_toolkit(toolkit);
  if (fs::path(search.packages).is_absolute()) add_nvidia(search.packages, files);
  for (const fs::path& folder : programs) {
    if (is_there(folder / "nvcc")) add_toolkit(prefix_of(folder));
  }
  for (const fs::path& folder : programs) {
    if (!is_there(folder / "python3") && !is_there(folder / "python")) continue;
    const fs::path prefix = prefix_of(folder);
    add_packages(prefix, files);
    add_packages(prefix / "local", files);  // where Debian's pip installs for everybody
    add_files(prefix / "lib", files);       // conda
  }
  if (fs::path(search.home).is_absolute()) add_packages(fs::path(search.home) / ".local", files);
  return files;
}

}  // namespace gpuconv
