// batch.cpp - gpuconv batch: many jobs, one process
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <system_error>

#include "host/batch/complete.hpp"
#include "host/batch/list.hpp"
#include "host/cli/cli.hpp"
#include "host/cli/failure.hpp"
#include "host/cli/job_options.hpp"
#include "host/cli/message.hpp"
#include "host/error.hpp"
#include "host/interrupt.hpp"

namespace gpuconv {
namespace {

struct Options : JobOptions {
  std::string list, folder, response;
  bool resumes = false;
};

struct Totals {
  std::size_t done = 0, complete = 0, failed = 0;
  bool has_clipped = false;
  double sound_seconds = 0, seconds = 0;
};

void add_files(CLI::App& command, Options& options) {
  command
      .add_option("LIST", options.list,
                  "a job in each line: a table (.csv) with the columns input, response, output, "
                  "azimuth, elevation; objects with these keys (.jsonl); or Kaldi's IDs and paths "
                  "(.scp); - is standard input, a table")
      ->required();
  command
      .add_option("-o,--output", options.folder,
                  "where the outputs go, by default as INPUT's name and .wav; it is made if it is "
                  "not there")
      ->type_name("FOLDER")
      ->required();
  command.add_option("--response", options.response, "of lines that name none")->type_name("FILE");
  command.add_flag("--resume", options.resumes,
                   "leave outputs alone that are complete, with the frames, rate and encoding that "
                   "would be written");
}

Job job_of(const Options& options, const ListedJob& listed) {
  Job job = options.job;
  job.input = listed.input;
  job.response = listed.response;
  job.output = listed.output;
  if (listed.azimuth) job.response_options.azimuth = listed.azimuth;
  if (listed.elevation) job.response_options.elevation = listed.elevation;
  job.request.is_one_of_many = true;
  return job;
}

void make_folder_of(const std::string& output) {
  const std::filesystem::path folder = std::filesystem::path(output).parent_path();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw FileError(folder, "can not be made (" + error.message() + ")");
}

class Batch {
 public:
  Batch(const Options& options, std::vector<ListedJob> list)
      : options_(options), list_(std::move(list)) {}

  int run() {
    int stopped_by = 0;
    for (std::size_t i = 0; i < list_.size() && stopped_by == 0; ++i) stopped_by = run_one(i);
    if (!options_.quiet || stopped_by != 0) print_totals();
    if (stopped_by != 0) return stopped_by;
    if (totals_.failed > 0) return static_cast<int>(Exit::some);
    return static_cast<int>(totals_.has_clipped && options_.fail_on_clip ? Exit::clipped
                                                                         : Exit::done);
  }

 private:
  /// Returns 0, or the exit code where the batch can not go on.
  int run_one(std::size_t i) {
    try {
      stop_if_interrupted();
      const Job job = job_of(options_, list_[i]);
      if (options_.resumes && is_complete(job)) {
        ++totals_.complete;
        if (!options_.quiet) say("{}  {}: complete\n", place(i), one_line(job.output));
        return 0;
      }
      make_folder_of(job.output);
      tell(i, job, run_job(job));
      return 0;
    } catch (const GpuError&) {
      const int code = fail();
      // Where the GPU is lost, all others would fail, too.
      return received_signal() != 0 || !still_answers() ? code : 0;
    } catch (...) {
      const int code = fail();
      return received_signal() != 0 ? code : 0;
    }
  }

  int fail() {
    const int code = report_failure();
    if (received_signal() == 0) ++totals_.failed;
    return code;
  }

  void tell(std::size_t i, const Job& job, JobReport report) {
    const double sound = static_cast<double>(report.source_samples) / report.source.rate;
    ++totals_.done;
    totals_.has_clipped |= has_clipped(report);
    totals_.sound_seconds += sound;
    totals_.seconds += report.seconds;
    if (!options_.quiet) {
      say("{}  {}: {} frames{}, {} on {}, {:.3f} s\n", place(i), one_line(job.output),
          report.written.frames,
          report.response_rate == report.source.rate
              ? ""
              : fmt::format(", response converted from {} to {} Hz", report.response_rate,
                            report.source.rate),
          report.choice.method->name,
          report.choice.device ? fmt::format("cuda:{}", report.choice.device->index) : "CPU",
          report.seconds);
    }
    if (!tells_calibration_) report.calibration_warning.clear();
    tells_calibration_ = false;
    print_warnings(job, report);
  }

  std::string place(std::size_t i) const {
    const std::string all = std::to_string(list_.size());
    return fmt::format("{:>{}} of {}", i + 1, all.size(), all);
  }

  void print_totals() const {
    const std::size_t left = list_.size() - totals_.done - totals_.complete - totals_.failed;
    say("batch     {} of {} done{}{}{}", totals_.done, list_.size(),
        number(totals_.complete, "complete before"), number(totals_.failed, "failed"),
        number(left, "left: --resume goes on"));
    if (totals_.done > 0) {
      say("; {:.2f} s of sound in {:.3f} s, {:.0f} x real time", totals_.sound_seconds,
          totals_.seconds, totals_.sound_seconds / totals_.seconds);
    }
    say("\n");
  }

  static std::string number(std::size_t count, const char* what) {
    return count == 0 ? "" : fmt::format(", {} {}", count, what);
  }

  const Options& options_;
  const std::vector<ListedJob> list_;
  Totals totals_;
  bool tells_calibration_ = true;
};

int batch(Options options) {
  settle(options);
  const Request& request = options.job.request;
  if (request.method != "auto") find_method(request.method);
  if (may_use_gpu(request)) pick_device(request.device, query_devices());
  return Batch(options, read_list(options.list, options.folder, options.response)).run();
}

}  // namespace

void add_batch(CLI::App& app, RunIt& run_it) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command =
      app.add_subcommand("batch", "Convolve the recordings of a list, one after the other");
  add_files(*command, *options);
  add_job_options(*command, *options);
  command->callback([&run_it, options] { run_it = [options] { return batch(*options); }; });
}

}  // namespace gpuconv
