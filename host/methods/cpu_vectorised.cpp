// cpu_vectorised.cpp - partitions, batches and threads around the transform of cpu_negacyclic.hpp
//
// Medians for 200,000 x 70,000 x 2 ("head", with the transforms of h) and 9,600,000 x 70,000 x 2
// ("stream") on two cores of a Zen 4, 1 MiB of second-level cache each:
//
//   B          4,096   8,192   16,384   32,768
//   head, ms    1.32    1.18     1.18     1.27
//   stream, ms  50      39       31       29
//
// Packing the ears into one complex transform saves nothing, since a real transform costs half a
// complex one, and lets them leak into each other. Rounding each product before it is added, which
// makes the bytes the same on every processor, costs 5% with AVX-512 and 10% with AVX2, against
// fused multiply-adds.
#include "host/methods/cpu_vectorised.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <bit>
#include <exception>
#include <limits>
#include <stdexcept>
#include <string>

#include "host/base/parallel.hpp"

namespace gpuconv {

namespace {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// What a plan with blocks of `block` costs for a source three times as long as the response, in
/// levels of a transform for each sample.
double cost(std::int64_t response_length, std::int64_t block) {
  // A product of spectra for both ears takes 0.3 ns, a level of a transform 0.065 ns.
  constexpr double kProduct = 5.0;
  const std::int64_t partitions = ceil_div(response_length, block);
  const std::int64_t windows = ceil_div(3 * response_length, block) + 1;
  const std::int64_t wet_blocks = ceil_div(4 * response_length, block);
  const auto transforms = static_cast<double>(windows + 2 * partitions + 2 * wet_blocks);
  const auto products = static_cast<double>(wet_blocks * partitions);
  const int levels = std::countr_zero(static_cast<std::uint64_t>(block));
  return static_cast<double>(block) * (transforms * levels + products * kProduct);
}

std::int64_t checked_length(const Stereo<Signal>& response) {
  if (response.left.empty() || response.left.size() != response.right.size()) {
    throw std::invalid_argument("the ears of a response need the same length, at least 1, not " +
                                std::to_string(response.left.size()) + " and " +
                                std::to_string(response.right.size()));
  }
  return static_cast<std::int64_t>(response.left.size());
}

}  // namespace

VectorisedPlan VectorisedConvolver::plan(std::int64_t response_length) {
  // Longer blocks leave the second-level cache. They pay when there would be many partitions, whose
  // spectra leave it anyway.
  constexpr std::int64_t kInCache = 16384;
  constexpr std::int64_t kLongest = 65536;
  const std::int64_t longest = std::clamp(response_length / 4, kInCache, kLongest);

  std::int64_t best = NegacyclicTransform::kShortestHalf;
  for (std::int64_t block = best; block <= longest; block *= 2) {
    if (cost(response_length, block) < cost(response_length, best)) best = block;
  }
  return {static_cast<int>(best), static_cast<int>(ceil_div(response_length, best)),
          static_cast<int>(2 * best)};
}

VectorisedConvolver::VectorisedConvolver(const Stereo<Signal>& response, int threads)
    : response_length_(checked_length(response)),
      threads_(threads > 0 ? threads : core_count()),
      plan_(plan(response_length_)),
      transform_(plan_.block) {
  const auto block = static_cast<std::size_t>(plan_.block);
  const auto partitions = static_cast<std::size_t>(plan_.partitions);
  spectra_ = AlignedFloats(2 * partitions * transform_.spectrum_size());
  const auto spectrum = [&](std::size_t ear, std::size_t p) {
    return spectra_.data() + (ear * partitions + p) * transform_.spectrum_size();
  };
  for (std::size_t ear = 0; ear < 2; ++ear) {
    for (std::size_t p = 0; p < partitions; ++p) {
      partitions_[kSides[ear]].push_back(spectrum(ear, p));
    }
  }

  // Another thread takes 20 us to start, and far more on busy cores; a million taps take 1 ms.
  const int workers = 2 * response_length_ < 1'000'000 ? 1 : threads_;
  std::atomic<std::size_t> next = 0;
  run_workers(workers, [&](int, int) {
    AlignedFloats taps(2 * block);  // a partition, and as many zeros
    float* const zeros = taps.data() + block;
    std::fill_n(zeros, block, 0.0F);
    for (std::size_t i = next++; i < 2 * partitions; i = next++) {
      const std::size_t ear = i / partitions;
      const std::size_t p = i % partitions;
      const Signal& from = response[kSides[ear]];
      const std::size_t count = std::min(block, from.size() - p * block);
      std::fill(std::copy_n(from.data() + p * block, count, taps.data()), zeros, 0.0F);
      transform_.forward(taps.data(), zeros, spectrum(ear, p));
    }
  });
}

/// The work of one run(). Blocks go through in batches: in one step a batch is read, the one
/// before it transformed, the one before that rendered, and the one before that written. So a step
/// ends with the only barrier, and nobody waits for the source or the file.
class VectorisedConvolver::Pipeline {
 public:
  explicit Pipeline(const VectorisedConvolver& convolver);

