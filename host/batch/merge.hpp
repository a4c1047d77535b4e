// merge.hpp - the results and journals of all shares become those of one batch
#pragma once

#include <cstddef>
#include <string>

namespace gpuconv {

struct Merged {
  int shares = 0;
  std::size_t jobs = 0, failed = 0, clipped = 0;
  std::string method;
};

/// Of the list `list` (its jobs without a response use `response`), whose outputs lie in `folder`.
/// Writes results.jsonl and the journal, then removes those of the shares. Throws FileError where
/// shares are missing or unfinished, where they differ in method, options or list, and where an
/// output is gone.
Merged merge_shares(const std::string& list, const std::string& folder,
                    const std::string& response);

}  // namespace gpuconv
