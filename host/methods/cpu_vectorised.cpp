// cpu_vectorised.cpp - plans, windows and threads around the transform of cpu_negacyclic.hpp
//
// A window of 2M samples from source to both ears, CPU time of one thread, fastest of 75 runs or
// more, on an AMD EPYC (Zen 5; 48 KiB and 1 MiB of cache for a core; 2026-11-30, other work beside
// it), with the vectors of AVX-512, AVX2 and SSE4:
//
//   M                                   16,384  32,768  65,536  131,072  147,456  262,144
//   us, AVX-512                             37      79     172      442      493    1,138
//   us, AVX2                                49     106     231      541      665    1,375
//   us, SSE4                                87     192     399      949    1,251    2,212
//   ns for an element and a level, AVX2  0.064   0.065   0.066    0.074    0.075    0.089
//
// So long transforms pay: for 70,000 taps M = 131,072 takes 37 levels for each sample and M =
// 65,536, two partitions, takes 55. Beyond that, memory takes what the operations save. The factors
// of transform_cost() are those of a smaller second-level cache, 512 KiB of a Zen 3: there it pays
// earlier to stay short, and a plan must not depend on the processor.
//
// Packing the ears into one complex transform saves nothing, since a real transform costs half a
// complex one, and lets them leak into each other. Each product is rounded before it is added,
// which makes the bytes the same on every processor.
#include "host/methods/cpu_vectorised.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cmath>
#include <exception>
#include <functional>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "host/base/parallel.hpp"

