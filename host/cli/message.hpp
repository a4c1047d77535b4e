// message.hpp - one line to a person
#pragma once

#include <string>
#include <string_view>

namespace gpuconv {

/// `text` with its control characters written out, so that no file name can break a line or steer a
/// terminal.
std::string one_line(std::string_view text);

/// Prints "KIND: TEXT" as one line on standard error.
void print_message(std::string_view kind, std::string_view text);

}  // namespace gpuconv
