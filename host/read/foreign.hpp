// foreign.hpp - files that gpuconv does not read, recognised by what they begin with
#pragma once

#include <optional>
#include <string>

#include "host/files/input_file.hpp"

namespace gpuconv {

struct Foreign {
  std::string name;    ///< "AAC or ALAC in MP4", "text", ...
  std::string advice;  ///< "convert it first (for example ffmpeg -i FILE out.wav)", ...
};

/// What a file is that no reader of gpuconv knows; nothing if this table does not know it either.
/// Looks at its first 512 bytes.
std::optional<Foreign> recognise(const Peek& peek);

/// "this is NAME; ADVICE"
std::string sentence(const Foreign& foreign);

/// How to make a file out of any other recording that is read here.
inline constexpr const char* kConvertFirst =
    "convert it first (for example ffmpeg -i FILE out.wav)";

/// The option that lets in what libsndfile reads; only where it does.
inline constexpr const char* kTryAnyFormat = "use --allow-any-format to read it anyway";

/// By its extension, or by the first bytes of HDF5.
bool is_sofa(const std::string& path);

}  // namespace gpuconv
