#include "host/batch/runner.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <ranges>
#include <set>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "host/base/duration.hpp"
#include "host/base/error.hpp"
#include "host/base/hash.hpp"
#include "host/base/interrupt.hpp"
#include "host/base/parallel.hpp"
#include "host/batch/pipeline.hpp"
#include "host/files/input_file.hpp"
#include "host/files/location.hpp"
#include "host/methods/cpu_vectorised.hpp"
#include "host/read/audio_format.hpp"
#include "host/read/foreign.hpp"
#include "host/read/source.hpp"
#include "host/render/scene.hpp"
#include "host/room/mix.hpp"
#include "host/room/sofa/ears.hpp"
#include "host/room/sound_cache.hpp"
#include "host/write/output_format.hpp"

namespace gpuconv {
namespace {

constexpr double kAny = std::numeric_limits<double>::infinity();

/// Makes the folder of the outputs, unless it is there.
void make_folder(const std::string& folder) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(folder, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_directory(status)) {
    throw FileError(folder, "is not a folder");
  }
  std::filesystem::create_directories(folder, error);
  if (error) throw FileError(folder, fmt::format("cannot be made ({})", error.message()));
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    throw FileError(folder, fmt::format("cannot be written ({})", std::strerror(errno)));
  }
}

/// Lets so many workers have their files open, if the system allows it.
void allow_files(std::size_t workers) {
  rlimit files{};
  const rlim_t wanted = 512 + 8 * workers;
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted) return;
  files.rlim_cur = std::min(wanted, files.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &files);
}

/// "cuda:0,2" is two devices. Throws UsageError if one stands there twice.
std::vector<std::string> devices_in(const std::string& text) {
  constexpr std::string_view kCuda = "cuda:";
  if (!text.starts_with(kCuda)) return {text};
  std::vector<std::string> devices;
  for (std::size_t begin = kCuda.size(); begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    devices.push_back(std::string(kCuda) + text.substr(begin, end - begin));
    if (std::ranges::count(devices, devices.back()) > 1) {
      throw UsageError(fmt::format("--device {}: names {} twice", text, devices.back()));
    }
    begin = end + 1;
  }
  return devices;
}

/// --level and --norm have the last word.
void refuse_gains(const std::string& list, const JobList& jobs) {
  for (const ListedJob& job : jobs) {
    if (!job.gain) continue;
    throw FileError(
        input_name(list),
        fmt::format("line {}: has a gain, which --norm or --level would undo", job.line));
  }
}

}  // namespace

std::string words_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return error.what();
  } catch (const std::bad_alloc&) {
    return "out of memory";
  } catch (const std::exception& error) {
    return std::string("internal error: ") + error.what();
  }
}

Batch::Batch(BatchRequest request)
    : request_(std::move(request)),
      shard_(request_.shard ? FoundShard{*request_.shard, ""} : shard_of_environment()),
      device_texts_(devices_in(request_.job.request.device)),
      journal_(request_.lines.folder, shard_.shard) {
  Job& job = request_.job;
  job.request.device = device_texts_.front();
  devices_ = devices_for(job.request);  // asked for once: a GPU that is lost must not pass for none
  try {
    for (const std::string& device : device_texts_) {
      Request one = job.request;
      one.device = device;
      check_request(one, *devices_);
    }
  } catch (const GpuError&) {
    if (!job.falls_back_to_cpu) throw;  // otherwise each job says so
  }
  if (request_.lines.folder.empty()) throw UsageError("--output: is not a folder");
  resolve_wav_format("--output", job.format);
  parse_duration(job.mix.predelay, kMaxRate, "--predelay");
  request_.lines.output_format = job.format;
  jobs_ = read_jobs(request_.list, request_.lines, request_.pairing, job.stretches);
  if (job.level) refuse_gains(request_.list, jobs_.list);
  if (!request_.manifest.path.empty()) {
    if (!shard_.shard.is_all()) throw UsageError("--manifest: belongs to --merge, not to a share");
    check_manifest(request_.manifest.path, request_.list, jobs_.list);
  }
  own_ = static_cast<std::size_t>(
      std::ranges::count_if(std::views::iota(std::size_t{0}, jobs_.list.size()),
                            [&](std::size_t i) { return shard_.shard.has(i); }));
  results_path_ = results_of(request_.lines.folder, shard_.shard);
  if (Locations()(results_path_) == Locations()(request_.list)) {
    throw FileError(results_path_, "is the list, and the results would replace it");
  }
  job.makes_folder = true;
  job.request.is_one_of_many = true;
  job.responses = responses_;
  job.convolvers = convolvers_;
  job.sounds = std::make_shared<SoundCache>();
  job.devices = devices_;
  choose_method(*devices_);
  find_complete();
}

// ---- one method for all -----------------------------------------------------------------------