namespace gpuconv {

namespace {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Up to here one worker does a whole window in its second-level cache; all workers share a longer
/// one.
constexpr int kLongestOfOneWorker = 16384;
constexpr int kLongestHalf = 1 << 18;
constexpr double kProduct = 2.5;  // of an element of two spectra, in levels
/// Elements and levels that a thread must have to itself, some 100 us: to start it and wait for it
/// takes half of that, and on a busy machine a turn of everybody else.
constexpr double kWorkOfWorker = 1e6;

/// The cost of a transform, in levels of one element that stay in the second-level cache.
double transform_cost(int half) {
  constexpr double kStart = 500;
  constexpr double kRadix3 = 2.2;  // levels
  double levels = 0;
  int power_of_2 = half;
  for (; power_of_2 % 3 == 0; power_of_2 /= 3) levels += kRadix3;
  levels += std::log2(power_of_2);
  const double memory = half <= kLongestOfOneWorker ? 1
                        : half <= 131'072           ? 1.15
                                                    : 1.15 * std::pow(half / 131'072.0, 0.6);
  return half * levels * memory + kStart;
}

/// How often a plan does what.
struct PlannedWork {
  double windows;  ///< of all voices
  double wet_blocks;
  double responses;
};

/// Whole windows count for a short source only.
PlannedWork work_of(const VectorisedPlan& plan, std::int64_t source_length,
                    std::int64_t response_length) {
  const bool is_short = source_length < VectorisedConvolver::kShortSource;
  const auto count = [&](std::int64_t samples) {
    return is_short ? static_cast<double>(ceil_div(samples, plan.advance))
                    : static_cast<double>(samples) / plan.advance;
  };
  // A long source counts as one that is many times as long.
  const std::int64_t samples =
      is_short
          ? source_length
          : std::max<std::int64_t>(16 * VectorisedConvolver::kShortSource, 3 * response_length);
  if (plan.is_single()) return {1, 1, 1};
  return {count(samples + plan.lead), count(samples + response_length - 1), 1};
}

/// Each voice has windows of its own, and each response spectra.
PlannedWork work_of(const VectorisedPlan& plan, std::int64_t length, std::int64_t response_length,
                    std::span<const Voice> voices, double responses) {
  if (std::ranges::all_of(voices, is_whole)) {
    PlannedWork work = work_of(plan, length, response_length);
    work.windows *= static_cast<double>(voices.size());
    work.responses = responses;
    return work;
  }
  PlannedWork work{0, static_cast<double>(ceil_div(length + response_length - 1, plan.advance)),
                   responses};
  for (const Voice& voice : voices) {
    const std::int64_t end = std::min(voice.end, length);
    if (voice.begin >= end) continue;
    work.windows +=
        static_cast<double>((end - 1 + plan.lead) / plan.advance - voice.begin / plan.advance + 1);
  }
  return work;
}

/// In levels of one element that stay in the second-level cache.
double plan_cost(const VectorisedPlan& plan, const PlannedWork& work) {
  return (work.windows + 2 * work.wet_blocks + 2 * plan.partitions * work.responses) *
             transform_cost(plan.half) +
         2 * kProduct * work.windows * plan.partitions * plan.half;
}

VectorisedPlan plan_for(int half, std::int64_t source_length, std::int64_t response_length) {
  if (source_length < VectorisedConvolver::kShortSource &&
      source_length + response_length - 1 <= 2 * half) {
    return {half, 2 * half, 0, 1, static_cast<int>(response_length)};
  }
  if (response_length <= half) {
    constexpr int kAlignment = NegacyclicTransform::kAlignment;
    const std::int64_t before = std::max<std::int64_t>(response_length - 1, 1);
    const auto lead = static_cast<int>(ceil_div(before, kAlignment) * kAlignment);
    return {half, 2 * half - lead, lead, 1, static_cast<int>(response_length)};
  }
  return {half, half, half, static_cast<int>(ceil_div(response_length, half)), half};
}

template <typename WorkOf>
VectorisedPlan cheapest_plan(std::int64_t length, std::int64_t response_length, WorkOf work_of) {
  const int shortest = NegacyclicTransform::kShortestHalf;
  VectorisedPlan best = plan_for(shortest, length, response_length);
  double least = plan_cost(best, work_of(best));
  for (int power_of_2 = shortest; power_of_2 <= kLongestHalf; power_of_2 *= 2) {
    for (const int factor : {1, 3, 9}) {
      if (factor * power_of_2 > kLongestHalf) continue;
      const VectorisedPlan plan = plan_for(factor * power_of_2, length, response_length);
      const double cost = plan_cost(plan, work_of(plan));
      if (cost < least) {
        best = plan;
        least = cost;
      }
    }
  }
  return best;
}

}  // namespace

VectorisedPlan VectorisedConvolver::plan(std::int64_t source_length, std::int64_t response_length) {
  return cheapest_plan(source_length, response_length, [&](const VectorisedPlan& plan) {
    return work_of(plan, source_length, response_length);
  });
}

VectorisedPlan VectorisedConvolver::plan(std::int64_t length, std::int64_t response_length,
                                         std::span<const Voice> voices) {
  std::set<std::size_t> responses;
  for (const Voice& voice : voices) responses.insert(voice.response);
  return cheapest_plan(length, response_length, [&](const VectorisedPlan& plan) {
    return work_of(plan, length, response_length, voices, static_cast<double>(responses.size()));
  });
}

/// The spectra of a response's partitions.
class VectorisedConvolver::Spectra {
 public:
  explicit Spectra(const VectorisedPlan& plan)
      : transform_(plan.half),
        part_(static_cast<std::size_t>(plan.part)),
        spectra_(2 * static_cast<std::size_t>(plan.partitions) * transform_.spectrum_size()) {
    for (std::size_t i = 0; i < 2 * static_cast<std::size_t>(plan.partitions); ++i) {
      partitions_[kSides[i % 2]].push_back(spectrum(i));
    }
  }

  const NegacyclicTransform& transform() const { return transform_; }
  std::size_t floats() const { return count() * transform_.spectrum_size(); }
  const Stereo<std::vector<const float*>>& partitions() const { return partitions_; }

  // Spectrum i is that of partition i / 2 of side i % 2.
  std::size_t count() const { return 2 * partitions_.left.size(); }
  void transform_columns(const Stereo<Signal>& response, std::size_t i, int group, float* scratch) {
    const Signal& from = response[kSides[i % 2]];
    const std::size_t first = i / 2 * part_;
    const auto taps = static_cast<int>(std::min(part_, from.size() - first));
    transform_.forward_columns({from.data() + first, taps}, group, scratch, spectrum(i));
  }
  void transform_chunk(std::size_t i, int chunk) { transform_.forward_chunk(chunk, spectrum(i)); }

 private:
  float* spectrum(std::size_t i) { return spectra_.data() + i * transform_.spectrum_size(); }

