// ogg_serial.hpp - the serial number of an Ogg, made from its content
//
// libsndfile draws a random one: the same job would give other bytes each time. One number for all
// files would not do, since two of them in one stream must differ.
#pragma once

#include "host/files/output_file.hpp"

namespace gpuconv {

/// Replaces the serial number in all pages of the Ogg that was written to `file`, a temporary file,
/// and their checksums. Throws FileError where it is not made of whole pages, or the system fails.
void set_ogg_serial(OutputFile& file);

}  // namespace gpuconv
