// merge.hpp - the results and journals of all shares become those of one batch
#pragma once

#include <cstddef>
#include <string>

#include "host/batch/batch_jobs.hpp"
#include "host/batch/manifest.hpp"

namespace gpuconv {

struct Merged {
  int shares = 0;
  std::size_t jobs = 0, failed = 0, clipped = 0;
  std::string method;
};

/// Of the list `list`, whose outputs lie in the folder that `lines` names; the jobs are those of
/// read_jobs().
/// Writes results.jsonl and the journal, then removes those of the shares. Throws FileError where
/// shares are missing or unfinished, where they differ in method, options or list, and where an
/// output is gone.
Merged merge_shares(const std::string& list, const ListOptions& lines,
                    const PairingOptions& pairing, const std::vector<StretchOutput>& stretches,
                    const Manifest& manifest = {});

}  // namespace gpuconv
