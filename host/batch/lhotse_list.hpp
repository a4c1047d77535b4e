// lhotse_list.hpp - recordings and cuts as Lhotse writes them
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "host/batch/draft_job.hpp"

namespace gpuconv {

/// Whether an object is one of Lhotse's: a recording, a cut, a supervision.
bool is_of_lhotse(const nlohmann::ordered_json& object);

/// Takes a job out of a recording, or a cut of one channel of a recording; see Recording.to_dict
/// and DataCut.to_dict in lhotse 1.33. Its ID becomes the job's, other parts of a cut pass on.
/// Throws BadLine, with the ID, for what a job cannot express: a mixture, padding, several
/// channels, transforms, samples that are not in a file.
void read_lhotse(const nlohmann::ordered_json& object, bool allows_commands, DraftJob& job);

}  // namespace gpuconv