  NegacyclicTransform transform_;
  std::size_t part_;
  AlignedFloats spectra_;
  Stereo<std::vector<const float*>> partitions_;
};

VectorisedConvolver::VectorisedConvolver(const Stereo<Signal>& response, int threads)
    : response_(response), threads_(threads) {
  if (response.left.empty() || response.left.size() != response.right.size()) {
    throw std::invalid_argument("the ears of a response need the same length, at least 1, not " +
                                std::to_string(response.left.size()) + " and " +
                                std::to_string(response.right.size()));
  }
}

VectorisedConvolver::~VectorisedConvolver() = default;

std::size_t VectorisedConvolver::bytes() const {
  const std::lock_guard lock(mutex_);
  std::size_t floats = response_.left.size() + response_.right.size();
  for (const auto& [key, spectra] : spectra_) floats += spectra->floats();
  return floats * sizeof(float);
}

/// The work of one run(), in batches of windows. A batch takes one step or three, with a barrier
/// after each:
///
///   short windows   a batch is several of them. One step: a task is a window, from source to wet
///   long windows    a batch is one. Three steps: the first levels, the chunks, the last levels; a
///                   task is a part of one. What a step leaves is used while it is in the caches
///
/// Meanwhile worker 0 writes the wet frames of the batch before and reads the samples of the batch
/// after, piece by piece, for as long as the others have tasks: where two workers share a batch, it
/// does little else. The last step of a batch does the rest. Workers without a task read for it, if
/// they may. The spectra of the response are made on the way.
class VectorisedConvolver::Pipeline {
 public:
  /// `head`: the first samples of the source, all of it if there are less than kShortSource.
  /// `fresh`: the spectra to be made first, the same as `spectra`, or none.
  Pipeline(const VectorisedConvolver& convolver, int threads, const VectorisedPlan& plan,
           const Spectra& spectra, Spectra* fresh, AlignedFloats head, std::int64_t head_length,
           SourceThread source_thread);

  /// Run by all workers at once. Throws nothing, since the others would wait for ever.
  void work(int worker, int workers, const ReadSource& source, const WriteWet& wet) noexcept;

  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  static constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();
  static constexpr int kChunksOfTask = 4;

  struct Worker {
    AlignedFloats scratch;
    AlignedFloats spectrum;  // of short windows
    Stereo<AlignedFloats> product;
    std::vector<const float*> windows;
  };
  struct BetweenSteps {
    Pipeline* pipeline;
    void operator()() noexcept { pipeline->begin_step(); }
  };
  struct Slot {
    float* samples = nullptr;
    std::int64_t count = 0;  // those that are valid
  };

  /// A window is the work of all. Partitions need the spectra of earlier windows.
  bool is_shared() const { return plan_.half > kLongestOfOneWorker || plan_.partitions > 1; }
  int steps_of_batch() const { return is_shared() ? 3 : 1; }
  /// Steps before 0 read the first batch and make spectra; short windows need them complete.
  int first_step() const {
    if (!is_shared() && fresh_ != nullptr) return -2;
    return plan_.is_single() ? 0 : -1;
  }

  void begin_step();
  bool do_task(std::int64_t task, Worker& worker);
  bool read_piece(std::int64_t batch, const ReadSource& source);
  bool write_piece(std::int64_t batch, const WriteWet& wet);
  void write_frames(const WriteWet& wet);
  void read_samples(const ReadSource& source, const std::function<bool()>& has_time);
  void note_failure();
  bool must_end_batch() const { return done_ || step_ < 0 || (step_ + 1) % steps_of_batch() == 0; }
  void forward_columns(std::int64_t t, int group, Worker& worker, float* spectrum);
  void filter_chunk(std::int64_t t, int chunk, Worker& worker, float* spectrum,
                    Stereo<float*> product);
  void convolve_window(std::int64_t t, Worker& worker);

  bool is_silent(std::int64_t t) const { return t * plan_.advance >= source_end_ + plan_.lead; }
  bool is_wet(std::int64_t t) const { return t >= 0 && t * plan_.advance < wet_length_; }

  Slot& slot(std::int64_t batch) { return slots_[static_cast<std::size_t>(batch % 2)]; }
  WindowSamples window(std::int64_t t);
  float* spectrum(std::int64_t t) {
    return spectra_of_windows_ +
           static_cast<std::size_t>(t) % windows_ * transform_.spectrum_size();
  }
  /// The one on the left takes the place of its window's spectrum where that is needed no more.
  float* product(std::int64_t t, Side side) {
    if (side == Side::left && plan_.partitions == 1) return spectrum(t);
    return products_[side] +
           static_cast<std::size_t>(t) % products_of_side_ * transform_.spectrum_size();
  }
  /// Of the wet frames [n, end) of a batch, the first ones that lie side by side.
  Stereo<std::span<const float>> frames(std::int64_t batch, std::int64_t n, std::int64_t end);

