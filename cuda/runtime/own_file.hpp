// own_file.hpp - the file that holds this code
#pragma once

#include <filesystem>

namespace gpuconv {

/// The program, or the shared library that another program (Python) has loaded: what was installed
/// together with it is found from there. Empty if the system does not tell.
std::filesystem::path own_file();

}  // namespace gpuconv
