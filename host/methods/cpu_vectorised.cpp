// cpu_vectorised.cpp - plans, windows and threads around the transform of cpu_negacyclic.hpp
//
// Two cores of an AMD EPYC (Zen 3; 32 KiB and 512 KiB of cache each), other work beside it. A
// window of 2M samples from source to both ears, CPU time of one thread, of the fastest tenth;
// median of repeated measurements:
//
//   M                                   16,384  32,768  65,536  131,072  147,456  262,144
//   us                                      79     179     419      858    1,073    2,604
//   ns for an element and a level        0.114   0.121   0.133    0.128    0.141    0.184
//
// So long transforms pay: for 70,000 taps M = 131,072 takes 37 levels for each sample and M =
// 65,536, two partitions, takes 55. Beyond that, memory takes what the operations save.
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

/// The work of one run(). It goes in steps, with a barrier between them. In one step worker 0
/// writes one batch of wet frames and reads one batch of source samples, and all workers take
/// tasks:
///
///   short windows   a task is a window, from source to wet; a batch is several windows
///   long windows    a task is a part of a window; a batch is one window. In a step the first
///                   levels of one window are done, the chunks of the one before it, and the last
///                   levels of the one before that
///
/// The spectra of the response are made the same way, before they are needed.
class VectorisedConvolver::Pipeline {
 public:
  /// `head`: the first samples of the source, all of it if there are less than kShortSource.
  /// `fresh`: the spectra to be made first, the same as `spectra`, or none.
  Pipeline(const VectorisedConvolver& convolver, int threads, const VectorisedPlan& plan,
           const Spectra& spectra, Spectra* fresh, AlignedFloats head, std::int64_t head_length);

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
  int compute_steps() const { return is_shared() ? 3 : 1; }

  void begin_step();
  bool do_task(std::int64_t task, Worker& worker);
  void read(std::int64_t batch, const ReadSource& source);
  void write(std::int64_t batch, const WriteWet& wet);
  void forward_columns(std::int64_t t, int group, Worker& worker, float* spectrum);
  void filter_chunk(std::int64_t t, int chunk, Worker& worker, float* spectrum,
                    Stereo<float*> product);
  void inverse_columns(std::int64_t t, Side side, int group, Worker& worker, const float* product);
  void convolve_window(std::int64_t t, Worker& worker);

  bool is_silent(std::int64_t t) const { return t * plan_.advance >= source_end_ + plan_.lead; }
  bool is_wet(std::int64_t t) const { return t >= 0 && t * plan_.advance < wet_length_; }

  Slot& slot(std::int64_t batch) { return slots_[static_cast<std::size_t>(batch % 2)]; }
  WindowSamples window(std::int64_t t);
  float* spectrum(std::int64_t t) {
    return spectra_of_windows_ +
           static_cast<std::size_t>(t % (plan_.partitions + 1)) * transform_.spectrum_size();
  }
  float* product(std::int64_t t, Side side) {
    return products_[side] + static_cast<std::size_t>(t % 2) * transform_.spectrum_size();
  }
  Stereo<float*> wet_block(std::int64_t t) {
    const std::int64_t first = t % (2 * batch_) * plan_.advance;
    return {wet_.left + first, wet_.right + first};
  }

  const VectorisedConvolver& convolver_;
  const int threads_;
  const VectorisedPlan plan_;
  const Spectra& spectra_;
  Spectra* const fresh_;
  const NegacyclicTransform& transform_;
  const std::int64_t batch_;  // windows

  AlignedFloats head_;
  std::int64_t head_length_;
  std::int64_t head_used_ = 0;
  AlignedFloats memory_;                 // of all that follows
  Slot slots_[2];                        // being read, in use
  float* spectra_of_windows_ = nullptr;  // of long windows
  Stereo<float*> products_{};
  Stereo<float*> wet_{};  // being made, being written
  std::vector<Worker> workers_;

  // Written by worker 0, read between steps.
  std::int64_t source_length_ = kUnknown;
  std::exception_ptr failure_;

  // Written between steps, read by all.
  std::int64_t step_;
  std::int64_t source_end_;  // as far as it is known
  std::int64_t wet_length_ = kUnknown;
  bool done_ = false;
  std::atomic<std::int64_t> next_task_ = 0;
  std::barrier<BetweenSteps> step_done_;
};