  /// Run by all workers at once. Throws nothing, since the others would wait for ever.
  void work(int worker, int workers, const ReadSource& source, const WriteWet& wet) noexcept;

  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  static constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();

  struct Worker {
    AlignedFloats scratch;
    std::vector<const float*> windows;
  };
  struct BetweenSteps {
    Pipeline* pipeline;
    void operator()() noexcept { pipeline->begin_step(); }
  };

  void begin_step();
  void read(std::int64_t batch, const ReadSource& source);
  void write(std::int64_t batch, const WriteWet& wet);
  void transform_window(std::int64_t t);
  void render_block(std::int64_t t, Worker& worker);

  float* source_block(std::int64_t t) {
    return source_.data() + (t + source_slots_) % source_slots_ * block_;
  }
  float* window(std::int64_t t) {
    return windows_.data() +
           static_cast<std::size_t>(t % window_slots_) * convolver_.transform_.spectrum_size();
  }
  Stereo<float*> wet_block(std::int64_t t) {
    const std::int64_t first = t % (2 * batch_) * block_;
    return {wet_.left.data() + first, wet_.right.data() + first};
  }

  const VectorisedConvolver& convolver_;
  const std::int64_t block_;         // samples
  const std::int64_t batch_;         // blocks
  const std::int64_t source_slots_;  // being read, being transformed, and the block before
  const std::int64_t
      window_slots_;  // being transformed, being rendered, and what these look back on
  AlignedFloats source_;
  AlignedFloats windows_;
  Stereo<AlignedFloats> wet_;  // being rendered, being written
  std::vector<Worker> workers_;

  // Written by worker 0, read between steps.
  std::int64_t source_length_ = kUnknown;
  std::exception_ptr failure_;

