#include "host/cli/message.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace gpuconv {

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      line += fmt::format("\\x{:02x}", byte);
    } else {
      line += c;
    }
  }
  return line;
}

void print_message(std::string_view kind, std::string_view text) {
  fmt::print(stderr, "{}: {}\n", kind, one_line(text));
}

}  // namespace gpuconv