// 64 Ki samples for each worker are some 200 us of work, against 5 us for a barrier. More than 16
// workers share what 16 have.
VectorisedConvolver::Pipeline::Pipeline(const VectorisedConvolver& convolver, int threads,
                                        const VectorisedPlan& plan, const Spectra& spectra,
                                        Spectra* fresh, AlignedFloats head,
                                        std::int64_t head_length)
    : convolver_(convolver),
      threads_(threads),
      plan_(plan),
      spectra_(spectra),
      fresh_(fresh),
      transform_(spectra.transform()),
      batch_(is_shared() || plan.is_single()
                 ? 1
                 : ceil_div(std::min(threads, 16) * std::int64_t{65536}, plan.advance)),
      head_(std::move(head)),
      head_length_(head_length),
      workers_(static_cast<std::size_t>(threads)),
      step_(fresh != nullptr && !is_shared() ? -2 : 0),
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
  const std::size_t steps = is_single ? 1 : 2;  // what one step makes, the next one uses
  const std::size_t windows = !is_shared() ? 0
                              : is_single  ? 1
                                           : static_cast<std::size_t>(plan.partitions) + 1;
  const std::size_t products = is_shared() ? steps : 0;
  const auto samples = static_cast<std::size_t>(is_single ? 0 : plan.lead + batch_ * plan.advance);
  const auto frames = steps * static_cast<std::size_t>(batch_ * plan.advance);
  memory_ = AlignedFloats((windows + 2 * products) * spectrum_size + 2 * samples + 2 * frames);
  float* next = memory_.data();
  const auto take = [&next](std::size_t size) { return std::exchange(next, next + size); };
  spectra_of_windows_ = take(windows * spectrum_size);
  for (const Side side : kSides) products_[side] = take(products * spectrum_size);
  for (const Side side : kSides) wet_[side] = take(frames);
  if (is_single) {
    slots_[0] = {head_.data(), head_length};
    source_length_ = head_length;
  } else {
    for (Slot& slot : slots_) slot.samples = take(samples);
    std::fill_n(slots_[1].samples + batch_ * plan.advance, plan.lead, 0.0F);
    slots_[1].count = plan.lead + batch_ * plan.advance;
    if (head_length < kShortSource) source_length_ = head_length;
  }
}

void VectorisedConvolver::Pipeline::work(int worker, int workers, const ReadSource& source,
                                         const WriteWet& wet) noexcept {
  if (worker == 0) {
    for (int i = workers; i < threads_; ++i) step_done_.arrive_and_drop();
  }
  while (!done_) {
    if (worker == 0) {
      try {
        const std::int64_t written = step_ - 1 - compute_steps();
        if (written >= 0) write(written, wet);
        if (step_ >= 0 && !plan_.is_single()) read(step_, source);
      } catch (...) {
        failure_ = std::current_exception();
      }
    }
    while (do_task(next_task_++, workers_[static_cast<std::size_t>(worker)])) {
    }
    step_done_.arrive_and_wait();
  }
}

void VectorisedConvolver::Pipeline::begin_step() {
  if (source_length_ != kUnknown) {
    source_end_ = source_length_;
    wet_length_ = source_length_ + static_cast<std::int64_t>(convolver_.response_.left.size()) - 1;
  }
  ++step_;
  next_task_ = 0;
  done_ =
      failure_ != nullptr || (step_ - 1 - compute_steps()) * batch_ * plan_.advance >= wet_length_;
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

  if (fresh_ != nullptr) {
    const std::int64_t first_step = is_shared() ? 0 : -2;
    const auto count = static_cast<std::int64_t>(fresh_->count());
    if (is_among(step_ == first_step ? count * groups : 0)) {
      fresh_->transform_columns(convolver_.response_, static_cast<std::size_t>(task / groups),
                                static_cast<int>(task % groups), worker.scratch.data());
      return true;
    }
    if (is_among(step_ == first_step + 1 ? count * chunk_tasks : 0)) {
      each_chunk(task % chunk_tasks, [&](int chunk) {
        fresh_->transform_chunk(static_cast<std::size_t>(task / chunk_tasks), chunk);
      });
      return true;
    }
  }
  if (!is_shared()) {
    if (step_ < 1 || !is_among(batch_)) return false;
    convolve_window((step_ - 1) * batch_ + task, worker);
    return true;
  }
  if (std::int64_t t = step_ - 3; is_wet(t) && is_among(2 * groups)) {
    const Side side = kSides[static_cast<std::size_t>(task / groups)];
    inverse_columns(t, side, static_cast<int>(task % groups), worker, product(t, side));
    return true;
  }
  if (std::int64_t t = step_ - 2; is_wet(t) && is_among(chunk_tasks)) {
    each_chunk(task, [&](int chunk) {
      filter_chunk(t, chunk, worker, spectrum(t),
                   {product(t, Side::left), product(t, Side::right)});
    });
    return true;
  }
  if (std::int64_t t = step_ - 1; is_wet(t) && !is_silent(t) && is_among(groups)) {
    forward_columns(t, static_cast<int>(task), worker, spectrum(t));
    return true;
  }
  return false;
}

