// file_pool.hpp - the files that --responses and --noise name
#pragma once

#include <string>
#include <vector>

namespace gpuconv {

/// The files that `text` stands for:
///
///   rooms/*.wav   a pattern (* ? [a-z], as in glob(7)): the files that match, in the order of the
///                 bytes of their names
///   rooms.txt     a text with a path in each line: these, in its order; empty lines and lines that
///                 begin with # are skipped
///   room.wav      sound, or a SOFA file: this one
///
/// Paths are relative to the current folder. Throws FileError, which names `option`, if there are
/// none or one is missing.
std::vector<std::string> file_pool(const std::string& option, const std::string& text);

}  // namespace gpuconv
