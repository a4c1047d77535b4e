// message.hpp - one line to a person
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

namespace gpuconv {

/// `text` with its control characters written out, so that no file name can break a line or steer a
/// terminal.
std::string one_line(std::string_view text);

/// Writes `text` to standard error. gpuconv goes on if that fails.
void write_message(std::string_view text);

/// Writes `text` to standard output, or keeps it until flush_output(). Both throw FileError where
/// it cannot be written.
void write_output(std::string_view text);
void flush_output();

/// As write_message(); a short message needs no memory: there may be none.
void write_formatted_message(fmt::string_view format, fmt::format_args values);

template <typename... Values>
void say(fmt::format_string<Values...> format, Values&&... values) {
  write_formatted_message(format, fmt::make_format_args(values...));
}

template <typename... Values>
void print(fmt::format_string<Values...> format, Values&&... values) {
  write_output(fmt::format(format, std::forward<Values>(values)...));
}

/// Says "KIND: TEXT" as one line.
void print_message(std::string_view kind, std::string_view text);

}  // namespace gpuconv
