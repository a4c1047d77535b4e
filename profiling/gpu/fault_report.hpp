// fault_report.hpp - what is wrong with a step of gpuconv_faults, by what it has written down
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gpuconv {

using Json = nlohmann::ordered_json;
using Complaints = std::vector<std::string>;

inline constexpr std::size_t kMiB = std::size_t{1} << 20;
/// Device memory is counted for the whole card, in pages of 2 MiB: so much may be another's.
inline constexpr std::size_t kLeak = kMiB;
/// So much more than was to be left may be free on a full card, in small pieces.
inline constexpr std::size_t kSlack = 8 * kMiB;

/// Complaints about a job with `leave_bytes` left on the card, or with all memory where that is
/// null.
inline Complaints about_starved(const Json& step, bool is_filled) {
  const bool is_short = !step["leave_bytes"].is_null();
  const std::size_t leave = is_short ? step["leave_bytes"].get<std::size_t>() : 0;
  const std::string where =
      step["method"].get<std::string>() + " with " +
      (is_short ? std::to_string(leave / kMiB) + " MiB left: " : "all memory: ");
  Complaints wrong;
  const std::string outcome = step["outcome"];
  if (outcome != "right bytes" && !(is_short && outcome == "refused")) {
    wrong.push_back(where + outcome + " " + step.value("error", ""));
  }
  if (is_short && step["afterwards"] != "right bytes") {
    wrong.push_back(where + "afterwards " + step["afterwards"].get<std::string>());
  }
  for (const char* const stale : {"stale_error", "stale_error_afterwards"}) {
    const std::string name = step.value(stale, "cudaSuccess");
    if (name != "cudaSuccess") wrong.push_back(where + "stale " + name);
  }
  if (is_filled && is_short && step["free_bytes"].get<std::size_t>() > leave + kSlack) {
    wrong.push_back(where + "the card was not filled");
  }
  return wrong;
}

/// Complaints about many jobs in turn.
inline Complaints about_repeated(const Json& repeated) {
  Complaints wrong;
  if (repeated.contains("error")) wrong.push_back(repeated["error"]);
  if (repeated["wrong"] != 0) wrong.push_back(repeated["wrong"].dump() + " jobs gave other bytes");
  const std::string stale = repeated["stale_error"];
  if (stale != "cudaSuccess") wrong.push_back("stale " + stale);
  // What is lost in the first half and again in the second is a leak; what is lost once is a cache,
  // or another process.
  const std::size_t before = repeated["free_bytes_before"];
  const std::size_t halfway = repeated["free_bytes_halfway"];
  const std::size_t after = repeated["free_bytes_after"];
  if (halfway < before && after + kLeak < halfway) {
    wrong.push_back(std::to_string(halfway - after) + " bytes lost in the second half of the jobs");
  }
  return wrong;
}

}  // namespace gpuconv