WindowSamples VectorisedConvolver::Pipeline::window(std::int64_t t) {
  const Slot& from = slot(t / batch_);
  const std::int64_t first = t % batch_ * plan_.advance;
  return {from.samples + first,
          static_cast<int>(std::clamp<std::int64_t>(from.count - first, 0, 2 * plan_.half))};
}

void VectorisedConvolver::Pipeline::read(std::int64_t batch, const ReadSource& source) {
  constexpr std::int64_t kPiece = 16384;
  Slot& to = slot(batch);
  const Slot& before = slot(batch + 1);
  const std::int64_t used = batch_ * plan_.advance;
  to.count = std::clamp<std::int64_t>(before.count - used, 0, plan_.lead);
  std::copy_n(before.samples + used, to.count, to.samples);
  if (to.count < plan_.lead) return;  // after the end
  const std::int64_t end = plan_.lead + used;
  while (to.count < end) {
    float* const samples = to.samples + to.count;
    if (head_used_ < head_length_) {
      const std::int64_t count = std::min(end - to.count, head_length_ - head_used_);
      std::copy_n(std::as_const(head_).data() + head_used_, count, samples);
      head_used_ += count;
      to.count += count;
      continue;
    }
    if (source_length_ != kUnknown) return;
    const std::int64_t wanted = std::min(kPiece, end - to.count);
    const auto count =
        static_cast<std::int64_t>(source({samples, static_cast<std::size_t>(wanted)}));
    to.count += count;
    if (count < wanted) {
      source_length_ = batch * used + to.count - plan_.lead;
      return;
    }
  }
}

void VectorisedConvolver::Pipeline::write(std::int64_t batch, const WriteWet& wet) {
  const std::int64_t first = batch * batch_ * plan_.advance;
  const auto count =
      static_cast<std::size_t>(std::min(batch_ * plan_.advance, wet_length_ - first));
  const Stereo<float*> from = wet_block(batch * batch_);
  // What takes them has a buffer of a few at a time, in the cache.
  constexpr std::size_t kPiece = 16384;
  for (std::size_t n = 0; n < count; n += kPiece) {
    const std::size_t piece = std::min(kPiece, count - n);
    wet({{from.left + n, piece}, {from.right + n, piece}});
  }
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

void VectorisedConvolver::Pipeline::inverse_columns(std::int64_t t, Side side, int group,
                                                    Worker& worker, const float* product) {
  const std::int64_t left = wet_length_ - t * plan_.advance;
  const auto frames = static_cast<int>(std::min<std::int64_t>(plan_.advance, left));
  const WindowWet wet{wet_block(t)[side], plan_.lead, plan_.lead + frames};
  transform_.inverse_columns(product, group, worker.scratch.data(), wet);
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
  for (const Side side : kSides) {
    for (int group = 0; group < groups; ++group) {
      inverse_columns(t, side, group, worker, product[side]);
    }
  }
}

void VectorisedConvolver::run(const ReadSource& source, const WriteWet& wet, int threads) const {
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

  const int workers_wanted = threads > 0 ? threads : threads_ > 0 ? threads_ : thread_count();
  Pipeline pipeline(*this, workers_wanted, plan, *spectra, fresh.get(), std::move(head),
                    head_length);
  run_workers(workers_wanted,
              [&](int worker, int workers) { pipeline.work(worker, workers, source, wet); });
  pipeline.rethrow_failure();
  if (fresh) {
    const std::lock_guard lock(mutex_);
    spectra_[key] = fresh;
  }
}

}  // namespace gpuconv
