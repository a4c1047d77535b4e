// allowed_formats.hpp - which containers and encodings gpuconv reads
//
// libsndfile knows two dozen containers and as many encodings. Most are rare, and most of its
// security reports are about their readers. So gpuconv passes it only the common ones;
// --allow-any-format allows the others, too.
#pragma once

#include <cstdint>
#include <string>

#include "host/files/input_file.hpp"

namespace gpuconv {

/// Throws FileError if the header of a file of `file_bytes` bytes, or of a pipe (kEndlessBytes),
/// names another container or encoding. A header that breaks off is left to its reader.
void check_allowed(const std::string& path, const Peek& peek, std::int64_t file_bytes);

/// Throws FileError with the `problem`, the allowed formats and the advice: the option that allows
/// the file if it `is_rare`, that is, if libsndfile reads it.
[[noreturn]] void reject_format(const std::string& path, std::string problem, bool is_rare);

}  // namespace gpuconv
