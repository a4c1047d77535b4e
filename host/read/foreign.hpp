// foreign.hpp - recognises files that gpuconv does not read by their first bytes
#pragma once

#include <optional>
#include <string>

#include "host/files/input_file.hpp"

namespace gpuconv {

struct Foreign {
  std::string name;    ///< "AAC or ALAC in MP4", "text", ...
  std::string advice;  ///< "convert it first (for example ffmpeg -i FILE out.wav)", ...
};

/// The format of a file that gpuconv does not read, by its first 512 bytes; nothing if unknown.
std::optional<Foreign> recognise(const Peek& peek);

/// "this is NAME; ADVICE"
std::string sentence(const Foreign& foreign);

/// How to convert a recording that gpuconv does not read.
inline constexpr const char* kConvertFirst =
    "convert it first (for example ffmpeg -i FILE out.wav)";

/// The option for formats that gpuconv does not allow, but libsndfile reads.
inline constexpr const char* kTryAnyFormat = "use --allow-any-format to read it anyway";

/// Whether a file is a SOFA file, by its extension or the first bytes of HDF5.
bool is_sofa(const std::string& path);

}  // namespace gpuconv
