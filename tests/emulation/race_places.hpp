// race_places.hpp - source lines of code addresses
#pragma once

#include <string>

namespace emulation::race {

/// The file and line of the call that returns to `code`, if a program here can say so.
std::string place(const void* code);

}  // namespace emulation::race
