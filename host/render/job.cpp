#include "host/render/job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cuda/methods/lengths.hpp"
#include "cuda/runtime/range.hpp"
#include "host/audio/resample.hpp"
#include "host/error.hpp"
#include "host/interrupt.hpp"
#include "host/methods/method.hpp"
#include "host/render/prepare.hpp"
#include "host/render/stopwatch.hpp"

namespace gpuconv {
namespace {

/// The source, with what had to be read to know its length where the file does not say.
class MeasuredSource {
 public:
  MeasuredSource(const std::string& path, const SourceOptions& options)
      : reader_(path, options),
        length_(reader_.format().frames),
        is_exact_(options.truncated == Truncated::error) {
    if (length_ <= 0) look_ahead();  // 0 may be said of a file that is not finished
  }

  SourceReader& reader() { return reader_; }

  /// N, or a number from which on all lengths are planned alike.
  std::int64_t length() const { return length_; }

  /// N, if it is known and anything else would be an error.
  std::optional<std::int64_t> exact_length() const {
    return is_exact_ ? std::optional(length_) : std::nullopt;
  }

  std::size_t read(std::span<float> block) {
    const std::size_t known = std::min(block.size(), ahead_.size() - used_);
    std::copy_n(ahead_.begin() + static_cast<std::ptrdiff_t>(used_), known, block.begin());
    used_ += known;
    const std::size_t count =
        known == block.size() ? known : known + reader_.read(block.subspan(known));
    samples_read_ += static_cast<std::int64_t>(count);
    return count;
  }

  std::int64_t samples_read() const { return samples_read_; }

 private:
  void look_ahead() {
    ahead_.resize(kEndless);
    ahead_.resize(reader_.read(ahead_));
    length_ = static_cast<std::int64_t>(ahead_.size());
    is_exact_ = length_ < kEndless;
  }

  SourceReader reader_;
  std::int64_t length_;
  bool is_exact_;
  Signal ahead_;
  std::size_t used_ = 0;
  std::int64_t samples_read_ = 0;
};

/// Passes on the frames from `first` on: all of them, or as many as the source has samples. How
/// many that are may be known only at its end, but no frame comes before its sample was read.
class Window {
 public:
  Window(std::int64_t first, WetLength length, WetWriter& writer)
      : begin_(first), length_(length), writer_(writer) {}

  void operator()(Stereo<std::span<const float>> wet, std::int64_t samples_read) {
    const std::int64_t end_of_all = std::numeric_limits<std::int64_t>::max();
    const std::int64_t last = length_ == WetLength::same ? begin_ + samples_read : end_of_all;
    const std::int64_t length = static_cast<std::int64_t>(wet.left.size());
    const std::int64_t begin = std::clamp(begin_ - position_, std::int64_t{0}, length);
    const std::int64_t end = std::clamp(last - position_, std::int64_t{0}, length);
    position_ += length;
    if (begin >= end) return;
    const auto part = [&](std::span<const float> side) {
      return side.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    };
    writer_.write({part(wet.left), part(wet.right)});
  }

 private:
  std::int64_t begin_;
  WetLength length_;
  std::int64_t position_ = 0;
  WetWriter& writer_;
};

Response at_rate(const Response& response, int rate, const Job& job) {
  if (response.rate == rate) return response;
  if (job.rate_policy == RatePolicy::error) {
    throw FileError(job.response, fmt::format("{} Hz, but {} has {} Hz (--rate-policy error)",
                                              response.rate, job.input, rate));
  }
  return resample(response, rate);
}

/// Frames of OUTPUT, if N is known.
std::optional<std::int64_t> wet_frames(std::optional<std::int64_t> N, const Response& response,
                                       WetLength length) {
  if (!N || length == WetLength::same) return N;
  return *N + static_cast<std::int64_t>(response.taps.left.size()) - 1 - response.lead;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What the device counted must be what was written: nothing was lost on the way.
void check_levels(const Stereo<Level>& device, const Stereo<Level>& written) {
  for (const Side side : kSides) {
    if (device[side].peak != written[side].peak || device[side].over != written[side].over) {
      throw GpuError(fmt::format(
          "the {} ear's peak was {} on the device and is {} in the file: frames were damaged on "
          "the way",
          name(side), device[side].peak, written[side].peak));
    }
  }
}

}  // namespace

JobReport run_job(const Job& job) {
  const auto start = std::chrono::steady_clock::now();
  JobReport report;

  if (job.response == "-") {
    throw UsageError(
        "-: standard input is for INPUT; RESPONSE needs a file, or a pipe with a name");
  }
  MeasuredSource source(job.input, job.source_options);
  report.source = source.reader().format();
  const int rate = report.source.rate;

  const Response measured = load_response(job.response, job.response_options);
  report.response_description = measured.description;
  report.response_rate = measured.rate;
  report.response_file_taps = static_cast<std::int64_t>(measured.taps.left.size());
  const Mix mix{job.gain_db, job.wet_db, job.dry_db,
                parse_duration(job.predelay, rate, "--predelay")};
  const Response response = mixed(at_rate(measured, rate, job), mix);
  report.response_taps = static_cast<std::int64_t>(response.taps.left.size());

  // Opening a pipe would already be an act; what is a file is checked and left alone.
  std::optional<WetWriter> writer;
  if (!job.dry_run || !is_special_file(job.output)) {
    const auto frames = wet_frames(source.exact_length(), response, job.length);
    writer.emplace(job.output, job.format, rate,
                   OutputOptions{job.no_clobber, {job.input, job.response}, frames});
    report.format = writer->format();
  }

  const Devices devices = may_use_gpu(job.request) ? query_devices() : Devices{{}, "not asked for"};
  const CostModel model =
      load_cost_model(pick_device(job.request.device, devices), report.calibration_warning);
  report.choice = choose(job.request, source.length(), report.response_taps, devices, model);
  report.source_samples = source.length();
  if (job.dry_run) return report;

  const auto before = std::chrono::steady_clock::now();
  const std::unique_ptr<Renderer> renderer =
      make_renderer(*report.choice.method, response.taps, source.length(),
                    report.choice.device ? report.choice.device->index : 0);
  Window window(response.lead, job.length, *writer);
  Stopwatch files;
  report.render = renderer->render(
      [&](std::span<float> block) {
        stop_if_interrupted();
        return files.time([&] { return source.read(block); });
      },
      [&](Stereo<std::span<const float>> wet) {
        stop_if_interrupted();
        files.time([&] { window(wet, source.samples_read()); });
      });
  report.convolve_seconds = seconds_since(before) - files.seconds();
  report.source_samples = report.render.source_samples;
  report.replaced_samples = source.reader().replaced();
  report.source_shortfall = source.reader().shortfall();
  const bool is_whole = writer->report().frames == report.render.frames;
  if (report.render.device_levels && is_whole) {
    check_levels(*report.render.device_levels, writer->report().levels);
  }
  stop_if_interrupted();
  report.written = writer->finish();
  report.seconds = seconds_since(start);
  return report;
}

}  // namespace gpuconv