  // Written between steps, read by all.
  std::int64_t step_ = 0;
  std::int64_t windows_end_ = kUnknown;  // from here on they are silent
  std::int64_t wet_length_ = kUnknown;
  bool done_ = false;
  std::atomic<std::int64_t> next_task_ = 0;
  std::barrier<BetweenSteps> step_done_;
};

// 64 Ki samples for each worker are some 200 us of work, against 5 us for a barrier. More than 16
// workers share what 16 have: memory stays below 60 MB.
VectorisedConvolver::Pipeline::Pipeline(const VectorisedConvolver& convolver)
    : convolver_(convolver),
      block_(convolver.plan_.block),
      batch_(std::min(convolver.threads_, 16) * std::int64_t{65536} / block_),
      source_slots_(2 * batch_ + 1),
      window_slots_(2 * batch_ + convolver.plan_.partitions - 1),
      source_(static_cast<std::size_t>(source_slots_ * block_)),
      windows_(static_cast<std::size_t>(window_slots_) * convolver.transform_.spectrum_size()),
      wet_{AlignedFloats(static_cast<std::size_t>(2 * batch_ * block_)),
           AlignedFloats(static_cast<std::size_t>(2 * batch_ * block_))},
      workers_(static_cast<std::size_t>(convolver.threads_)),
      step_done_(convolver.threads_, BetweenSteps{this}) {
  for (Worker& worker : workers_) {
    worker.scratch = AlignedFloats(2 * convolver.transform_.spectrum_size());
    worker.windows.reserve(static_cast<std::size_t>(convolver.plan_.partitions));
  }
  std::fill_n(source_block(-1), block_, 0.0F);
}

void VectorisedConvolver::Pipeline::work(int worker, int workers, const ReadSource& source,
                                         const WriteWet& wet) noexcept {
  if (worker == 0) {
    for (int i = workers; i < convolver_.threads_; ++i) step_done_.arrive_and_drop();
  }
  while (!done_) {
    if (worker == 0) {
      try {
        if (step_ >= 3) write(step_ - 3, wet);
        read(step_, source);
      } catch (...) {
        failure_ = std::current_exception();
      }
    }
    // The longer tasks first, so that the workers end together.
    for (std::int64_t task = next_task_++; task < 2 * batch_; task = next_task_++) {
      const std::int64_t t = (step_ - 2) * batch_ + task;
      if (task < batch_) {
        if (step_ >= 2) render_block(t, workers_[static_cast<std::size_t>(worker)]);
      } else {
        if (step_ >= 1) transform_window(t);
      }
    }
    step_done_.arrive_and_wait();
  }
}

void VectorisedConvolver::Pipeline::begin_step() {
  if (source_length_ != kUnknown) {
    windows_end_ = ceil_div(source_length_, block_) + 1;
    wet_length_ = source_length_ > 0 ? source_length_ + convolver_.response_length_ - 1 : 0;
  }
  ++step_;
  next_task_ = 0;
  done_ = failure_ != nullptr || (step_ - 3) * batch_ * block_ >= wet_length_;
}

void VectorisedConvolver::Pipeline::read(std::int64_t batch, const ReadSource& source) {
  const auto size = static_cast<std::size_t>(block_);
  for (std::int64_t t = batch * batch_; t < (batch + 1) * batch_ && t < windows_end_; ++t) {
    float* const block = source_block(t);
    const bool at_end = source_length_ != kUnknown;
    const std::size_t count = at_end ? 0 : source({block, size});
    std::fill(block + count, block + size, 0.0F);
    if (!at_end && count < size) source_length_ = t * block_ + static_cast<std::int64_t>(count);
  }
}

void VectorisedConvolver::Pipeline::write(std::int64_t batch, const WriteWet& wet) {
  const std::int64_t first = batch * batch_ * block_;
  const auto count = static_cast<std::size_t>(std::min(batch_ * block_, wet_length_ - first));
  const Stereo<float*> from = wet_block(batch * batch_);
  wet({{from.left, count}, {from.right, count}});
}

/// The window of block t is the block before it and the block itself.
void VectorisedConvolver::Pipeline::transform_window(std::int64_t t) {
  if (t >= windows_end_) return;
  convolver_.transform_.forward(source_block(t - 1), source_block(t), window(t));
}

void VectorisedConvolver::Pipeline::render_block(std::int64_t t, Worker& worker) {
  if (t * block_ >= wet_length_) return;
  const std::int64_t first = std::max<std::int64_t>(0, t + 1 - windows_end_);
  const std::int64_t last = std::min<std::int64_t>(t, convolver_.plan_.partitions - 1);
  worker.windows.clear();
  for (std::int64_t p = first; p <= last; ++p) worker.windows.push_back(window(t - p));
  const auto partitions = [&](Side side) {
    return std::span(convolver_.partitions_[side])
        .subspan(static_cast<std::size_t>(first), worker.windows.size());
  };
  convolver_.transform_.filter(worker.windows, {partitions(Side::left), partitions(Side::right)},
                               worker.scratch.data(), wet_block(t));
}

void VectorisedConvolver::run(const ReadSource& source, const WriteWet& wet) const {
  Pipeline pipeline(*this);
  run_workers(threads_,
              [&](int worker, int workers) { pipeline.work(worker, workers, source, wet); });
  pipeline.rethrow_failure();
}

}  // namespace gpuconv