  const VectorisedConvolver& convolver_;
  const int threads_;
  const VectorisedPlan plan_;
  const Spectra& spectra_;
  Spectra* const fresh_;
  const NegacyclicTransform& transform_;
  const std::int64_t batch_;  // windows
  const SourceThread source_thread_;

  std::mutex reading_;  // what follows belongs to the worker that reads
  AlignedFloats head_;
  std::int64_t head_length_;
  std::int64_t head_used_ = 0;
  std::int64_t batch_read_ = -1;           // the latest that was begun
  std::int64_t source_length_ = kUnknown;  // also read between steps

  AlignedFloats memory_;  // of all that follows
  Slot slots_[2];         // in use, being read
  // Of long windows: their spectra, then products, then wet frames, which stay where they are made.
  float* spectra_of_windows_ = nullptr;
  std::size_t windows_ = 0;
  Stereo<float*> products_{};
  std::size_t products_of_side_ = 0;  // being made, being written
  Stereo<float*> wet_{};              // of short windows: being made, being written
  std::vector<Worker> workers_;

  std::int64_t written_ = 0;  // frames, by worker 0

  std::mutex failing_;
  std::exception_ptr failure_;  // the first
  std::atomic<bool> has_failed_ = false;

  // Written between steps, read by all.
  std::int64_t step_;
  std::int64_t source_end_;  // as far as it is known
  std::int64_t wet_length_ = kUnknown;
  bool done_ = false;
  std::atomic<std::int64_t> next_task_ = 0;
  std::atomic<bool> is_out_of_tasks_ = false;  // a worker has found none
  std::atomic<bool> is_first_done_ = false;    // worker 0 has
  std::barrier<BetweenSteps> step_done_;
};

// 64 Ki samples for each worker are some 200 us of work, against 5 us for a barrier. More than 16
// workers share what 16 have.
VectorisedConvolver::Pipeline::Pipeline(const VectorisedConvolver& convolver, int threads,
                                        const VectorisedPlan& plan, const Spectra& spectra,
                                        Spectra* fresh, AlignedFloats head,
                                        std::int64_t head_length, SourceThread source_thread)
    : convolver_(convolver),
      threads_(threads),
      plan_(plan),
      spectra_(spectra),
      fresh_(fresh),
      transform_(spectra.transform()),
      batch_(is_shared() || plan.is_single()
                 ? 1
                 : ceil_div(std::min(threads, 16) * std::int64_t{65536}, plan.advance)),
      source_thread_(source_thread),
      head_(std::move(head)),
      head_length_(head_length),
      workers_(static_cast<std::size_t>(threads)),
      step_(first_step() - 1),
      source_end_(kUnknown - plan.lead),
      step_done_(threads, BetweenSteps{this}) {
  const std::size_t spectrum_size = transform_.spectrum_size();
  for (Worker& worker : workers_) {
    worker.scratch = AlignedFloats(transform_.scratch_size());
    worker.windows.reserve(static_cast<std::size_t>(plan.partitions));
    if (is_shared()) continue;
    worker.spectrum = AlignedFloats(spectrum_size);
    worker.product = {AlignedFloats(spectrum_size), AlignedFloats(spectrum_size)};
  }
  const bool is_single = plan.is_single();
  const std::size_t batches = is_single ? 1 : 2;  // while one is made, another one is written
  Stereo<std::size_t> products{0, 0};
  std::size_t wet = 0;
  if (is_shared()) {
    products_of_side_ = batches;
    windows_ = plan.partitions > 1 ? static_cast<std::size_t>(plan.partitions) : batches;
    products = {plan.partitions > 1 ? batches : 0, batches};
  } else {
    wet = batches * static_cast<std::size_t>(batch_ * plan.advance);
  }
  const auto samples = static_cast<std::size_t>(is_single ? 0 : plan.lead + batch_ * plan.advance);
  memory_ = AlignedFloats((windows_ + products.left + products.right) * spectrum_size +
                          2 * samples + 2 * wet);
  float* next = memory_.data();
  const auto take = [&next](std::size_t size) { return std::exchange(next, next + size); };
  spectra_of_windows_ = take(windows_ * spectrum_size);
  for (const Side side : kSides) products_[side] = take(products[side] * spectrum_size);
  for (const Side side : kSides) wet_[side] = take(wet);
  if (is_single) {
    slots_[0] = {head_.data(), head_length};
    source_length_ = head_length;
  } else {
    for (Slot& slot : slots_) slot.samples = take(samples);
    std::fill_n(slots_[1].samples + batch_ * plan.advance, plan.lead, 0.0F);
    slots_[1].count = plan.lead + batch_ * plan.advance;
    if (head_length < kShortSource) source_length_ = head_length;
  }
  begin_step();
}

void VectorisedConvolver::Pipeline::work(int worker, int workers, const ReadSource& source,
                                         const WriteWet& wet) noexcept {
  if (worker == 0) {
    for (int i = workers; i < threads_; ++i) step_done_.arrive_and_drop();
  }
  while (!done_) {
    if (worker == 0) {
      write_frames(wet);
      read_samples(source, [&] { return must_end_batch() || !is_out_of_tasks_; });
    }
    while (do_task(next_task_++, workers_[static_cast<std::size_t>(worker)])) {
    }
    if (worker == 0) {
      is_first_done_ = true;
    } else {
      is_out_of_tasks_ = true;
      if (source_thread_ == SourceThread::any) {
        read_samples(source, [&] { return !is_first_done_; });
      }
    }
    step_done_.arrive_and_wait();
  }
  if (worker == 0 && !has_failed_) write_frames(wet);
}

void VectorisedConvolver::Pipeline::begin_step() {
  if (source_length_ != kUnknown) {
    source_end_ = source_length_;
    wet_length_ = source_length_ + static_cast<std::int64_t>(convolver_.response_.left.size()) - 1;
  }
  ++step_;
  next_task_ = 0;
  is_out_of_tasks_ = is_first_done_ = false;
  done_ = has_failed_ || (step_ >= 0 && step_ % steps_of_batch() == 0 &&
                          step_ / steps_of_batch() * batch_ * plan_.advance >= wet_length_);
}

/// Those of the batch before, for as long as the other workers have tasks.
void VectorisedConvolver::Pipeline::write_frames(const WriteWet& wet) {
  const std::int64_t batch = step_ < 0 ? -1 : step_ / steps_of_batch();
  try {
    while ((must_end_batch() || !is_out_of_tasks_) && write_piece(batch - 1, wet)) {
    }
  } catch (...) {
    note_failure();
  }
}

/// Those of the batch after.
void VectorisedConvolver::Pipeline::read_samples(const ReadSource& source,
                                                 const std::function<bool()>& has_time) {
  if (step_ < -1 || plan_.is_single()) return;
  const std::int64_t batch = step_ < 0 ? 0 : step_ / steps_of_batch() + 1;
  try {
    for (bool has_more = true; has_more && has_time();) {
      const std::lock_guard lock(reading_);
      has_more = !has_failed_ && read_piece(batch, source);
    }
  } catch (...) {
    note_failure();
  }
}

void VectorisedConvolver::Pipeline::note_failure() {
  const std::lock_guard lock(failing_);
  if (!failure_) failure_ = std::current_exception();
  has_failed_ = true;
}

/// False if this step has no such task.
bool VectorisedConvolver::Pipeline::do_task(std::int64_t task, Worker& worker) {
  const auto is_among = [&task](std::int64_t count) {
    if (task < count) return true;
    task -= count;
    return false;
  };
  const int groups = transform_.column_groups();
  const auto chunk_tasks = static_cast<int>(ceil_div(transform_.chunks(), kChunksOfTask));
  const auto each_chunk = [&](std::int64_t of_task, const auto& work) {
    const int first = static_cast<int>(of_task) * kChunksOfTask;
    const int end = std::min(first + kChunksOfTask, transform_.chunks());
    for (int chunk = first; chunk < end; ++chunk) work(chunk);
  };

  const auto responses = static_cast<std::int64_t>(fresh_ == nullptr ? 0 : fresh_->count());
  if (is_among(step_ == first_step() ? responses * groups : 0)) {
    fresh_->transform_columns(convolver_.response_, static_cast<std::size_t>(task / groups),
                              static_cast<int>(task % groups), worker.scratch.data());
    return true;
  }
  if (!is_shared()) {
    if (is_among(step_ == -1 ? responses * chunk_tasks : 0)) {
      each_chunk(task % chunk_tasks, [&](int chunk) {
        fresh_->transform_chunk(static_cast<std::size_t>(task / chunk_tasks), chunk);
      });
      return true;
    }
    if (step_ < 0 || !is_among(batch_)) return false;
    convolve_window(step_ * batch_ + task, worker);
    return true;
  }

  if (step_ < 0) return false;
  const std::int64_t t = step_ / 3;
  switch (step_ % 3) {
    case 0:
      if (is_silent(t) || !is_among(groups)) return false;
      forward_columns(t, static_cast<int>(task), worker, spectrum(t));
      return true;
    case 1:
      if (!is_among(chunk_tasks)) return false;
      each_chunk(task, [&](int chunk) {
        for (std::int64_t i = 0; t == 0 && i < responses; ++i) {
          fresh_->transform_chunk(static_cast<std::size_t>(i), chunk);
        }
        filter_chunk(t, chunk, worker, spectrum(t),
                     {product(t, Side::left), product(t, Side::right)});
      });
      return true;
    default:
      if (!is_among(2 * groups)) return false;
      transform_.inverse_columns(static_cast<int>(task % groups), worker.scratch.data(),
                                 product(t, kSides[static_cast<std::size_t>(task / groups)]));
      return true;
  }
}

WindowSamples VectorisedConvolver::Pipeline::window(std::int64_t t) {
  const Slot& from = slot(t / batch_);
  const std::int64_t first = t % batch_ * plan_.advance;
  return {from.samples + first,
          static_cast<int>(std::clamp<std::int64_t>(from.count - first, 0, 2 * plan_.half))};
}

/// Reads the next samples of a batch; false if it has all.
bool VectorisedConvolver::Pipeline::read_piece(std::int64_t batch, const ReadSource& source) {
  constexpr std::int64_t kPiece = 16384;
  Slot& to = slot(batch);
  const std::int64_t all = batch_ * plan_.advance;
  if (batch != batch_read_) {
    batch_read_ = batch;
    const Slot& before = slot(batch + 1);
    to.count = std::clamp<std::int64_t>(before.count - all, 0, plan_.lead);
    std::copy_n(before.samples + all, to.count, to.samples);
  }
  const std::int64_t end = plan_.lead + all;
  if (to.count < plan_.lead || to.count == end) return false;  // after the end; full
  float* const samples = to.samples + to.count;
  if (head_used_ < head_length_) {
    const std::int64_t count = std::min(end - to.count, head_length_ - head_used_);
    std::copy_n(std::as_const(head_).data() + head_used_, count, samples);
    head_used_ += count;
    to.count += count;
    return true;
  }
  if (source_length_ != kUnknown) return false;
  const std::int64_t wanted = std::min(kPiece, end - to.count);
  const auto count = static_cast<std::int64_t>(source({samples, static_cast<std::size_t>(wanted)}));
  to.count += count;
  if (count < wanted) source_length_ = batch * all + to.count - plan_.lead;
  return count == wanted;
}

/// Writes the next frames of a batch; false if it has no more.
bool VectorisedConvolver::Pipeline::write_piece(std::int64_t batch, const WriteWet& wet) {
  const std::int64_t all = batch_ * plan_.advance;
  const std::int64_t first = batch * all;
  const std::int64_t end = std::min(first + all, wet_length_);
  if (written_ >= end) return false;
  const Stereo<std::span<const float>> piece = frames(batch, written_ - first, end - first);
  wet(piece);
  written_ += static_cast<std::int64_t>(piece.left.size());
  return true;
}

Stereo<std::span<const float>> VectorisedConvolver::Pipeline::frames(std::int64_t batch,
                                                                     std::int64_t n,
                                                                     std::int64_t end) {
  if (is_shared()) {
    const auto samples = [&](Side side) {
      return transform_.samples(product(batch, side), plan_.lead + static_cast<int>(n),
                                plan_.lead + static_cast<int>(end));
    };
    return {samples(Side::left), samples(Side::right)};
  }
  // What takes them has a buffer of a few at a time, in the cache.
  constexpr std::int64_t kPiece = 16384;
  const auto count = static_cast<std::size_t>(std::min(kPiece, end - n));
  const std::int64_t first = batch % 2 * batch_ * plan_.advance + n;
  return {{wet_.left + first, count}, {wet_.right + first, count}};
}

void VectorisedConvolver::Pipeline::forward_columns(std::int64_t t, int group, Worker& worker,
                                                    float* spectrum) {
  const WindowSamples samples = window(t);
  transform_.forward_columns(samples, group, worker.scratch.data(), spectrum);
}

/// The spectrum of window t has its first levels, those of the windows before it all levels.
void VectorisedConvolver::Pipeline::filter_chunk(std::int64_t t, int chunk, Worker& worker,
                                                 float* spectrum, Stereo<float*> product) {
  if (!is_silent(t)) transform_.forward_chunk(chunk, spectrum);
  std::int64_t first = 0;
  while (is_silent(t - first)) ++first;
  const std::int64_t last = std::min<std::int64_t>(t, plan_.partitions - 1);
  worker.windows.clear();
  for (std::int64_t p = first; p <= last; ++p) {
    worker.windows.push_back(p == 0 ? spectrum : this->spectrum(t - p));
  }
  const auto partitions = [&](Side side) {
    return std::span(spectra_.partitions()[side])
        .subspan(static_cast<std::size_t>(first), worker.windows.size());
  };
  transform_.filter_chunk(worker.windows, {partitions(Side::left), partitions(Side::right)}, chunk,
                          product);
}

void VectorisedConvolver::Pipeline::convolve_window(std::int64_t t, Worker& worker) {
  if (!is_wet(t)) return;
  float* const spectrum = worker.spectrum.data();
  const Stereo<float*> product{worker.product.left.data(), worker.product.right.data()};
  const int groups = transform_.column_groups();
  for (int group = 0; group < groups; ++group) {
    forward_columns(t, group, worker, spectrum);
  }
  for (int chunk = 0; chunk < transform_.chunks(); ++chunk) {
    filter_chunk(t, chunk, worker, spectrum, product);
  }
  const std::int64_t left = wet_length_ - t * plan_.advance;
  const auto frames = static_cast<int>(std::min<std::int64_t>(plan_.advance, left));
  const std::int64_t first = t % (2 * batch_) * plan_.advance;
  for (const Side side : kSides) {
    for (int group = 0; group < groups; ++group) {
      transform_.inverse_columns(product[side], group, worker.scratch.data(),
                                 {wet_[side] + first, plan_.lead, plan_.lead + frames});
    }
  }
}

int VectorisedConvolver::workers(std::int64_t source_length, bool knows_spectra,
                                 int threads) const {
  const auto K = static_cast<std::int64_t>(response_.left.size());
  const VectorisedPlan plan = this->plan(source_length, K);
  PlannedWork work = work_of(plan, source_length, K);
  if (knows_spectra) work.responses = 0;
  return static_cast<int>(std::clamp<double>(plan_cost(plan, work) / kWorkOfWorker, 1, threads));
}

void VectorisedConvolver::run(const ReadSource& source, const WriteWet& wet, int threads,
                              SourceThread source_thread) const {
  AlignedFloats head(kShortSource);
  std::int64_t head_length = 0;
  for (bool is_more = true; is_more && head_length < kShortSource;) {
    constexpr std::int64_t kPiece = 16384;
    const std::size_t count = source({head.data() + head_length, kPiece});
    head_length += static_cast<std::int64_t>(count);
    is_more = count == kPiece;
  }
  if (head_length == 0) return;

  const VectorisedPlan plan =
      this->plan(head_length, static_cast<std::int64_t>(response_.left.size()));
  const std::pair key{plan.half, plan.partitions};
  std::shared_ptr<const Spectra> spectra;
  std::shared_ptr<Spectra> fresh;
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = spectra_.find(key); known != spectra_.end()) spectra = known->second;
  }
  if (!spectra) spectra = fresh = std::make_shared<Spectra>(plan);

  const int threads_wanted = threads > 0 ? threads : threads_ > 0 ? threads_ : thread_count();
  const int workers_wanted = workers(head_length, fresh == nullptr, threads_wanted);
  Pipeline pipeline(*this, workers_wanted, plan, *spectra, fresh.get(), std::move(head),
                    head_length, source_thread);
  run_workers(workers_wanted,
              [&](int worker, int workers) { pipeline.work(worker, workers, source, wet); });
  pipeline.rethrow_failure();
  if (fresh) {
    const std::lock_guard lock(mutex_);
    spectra_[key] = fresh;
  }
}

}  // namespace gpuconv