/// Of jobs all over the list, the same for each share. What cannot be opened says nothing here: its
/// job will fail.
std::vector<JobSize> Batch::sample_sizes() {
  constexpr std::size_t kSamples = 64;
  constexpr JobSize kTypical{160'000, 16'000};
  std::vector<JobSize> sizes;
  const std::size_t count = std::min(kSamples, jobs_.list.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Job job = job_of(jobs_.list[i * jobs_.list.size() / count]);
    if (is_read_once(job) || is_special_file(job.response)) continue;
    try {
      const SourceReader source(job.input, job.source_options, heard_channels(job));
      const Size response = size_of(job.response, job.response_options);
      const int rate = source.format().rate;
      const double scale = static_cast<double>(rate) / std::max(1, response.rate);
      const auto taps = static_cast<std::int64_t>(static_cast<double>(response.taps) * scale);
      const std::int64_t samples = source.format().frames;
      sizes.push_back({samples > 0 ? samples : kEndless, std::max<std::int64_t>(1, taps)});
    } catch (const Error&) {
      continue;
    }
  }
  if (sizes.empty()) sizes.push_back(kTypical);
  return sizes;
}

void Batch::choose_method(const Devices& devices) {
  Request& request = request_.job.request;
  const bool is_auto = request.method == "auto";
  record_ = {request.method,
             hash_of(request_.settings + (is_auto ? "" : "\nmethod " + request.method)),
             hash_of_jobs(jobs_), shard_.shard};
  try {
    CostModel model = load_cost_model(pick_device(request.device, devices), calibration_warning_);
    model.set_gpu_start(0);
    if (is_auto && (request_.resumes || !shard_.shard.is_all())) {
      // What another share, or the batch that was broken off, has chosen.
      if (const auto recorded = journal_.recorded_method(record_.settings)) {
        request.method = *recorded;
      }
    }
    const bool is_recorded = is_auto && request.method != "auto";
    try {
      choice_ = choose_for_all(request,
                               request.method == "auto" ? sample_sizes() : std::vector<JobSize>(),
                               devices, model);
    } catch (const Error& error) {
      if (!is_recorded) throw;
      throw Error(error.exit(),
                  fmt::format("{}: the journal says that this batch began with --method {}, and "
                              "here: {}",
                              request_.lines.folder, request.method, error.what()));
    }
    if (is_recorded) choice_.why = "as this batch began";
    speeds_ = std::make_shared<const CostModel>(model);
  } catch (const GpuError&) {
    if (!request_.job.falls_back_to_cpu) throw;
    settings_ = request_.settings + "\nmethod " + record_.method;
    return;  // each job falls back
  }
  request.method = choice_.method->name;
  request.allows_hopeless = request.allows_hopeless || is_auto;
  request_.job.speeds = speeds_;
  record_.method = request.method;
  settings_ = request_.settings + "\nmethod " + request.method;
}

/// That jobs run on.
std::vector<std::string> Batch::devices() const {
  if (choice_.method == nullptr) return {device_texts_.front()};
  if (choice_.method->processor == Processor::cpu) return {"cpu"};
  if (device_texts_.size() > 1 || device_texts_.front().starts_with("cuda:")) return device_texts_;
  // Tasks of one machine that see all GPUs take different ones.
  const auto count = static_cast<int>(devices_->list.size());
  return {fmt::format("cuda:{}", local_task() % std::max(1, count))};
}

bool Batch::gathers_clips() const {
  return choice_.method != nullptr && choice_.method->segments != nullptr;
}

/// The device of each worker. Where clips are gathered, most workers wait: two groups of them for
/// each device, and those that work.
std::vector<std::string> Batch::worker_devices() const {
  const std::vector<std::string> devices = this->devices();
  std::size_t workers = devices.size();
  if (gathers_clips()) {
    workers *= 2 * ClipGatherer::kMostClips;
    workers += static_cast<std::size_t>(cores());
  } else if (devices.front() == "cpu") {
    workers = static_cast<std::size_t>(cores());
  }
  std::vector<std::string> of_workers;
  of_workers.reserve(workers);
  for (std::size_t i = 0; i < workers; ++i) of_workers.push_back(devices[i % devices.size()]);
  return of_workers;
}

int Batch::cores() const {
  if (request_.jobs > 0) return request_.jobs;
  const int given = processors_of_task();
  return given > 0 ? std::min(given, core_count()) : core_count();
}

// ---- what there is to do ----------------------------------------------------------------------

void Batch::find_complete() {
  fates_.resize(jobs_.list.size());
  for (std::size_t i = 0; i < jobs_.list.size(); ++i) {
    if (!shard_.shard.has(i)) continue;
    if (request_.resumes) {
      const auto origin = origin_of(jobs_.list[i]);
      const auto done = origin
                            ? journal_.find(jobs_.list[i], with_stretches(*origin, jobs_.list[i]))
                            : std::nullopt;
      if (done) {
        fates_[i] = {true, done->has_clipped, done->place};
        continue;
      }
    }
    todo_.push_back(i);
  }
}

