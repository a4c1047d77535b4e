#include "host/batch/batch_jobs.hpp"

#include <fmt/format.h>

#include <utility>

#include "host/batch/added_outputs.hpp"
#include "host/files/input_file.hpp"
#include "host/render/job.hpp"

namespace gpuconv {
namespace {

std::vector<PairingLine> pairing_lines(const JobList& list) {
  std::vector<PairingLine> lines;
  lines.reserve(list.size());
  for (const ListedJob& line : list) {
    std::string_view input = line.input;
    if (line.is_placed) input.remove_prefix(list.input_folder().size());  // as the list has it
    lines.push_back({{line.id, input, line.channel, line.offset, line.duration},
                     line.response == kChosenResponse ? "" : line.response,
                     line.azimuth || line.elevation || line.distance});
  }
  return lines;
}

bool draws(const PairingOptions& pairing) {
  return pairing.draws_directions || !pairing.noises.empty() ||
         (!pairing.responses.empty() && pairing.pair == Pair::random);
}

/// Outputs were added to those that read_list() has checked.
void check_outputs(const BatchJobs& jobs, const std::string& list, const std::string& folder,
                   const PairingOptions& pairing, const std::vector<StretchOutput>& stretches) {
  AddedOutputs outputs(list, folder);
  for (const ListedJob& job : jobs.list) {
    const std::string output(job.output);
    outputs.writes(output, job.line);
    for (const std::string& file : stretch_outputs(output, stretches)) {
      outputs.writes(file, job.line);
    }
  }
  jobs.list.visit_files([&](std::string_view path, std::size_t job) {
    outputs.reads(std::string(path), jobs.list.line(job));
  });
  for (const std::string& response : pairing.responses) outputs.reads(response, 0);
  for (const std::string& noise : pairing.noises) outputs.reads(noise, 0);
}

}  // namespace

BatchJobs read_jobs(const std::string& list, ListOptions lines, const PairingOptions& pairing,
                    const std::vector<StretchOutput>& stretches) {
  if (!pairing.responses.empty()) lines.response = kChosenResponse;
  lines.checks_outputs =
      !pairs(pairing);  // NAME.wav need not be an output of "NAME-1.wav" and so on
  BatchJobs jobs{read_list(list, lines), {}};
  if (pairs(pairing)) {
    const JobList from = std::exchange(jobs.list, JobList());
    const std::vector<PairingLine> pairing_of = pairing_lines(from);
    jobs.list.warnings = from.warnings;
    jobs.list.format = from.format;
    jobs.list.set_folders(from.folder_bytes(), from.input_folder());
    if (const std::size_t alike = draws(pairing) ? lines_that_draw_alike(pairing_of) : 0) {
      jobs.list.warnings.push_back(fmt::format(
          "{}: {} the input of an earlier one and draw{} the same; --per-input gives "
          "several jobs for one input, the column id tells lines apart",
          input_name(list), alike == 1 ? "1 line has" : fmt::format("{} lines have", alike),
          alike == 1 ? "s" : ""));
    }
    jobs.drawn = pair_jobs(pairing_of, pairing, measurements_of_files());
    for (PairedJob& paired : jobs.drawn) {
      ListedJob job = from[paired.line];
      const std::string output = std::string(job.output.substr(0, from.folder_bytes())) +
                                 name_of_copy(std::string(job.name), paired.copy);
      job.response = paired.response;
      job.output = output;
      jobs.list.add(job);
      paired.response = {};  // it was a text of the lines
    }
  }
  if (pairs(pairing) || !stretches.empty()) {
    check_outputs(jobs, list, lines.folder, pairing, stretches);
  }
  return jobs;
}

}  // namespace gpuconv
