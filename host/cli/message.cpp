#include "host/cli/message.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "host/base/error.hpp"

namespace gpuconv {

std::string one_line(std::string_view text) {
  std::string line;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = [&](std::size_t k) {
      return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u;
    };
    const unsigned c = byte(i);
    if (c < 0x20 || c == 0x7f) {
      line += fmt::format("\\x{:02x}", c);
    } else if (c == 0xc2 && byte(i + 1) >= 0x80 && byte(i + 1) < 0xa0) {  // U+0080 to U+009F
      line += fmt::format("\\u{:04x}", byte(++i));
    } else {
      line += text[i];
    }
  }
  return line;
}

void write_message(std::string_view text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
}

void write_formatted_message(fmt::string_view format, fmt::format_args values) {
  fmt::memory_buffer text;
  fmt::vformat_to(std::back_inserter(text), format, values);
  write_message({text.data(), text.size()});
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