Job Batch::job_of(const ListedJob& listed) const {
  Job job = request_.job;
  job.input = listed.input;
  job.response = listed.response;
  job.output = listed.output;
  SofaOptions& sofa = job.response_options.sofa;
  if (listed.azimuth) sofa.azimuth = listed.azimuth;
  if (listed.elevation) sofa.elevation = listed.elevation;
  if (listed.distance) sofa.distance = listed.distance;
  SourceOptions& source = job.source_options;
  source.offset = listed.offset;
  source.duration = listed.duration;
  if (listed.channel) {
    source.channel = listed.channel;
    source.channel_is_of_several = listed.channel_is_of_several;
  }
  source.archive_offset = listed.archive_offset;
  source.archive_bytes = listed.archive_bytes;
  source.is_command = listed.is_command;
  job.mix.gain_db += listed.gain.value_or(0);
  if (jobs_.drawn.empty()) return job;
  const PairedJob& drawn = jobs_.drawn[listed.position];
  job.drawn = Drawn{request_.pairing.seed, drawn.key, std::max(1, drawn.copy), drawn.measurement};
  if (drawn.measurement) sofa.measurement = drawn.measurement;
  if (!drawn.noise.empty()) {
    job.noise = Noise{std::string(drawn.noise), drawn.snr_db, 0, drawn.noise_draw};
  }
  return job;
}

bool Batch::names(const std::string& path) {
  const auto hash = [](std::string_view name) {
    return hash_of(std::filesystem::path(name).lexically_normal().string());
  };
  if (names_.empty()) {
    for (const ListedJob& job : jobs_.list) {
      names_.insert(hash(job.output));
      names_.insert(hash(job.input));
    }
  }
  return names_.contains(hash(path));
}

/// What the journal has to know: the line, the files and what was drawn.
std::optional<std::string> Batch::origin_of(const ListedJob& listed) const {
  auto origin = Journal::origin(listed, settings_);
  if (origin && !request_.job.then.empty()) {
    *origin += "\nthen " + state_of(request_.job.then).value_or("none");
  }
  if (!origin || jobs_.drawn.empty()) return origin;
  const PairedJob& drawn = jobs_.drawn[listed.position];
  *origin += "\n" + choices_of(drawn);
  if (!drawn.noise.empty()) {
    *origin += "\n" + state_of(std::string(drawn.noise)).value_or("none");
  }
  return origin;
}

/// The origin, and the further outputs as they are now.
std::string Batch::with_stretches(std::string origin, const ListedJob& listed) const {
  for (const StretchOutput& one : request_.job.stretches) {
    const auto state = state_of(stretch_output(std::string(listed.output), one.stretch));
    origin += fmt::format("\n{} {}", name(one.stretch), state.value_or("none"));
  }
  return origin;
}

std::vector<std::pair<std::string, std::string>> Batch::check_responses() {
  std::vector<std::pair<std::string, std::string>> warnings;
  std::set<std::string> checked, pipes;
  for (const std::size_t i : todo_) {
    const std::string response(jobs_.list[i].response);
    if (!checked.insert(response).second) {
      if (pipes.contains(response)) {
        throw FileError(response, "can be read only once, and several jobs use it");
      }
      continue;
    }
    if (is_special_file(response)) {
      pipes.insert(response);
      continue;
    }
    const bool is_common = response == request_.lines.response;
    try {
      if (!is_common && !is_sofa(response)) continue;
      const std::string warning = responses_->check(response, request_.job.response_options);
      if (!warning.empty()) warnings.emplace_back(response, warning);
    } catch (const sofa::UndecidedEars&) {
      throw;  // a question, and its answer is an option for all lines
    } catch (const Error&) {
      if (is_common) throw;
    }
  }
  return warnings;
}

// ---- the work ---------------------------------------------------------------------------------

/// So that clips of one response and bucket come one after the other, responses in the order of the
/// list.
void Batch::sort_by_group() {
  std::map<std::string, std::size_t> numbers;
  std::vector<std::tuple<std::size_t, int, std::size_t>> order;  // the position last
  order.reserve(todo_.size());
  for (const std::size_t position : todo_) {
    const ListedJob listed = jobs_.list[position];
    std::string name = fmt::format("{} {} {} {}", listed.response, listed.azimuth.value_or(kAny),
                                   listed.elevation.value_or(kAny), listed.distance.value_or(kAny));
    if (!jobs_.drawn.empty() && jobs_.drawn[position].measurement) {
      name += fmt::format(" {}", *jobs_.drawn[position].measurement);
    }
    order.emplace_back(numbers.try_emplace(std::move(name), numbers.size()).first->second,
                       buckets_.empty() ? 0 : buckets_[position], position);
  }
  std::ranges::sort(order);
  std::ranges::transform(order, todo_.begin(), [](const auto& job) { return std::get<2>(job); });
}

