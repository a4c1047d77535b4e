#include "cuda/runtime/own_file.hpp"

#include <dlfcn.h>
#include <link.h>

#include <system_error>

namespace gpuconv {

std::filesystem::path own_file() {
  Dl_info file{};
  void* found = nullptr;
  const auto here = reinterpret_cast<const void*>(&own_file);
  if (dladdr1(here, &file, &found, RTLD_DL_LINKMAP) == 0) return {};
  const std::filesystem::path library = static_cast<const link_map*>(found)->l_name;
  if (library.is_absolute()) return library;
  // The program itself has no name there, and its argument 0 is anything.
  std::error_code error;
  return library.empty() ? std::filesystem::read_symlink("/proc/self/exe", error)
                         : std::filesystem::path();
}

}  // namespace gpuconv
