// allowed_formats.hpp - which containers and encodings are let in
//
// libsndfile knows two dozen containers and as many encodings. Most are rare, and their readers are
// where most of its security reports come from, so only those that people use get as far as
// libsndfile; --allow-any-format lets the others in.
#pragma once

#include <cstdint>
#include <string>

#include "host/files/input_file.hpp"

namespace gpuconv {

/// Throws FileError if the header of a file of `file_bytes` bytes, or of a pipe (kEndlessBytes),
/// names another container or encoding. A header that cannot be understood is none: its reader
/// says what is wrong with it.
void check_listed(const std::string& path, const Peek& peek, std::int64_t file_bytes);

/// Throws FileError with `what` is wrong, what is let in and how to go on: with the option that
/// lets it in where it `is_rare`, that is, where libsndfile reads it.
[[noreturn]] void refuse_format(const std::string& path, const std::string& what, bool is_rare);

}  // namespace gpuconv