std::string Batch::result_of(std::size_t position) const {
  const auto kept = results_.find(position);
  if (kept != results_.end()) return kept->second;
  const auto& place = fates_[position].place;
  std::string result = place ? journal_.result(*place) : "";
  return result.empty() ? complete_result(jobs_.list[position])
                        : as_listed(jobs_.list[position], result);
}

void Batch::run(const BatchEvents& events) {
  const bool has_work = !todo_.empty();
  // Where all is complete, nothing is needed of the folder.
  const bool writes_results = has_work || ::access(request_.lines.folder.c_str(), W_OK | X_OK) == 0;
  if (writes_results) {
    make_folder(request_.lines.folder);
    check_results(results_path_);
    ::unlink(results_path_.c_str());
  }
  bool has_told_journal = false;
  const auto no_journal = [&] {
    if (!std::exchange(has_told_journal, true)) events.no_journal();
  };
  if (writes_results && !journal_.begin(record_)) no_journal();
  for (std::size_t i = 0; i < jobs_.list.size(); ++i) {
    if (fates_[i].is_done) events.complete(jobs_.list[i], fates_[i].has_clipped);
  }
  for (const auto& [position, failure] : known_failures_) {
    results_[position] = failed_result(jobs_.list[position], words_of(failure));
    events.failed(jobs_.list[position], failure, false);
  }
  std::erase_if(todo_, [&](std::size_t i) { return known_failures_.contains(i); });

  bool is_lost = false;
  const auto prepare = [&](Attempt& attempt) {
    const ListedJob listed = jobs_.list[todo_[attempt.index]];
    attempt.job = job_of(listed);
    attempt.origin = origin_of(listed);  // before the files are read
    attempt.response_hash = hashes_(attempt.job.response);
  };
  const auto finish = [&](std::span<Attempt> group) {
    std::vector<Journal::Note> notes;
    std::vector<std::size_t> noted;
    for (const Attempt& attempt : group) {
      const std::size_t position = todo_[attempt.index];
      const ListedJob listed = jobs_.list[position];
      if (attempt.failure) {
        results_[position] = failed_result(listed, words_of(attempt.failure));
        continue;
      }
      fates_[position] = {true, clipped_samples(*attempt.report) > 0, std::nullopt};
      results_[position] = done_result(listed, attempt.job, *attempt.report, attempt.response_hash);
      if (!attempt.origin) continue;
      notes.push_back({std::string(listed.output), with_stretches(*attempt.origin, listed),
                       fates_[position].has_clipped, results_[position]});
      noted.push_back(position);
    }
    const auto places = journal_.note(notes);
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (!places[i]) continue;
      fates_[noted[i]].place = places[i];
      results_.erase(noted[i]);
    }
    if (places.empty() && !notes.empty()) no_journal();
    for (Attempt& attempt : group) {
      const ListedJob listed = jobs_.list[todo_[attempt.index]];
      if (!attempt.failure) {
        if (choice_.method != nullptr && attempt.report->why_fallback.empty()) {
          attempt.report->choice.why = choice_.why;
        }
        events.done(listed, attempt.job, *attempt.report);
        continue;
      }
      is_lost = is_lost || attempt.has_lost_gpu;
      events.failed(listed, attempt.failure, attempt.has_lost_gpu);
    }
  };
  std::shared_ptr<ClipGatherer> gatherer;
  PipelineOptions options;
  options.devices = worker_devices();
  if (gathers_clips()) {
    gatherer = std::make_shared<ClipGatherer>(cores());
    convolvers_->gather(gatherer);
    options.gatherer = gatherer.get();
    const std::size_t rows = 2 * devices().size();
    options.jobs_in_a_row =
        std::clamp<std::size_t>(todo_.size() / rows, 1, ClipGatherer::kMostClips);
    sort_by_group();
    allow_files(options.devices.size());
  }
  options.files_of_a_job = 1 + request_.job.stretches.size();
  run_pipeline(todo_.size(), options, {prepare, finish, events.tick});
  if (is_lost || received_signal() != 0 || !writes_results) return;
  std::vector<std::size_t> own;
  own.reserve(own_);
  for (std::size_t i = 0; i < jobs_.list.size(); ++i) {
    if (shard_.shard.has(i)) own.push_back(i);
  }
  const auto result = [&](std::size_t i) { return result_of(own[i]); };
  write_results(results_path_, own.size(), result);
  if (request_.manifest.path.empty()) return;
  write_manifest(request_.manifest, jobs_.list.format, own.size(), result);
}

}  // namespace gpuconv
