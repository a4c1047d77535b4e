#include "host/cli/message.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "host/error.hpp"

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

void write_message(std::string_view text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
}

void write_output(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) < text.size()) {
    throw FileError("standard output", std::strerror(errno));
  }
}

void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw FileError("standard output", std::strerror(errno));
}

void print_message(std::string_view kind, std::string_view text) {
  say("{}: {}\n", kind, one_line(text));
}

}  // namespace gpuconv
