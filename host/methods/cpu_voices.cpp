#include "host/methods/cpu_voices.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cmath>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <utility>

#include "host/base/parallel.hpp"
#include "host/methods/cpu_floats_pool.hpp"
#include "host/methods/cpu_response_spectra.hpp"
#include "host/methods/cpu_source_rings.hpp"
#include "host/methods/voice_gains.hpp"

namespace gpuconv {
namespace {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Up to here one worker does the whole transform of a window in its second-level cache.
constexpr int kLongestOfOneWorker = 16384;

/// A voice in one window.
struct Heard {
  std::size_t voice = 0;
  bool has_gain = false;     ///< its samples are not those of the source
  float* samples = nullptr;  ///< with the gain, of a long window; else null
  int count = 0;             ///< of these, those that are not zeros at the end
  float* spectrum = nullptr;
};

/// All that is heard in one window, by voice, and the products of its spectra in their order.
struct Window {
  std::int64_t t = 0;
  std::vector<Heard> heard;
  std::vector<const float*> factors;
  Stereo<std::vector<const float*>> responses;
};

/// How many voices are heard at a time, on average.
double mean_voices(std::span<const Voice> voices) {
  std::int64_t latest = 1;
  for (const Voice& voice : voices) {
    if (voice.end < kForever) latest = std::max(latest, voice.end);
  }
  double sum = 0;
  for (const Voice& voice : voices) {
    const std::int64_t frames = std::min(voice.end, std::max(latest, voice.begin)) - voice.begin;
    sum += is_whole(voice) ? 1 : static_cast<double>(frames) / static_cast<double>(latest);
  }
  return std::max(sum, 1.0);
}

}  // namespace

/// The work of one run(), in batches of windows. Each goes through phases, with a barrier between
/// them. Worker 0 alone calls the caller's functions; then all workers take tasks:
///
///   gain       samples of voices that have ramps, of long windows
///   forward    worker 0 writes the frames of the batch before. Spectra of new responses, and of
///              each voice in each window
///   product    worker 0 reads for the next batch, from sources that have been transformed.
///              Products, and the first levels back
///   inverse    the other levels, of long windows; short ones have all of them in one task
///
/// Of a long window that many voices share, forward and product take a few voices at a time, whose
/// spectra stay in the cache.
class VoicesConvolver::Pipeline {
 public:
  Pipeline(const VoicesConvolver& convolver, std::span<const SceneSource> sources, int threads)
      : responses_(convolver.responses_),
        voices_(convolver.voices_),
        plan_(convolver.plan_),
        transform_(plan_.half),
        batch_(batch_of(threads)),
        sources_(sources, plan_.lead, batch_ * plan_.advance),
        pool_(transform_.spectrum_size()),
        sample_pool_(2 * static_cast<std::size_t>(plan_.half)),
        workers_(static_cast<std::size_t>(threads)),
        gains_(voices_),
        spectra_(responses_, voices_, plan_.part, transform_.spectrum_size()),
        done_(threads, Complete{this}) {
    const auto spectrum_size = transform_.spectrum_size();
    for (Worker& worker : workers_) {
      worker.scratch = AlignedFloats(transform_.scratch_size());
      if (is_long()) continue;
      worker.samples = AlignedFloats(2 * static_cast<std::size_t>(plan_.half));
      for (const Side side : kSides) {
        worker.product[side] = AlignedFloats(spectrum_size);
        if (sums_groups()) worker.lost[side] = AlignedFloats(spectrum_size);
      }
    }
    for (const Side side : kSides) {
      if (is_long()) product_[side] = AlignedFloats(spectrum_size);
      if (is_long() && sums_groups()) lost_[side] = AlignedFloats(spectrum_size);
    }
    for (const Side side : kSides) {
      wet_[side] = AlignedFloats(static_cast<std::size_t>(batch_ * plan_.advance));
    }
    begin_voices();
    for (std::size_t source = 0; source < sources_.count(); ++source) sources_.read(source, 0);
    finish_reading();
    if (!is_all_done()) prepare();
  }

  bool is_all_done() const { return first_ * plan_.advance >= wet_length_; }

  /// Run by all workers at once. Throws nothing, since the others would wait for ever.
  void work(int worker, int workers, const WriteWet& write) noexcept {
    if (worker == 0) {
      for (auto i = static_cast<std::size_t>(workers); i < workers_.size(); ++i) {
        done_.arrive_and_drop();
      }
    }
    Worker& own = workers_[static_cast<std::size_t>(worker)];
    while (!is_finished_) {
      if (worker == 0) call_out(write);
      try {
        for (std::size_t task = next_task_++; task < tasks_.size(); task = next_task_++) {
          (this->*tasks_[task].work)(tasks_[task], own);
        }
      } catch (...) {
        note_failure();
      }
      done_.arrive_and_wait();
    }
  }

  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  struct Worker {
    AlignedFloats scratch;
    AlignedFloats samples;  // of short windows, as the next one
    Stereo<AlignedFloats> product, lost;
  };
  struct Complete {
    Pipeline* pipeline;
    void operator()() noexcept { pipeline->end_phase(); }
  };
  enum class Phase { gain, forward, product, inverse, last_frames };
  /// What one worker does at a time: of item `of` of the phase, part `part`.
  struct Task {
    void (Pipeline::*work)(const Task&, Worker&);
    Window* window;
    std::size_t of;
    int part;
  };

  static constexpr int kChunksOfTask = 4;
  static constexpr std::size_t kGroup = NegacyclicTransform::kTogether;  // voices of a long window
  bool is_long() const { return plan_.half > kLongestOfOneWorker || plan_.partitions > 1; }

  /// Windows of a batch: 64 Ki samples for each worker are some 200 us of work, against 5 us for a
  /// barrier. More than 16 workers share what 16 have.
  std::int64_t batch_of(int threads) const {
    if (is_long() || plan_.is_single()) return 1;
    const auto V = static_cast<std::int64_t>(std::ceil(mean_voices(voices_)));
    return ceil_div(std::min(threads, 16) * std::int64_t{65536}, plan_.advance * V);
  }

  void note_failure() {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = std::current_exception();
  }

  void call_out(const WriteWet& write) {
    try {
      if (phase_ == Phase::forward || phase_ == Phase::last_frames) write_batch(write);
      if (phase_ == Phase::product) {
        read_transformed();
        if (is_last_group()) {
          first_ += batch_;
          finish_reading();
          load_ahead();
        }
      }
    } catch (...) {
      note_failure();
    }
  }

  void read_transformed();
  void finish_reading();
  void load_ahead();
  void write_batch(const WriteWet& write);
  void prepare();
  void begin_voices();
  void find_heard(Window& window);
  void forget_first_window();
  void list_products(std::size_t window);
  void end_phase() noexcept;
  void begin_phase(Phase phase);

  std::size_t group_end(const Window& window) const {
    return has_groups() ? std::min(group_ + kGroup, window.heard.size()) : window.heard.size();
  }
  bool is_last_group() const { return group_end(windows_.back()) == windows_.back().heard.size(); }
  /// Of the voice that is heard as number `heard` in a window: those of different groups share
  /// memory.
  float* spectrum_for(std::size_t heard) {
    if (!has_groups()) return pool_.take();
    float*& memory = of_group_[heard % kGroup];
    if (memory == nullptr) memory = pool_.take();
    return memory;
  }
  bool has_groups() const { return is_long() && plan_.partitions == 1; }
  /// Whether so many voices may meet that their sums are compensated: the errors of equal voices do
  /// not cancel. One voice has the bytes of VectorisedConvolver.
  bool sums_groups() const { return voices_.size() > 16; }
  bool is_compensated(const Window& window) const {
    return sums_groups() && window.factors.size() > NegacyclicTransform::kTogether;
  }

  void add_gain_tasks();
  void add_forward_tasks();
  void add_product_tasks();
  void add_inverse_tasks();

  // Tasks.
  void make_samples(const Task& task, Worker& worker);
  void forward_response(const Task& task, Worker& worker);
  void forward_columns(const Task& task, Worker& worker);
  void forward_short_window(const Task& task, Worker& worker);
  void multiply_chunks(const Task& task, Worker& worker);
  void inverse_columns(const Task& task, Worker& worker);
  void finish_short_window(const Task& task, Worker& worker);

  void transform_window(WindowSamples samples, Worker& worker, float* spectrum) const;
  WindowSamples source_window(std::int64_t t, const Voice& voice) const;
  WindowSamples apply_gain(std::int64_t t, const Voice& voice, float* to) const;
  void inverse(std::int64_t t, Side side, int group, Worker& worker, const float* product);

  const SceneResponses& responses_;
  const std::vector<Voice>& voices_;
  const VectorisedPlan plan_;
  const NegacyclicTransform transform_;
  const std::int64_t batch_;  // windows
  SourceRings sources_;
  std::vector<bool> read_, needed_;  // sources: read for the next batch; heard by later groups
  FloatsPool pool_;                  // of spectra
  FloatsPool sample_pool_;
  std::array<float*, kGroup> of_group_{};
  std::vector<Worker> workers_;
  Stereo<AlignedFloats> product_, lost_;  // of a long window
  Stereo<AlignedFloats> wet_;             // of a batch
  const VoiceGains gains_;

  std::vector<std::size_t> by_begin_;  // voices
  std::size_t begun_ = 0;              // of those
  std::set<std::size_t> active_;       // voices that have begun and not ended
  SpectraInUse spectra_;
  std::deque<Window> windows_;  // P - 1 before this batch, and those of the batch

  std::int64_t first_ = 0;                // window of the batch that is read
  std::int64_t batch_first_ = 0;          // of the batch in work
  std::int64_t wet_length_ = kForever;    // worker 0 finds it while others work
  std::int64_t known_length_ = kForever;  // before this batch
  std::int64_t frames_ = 0;               // in wet_, to be written
  Phase phase_ = Phase::forward;
  std::size_t group_ = 0;  // the first voice of those that forward and product take
  bool is_finished_ = false;
  std::vector<Task> tasks_;
  std::atomic<std::size_t> next_task_ = 0;
  std::exception_ptr failure_;
  std::mutex failure_mutex_;
  std::barrier<Complete> done_;
};

// ---- worker 0 alone ---------------------------------------------------------------------------

/// Reads for the next batch, from the sources that no later group of voices hears: their samples
/// have been transformed, and all but the lead may be overwritten. So reading is spread over the
/// groups.
void VoicesConvolver::Pipeline::read_transformed() {
  if (group_ == 0) read_.assign(sources_.count(), false);
  needed_.assign(sources_.count(), false);
  const Window& window = windows_.back();
  for (std::size_t i = group_end(window); i < window.heard.size(); ++i) {
    needed_[voices_[window.heard[i].voice].source] = true;
  }
  for (std::size_t source = 0; source < sources_.count(); ++source) {
    if (read_[source] || needed_[source]) continue;
    sources_.read(source, batch_first_ / batch_ + 1);
    read_[source] = true;
  }
}

/// Once all sources are read to their ends, the length of the scene is known.
void VoicesConvolver::Pipeline::finish_reading() {
  const std::int64_t end = sources_.latest_end();
  if (end == kForever) return;
  wet_length_ = end == 0 ? 0 : end + responses_.longest - 1;
}

/// Loads the responses of voices that begin in the batch of first_, while others work.
void VoicesConvolver::Pipeline::load_ahead() {
  const std::int64_t end = (first_ + batch_) * plan_.advance;
  for (std::size_t i = begun_; i < by_begin_.size(); ++i) {
    const Voice& voice = voices_[by_begin_[i]];
    if (voice.begin >= end) break;
    const std::int64_t start = std::max(voice.begin, sources_.start(voice.source));
    if (start >= std::min(voice.end, sources_.end(voice.source))) continue;
    spectra_.load_ahead(voice.response);
  }
}

/// Puts the voices into the order in which they begin.
void VoicesConvolver::Pipeline::begin_voices() {
  by_begin_.resize(voices_.size());
  std::iota(by_begin_.begin(), by_begin_.end(), std::size_t{0});
  std::ranges::stable_sort(by_begin_, {}, [&](std::size_t v) { return voices_[v].begin; });
}

void VoicesConvolver::Pipeline::write_batch(const WriteWet& write) {
  // What takes them has a buffer of a few at a time, in the cache.
  constexpr std::int64_t kPiece = 16384;
  for (std::int64_t n = 0; n < frames_; n += kPiece) {
    const auto piece = static_cast<std::size_t>(std::min(kPiece, frames_ - n));
    write({{wet_.left.data() + n, piece}, {wet_.right.data() + n, piece}});
  }
  frames_ = 0;
}

/// What is heard in the windows of the batch of first_.
void VoicesConvolver::Pipeline::prepare() {
  batch_first_ = first_;
  known_length_ = wet_length_;
  group_ = 0;
  while (std::ssize(windows_) >= plan_.partitions) forget_first_window();
  bool has_long_gain = false;
  for (std::int64_t t = first_; t < first_ + batch_ && t * plan_.advance < wet_length_; ++t) {
    windows_.push_back({t, {}, {}, {}});
    find_heard(windows_.back());
    list_products(windows_.size() - 1);
    for (const Heard& heard : windows_.back().heard) {
      has_long_gain = has_long_gain || heard.samples != nullptr;
    }
  }
  spectra_.forget(batch_first_, kIdleBytes);
  begin_phase(has_long_gain ? Phase::gain : Phase::forward);
}

void VoicesConvolver::Pipeline::forget_first_window() {
  for (const Heard& heard : windows_.front().heard) {
    if (!has_groups()) pool_.give_back(heard.spectrum);
    if (heard.samples != nullptr) sample_pool_.give_back(heard.samples);
  }
  windows_.pop_front();
}

void VoicesConvolver::Pipeline::find_heard(Window& window) {
  const std::int64_t begin = window.t * plan_.advance - plan_.lead;
  const std::int64_t end = begin + 2 * std::int64_t{plan_.half};
  while (begun_ < by_begin_.size() && voices_[by_begin_[begun_]].begin < end) {
    active_.insert(by_begin_[begun_++]);
  }
  for (auto v = active_.begin(); v != active_.end();) {
    const Voice& voice = voices_[*v];
    const std::int64_t source_start = sources_.start(voice.source);
    const std::int64_t source_end = sources_.end(voice.source);
    const std::int64_t last = std::min(voice.end, source_end);
    if (last <= begin) {
      spectra_.end_voice(voice.response);
      v = active_.erase(v);
      continue;
    }
    const std::int64_t first = std::max(voice.begin, source_start);
    if (first < last && first < end) {
      const bool is_cut =
          voice.begin > std::max(begin, source_start) || voice.end < std::min(end, source_end);
      const bool has_ramp = (voice.fade_in > 0 && begin < voice.begin + voice.fade_in) ||
                            (voice.fade_out > 0 && end > voice.end - voice.fade_out);
      Heard heard{*v, is_cut || has_ramp, nullptr, 0, spectrum_for(window.heard.size())};
      if (heard.has_gain && is_long()) heard.samples = sample_pool_.take();
      window.heard.push_back(heard);
    }
    ++v;
  }
}

/// Of window `window` and those before it: voice after voice, and of each the latest window with
/// the first partition, and so on.
void VoicesConvolver::Pipeline::list_products(std::size_t window) {
  Window& to = windows_[window];
  const auto add = [&](const Heard& heard, std::size_t p) {
    const ResponseSpectra& response = spectra_.use(voices_[heard.voice].response, batch_first_);
    if (2 * p >= response.spectra.size()) return;  // a shorter one
    to.factors.push_back(heard.spectrum);
    to.responses.left.push_back(response.spectra[2 * p]);
    to.responses.right.push_back(response.spectra[2 * p + 1]);
  };
  if (plan_.partitions == 1) {
    for (const Heard& heard : to.heard) add(heard, 0);
    return;
  }
  std::map<std::pair<std::size_t, std::size_t>, const Heard*> in_order;  // by voice and partition
  for (std::size_t p = 0; std::cmp_less(p, plan_.partitions) && p <= window; ++p) {
    for (const Heard& heard : windows_[window - p].heard) in_order[{heard.voice, p}] = &heard;
  }
  for (const auto& [key, heard] : in_order) add(*heard, key.second);
}

// ---- between phases ---------------------------------------------------------------------------

void VoicesConvolver::Pipeline::end_phase() noexcept {
  if (failure_) {
    is_finished_ = true;
    return;
  }
  try {
    switch (phase_) {
      case Phase::gain:
        return begin_phase(Phase::forward);
      case Phase::forward:
        spectra_.finish_fresh();
        return begin_phase(Phase::product);
      case Phase::product:
        if (!is_last_group()) {
          group_ += kGroup;
          return begin_phase(Phase::forward);
        }
        if (is_long()) return begin_phase(Phase::inverse);
        [[fallthrough]];
      case Phase::inverse:
        frames_ = std::min(batch_ * plan_.advance, wet_length_ - batch_first_ * plan_.advance);
        return is_all_done() ? begin_phase(Phase::last_frames) : prepare();
      case Phase::last_frames:
        is_finished_ = true;
    }
  } catch (...) {
    note_failure();
    is_finished_ = true;
  }
}

void VoicesConvolver::Pipeline::begin_phase(Phase phase) {
  phase_ = phase;
  tasks_.clear();
  next_task_ = 0;
  if (phase == Phase::gain) add_gain_tasks();
  if (phase == Phase::forward) add_forward_tasks();
  if (phase == Phase::product) add_product_tasks();
  if (phase == Phase::inverse) add_inverse_tasks();
}

void VoicesConvolver::Pipeline::add_gain_tasks() {
  for (Window& window : windows_) {
    if (window.t < batch_first_) continue;
    for (std::size_t i = 0; i < window.heard.size(); ++i) {
      if (window.heard[i].samples == nullptr) continue;
      tasks_.push_back({&Pipeline::make_samples, &window, i, 0});
    }
  }
}

void VoicesConvolver::Pipeline::add_forward_tasks() {
  const std::vector<ResponseSpectra*>& fresh = spectra_.fresh();
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    for (int part = 0; part < static_cast<int>(fresh[i]->spectra.size()); ++part) {
      tasks_.push_back({&Pipeline::forward_response, nullptr, i, part});
    }
  }
  const int groups = is_long() ? transform_.column_groups() : 1;
  const auto work = is_long() ? &Pipeline::forward_columns : &Pipeline::forward_short_window;
  for (Window& window : windows_) {
    if (window.t < batch_first_) continue;
    const std::size_t end = group_end(window);
    for (std::size_t i = group_; i < end; ++i) {
      for (int group = 0; group < groups; ++group) tasks_.push_back({work, &window, i, group});
    }
  }
}

void VoicesConvolver::Pipeline::add_product_tasks() {
  if (is_long()) {
    for (int first = 0; first < transform_.chunks(); first += kChunksOfTask) {
      tasks_.push_back({&Pipeline::multiply_chunks, nullptr, 0, first});
    }
    return;
  }
  for (Window& window : windows_) {
    tasks_.push_back({&Pipeline::finish_short_window, &window, 0, 0});
  }
}

void VoicesConvolver::Pipeline::add_inverse_tasks() {
  for (std::size_t side = 0; side < 2; ++side) {
    for (int group = 0; group < transform_.column_groups(); ++group) {
      tasks_.push_back({&Pipeline::inverse_columns, &windows_.back(), side, group});
    }
  }
}

// ---- tasks ------------------------------------------------------------------------------------

void VoicesConvolver::Pipeline::make_samples(const Task& task, Worker&) {
  Heard& heard = task.window->heard[task.of];
  heard.count = apply_gain(task.window->t, voices_[heard.voice], heard.samples).count;
}

void VoicesConvolver::Pipeline::forward_response(const Task& task, Worker& worker) {
  ResponseSpectra& response = *spectra_.fresh()[task.of];
  const Signal& taps = (*response.taps)[kSides[static_cast<std::size_t>(task.part % 2)]];
  const auto first = static_cast<std::size_t>(task.part / 2) * static_cast<std::size_t>(plan_.part);
  const auto count = std::min(static_cast<std::size_t>(plan_.part), taps.size() - first);
  float* const spectrum = response.spectra[static_cast<std::size_t>(task.part)];
  transform_window({taps.data() + first, static_cast<int>(count)}, worker, spectrum);
}

/// Of a long window.
void VoicesConvolver::Pipeline::forward_columns(const Task& task, Worker& worker) {
  const Heard& heard = task.window->heard[task.of];
  const WindowSamples samples = heard.samples != nullptr
                                    ? WindowSamples{heard.samples, heard.count}
                                    : source_window(task.window->t, voices_[heard.voice]);
  transform_.forward_columns(samples, task.part, worker.scratch.data(), heard.spectrum);
}

void VoicesConvolver::Pipeline::forward_short_window(const Task& task, Worker& worker) {
  const Heard& heard = task.window->heard[task.of];
  const Voice& voice = voices_[heard.voice];
  WindowSamples samples = source_window(task.window->t, voice);
  if (heard.has_gain) {
    samples = apply_gain(task.window->t, voice, worker.samples.data());
  }
  transform_window(samples, worker, heard.spectrum);
}

/// Does the other levels, the products and the first levels back for some chunks of a long window,
/// from `part` on.
void VoicesConvolver::Pipeline::multiply_chunks(const Task& task, Worker&) {
  const Window& window = windows_.back();
  const std::size_t group = group_end(window) - group_;
  const auto of_group = [&](const std::vector<const float*>& all) {
    return has_groups() ? std::span(all).subspan(group_, group) : std::span(all);
  };
  const auto memory = [](Stereo<AlignedFloats>& of) {
    return Stereo<float*>{of.left.data(), of.right.data()};
  };
  const Stereo<float*> product = memory(product_);
  const Stereo<float*> lost = is_compensated(window) ? memory(lost_) : Stereo<float*>{};
  const int end = std::min(task.part + kChunksOfTask, transform_.chunks());
  for (int chunk = task.part; chunk < end; ++chunk) {
    for (std::size_t i = 0; i < group; ++i) {
      transform_.forward_chunk(chunk, window.heard[group_ + i].spectrum);
    }
    transform_.multiply_chunk(of_group(window.factors),
                              {of_group(window.responses.left), of_group(window.responses.right)},
                              chunk, product, group_ > 0, lost);
    if (is_last_group()) transform_.inverse_chunk(chunk, product, lost);
  }
}

void VoicesConvolver::Pipeline::inverse_columns(const Task& task, Worker& worker) {
  const Side side = kSides[task.of];
  inverse(task.window->t, side, task.part, worker, product_[side].data());
}

void VoicesConvolver::Pipeline::finish_short_window(const Task& task, Worker& worker) {
  const Window& window = *task.window;
  const Stereo<float*> product{worker.product.left.data(), worker.product.right.data()};
  const Stereo<float*> lost =
      is_compensated(window) ? Stereo<float*>{worker.lost.left.data(), worker.lost.right.data()}
                             : Stereo<float*>{};
  for (int chunk = 0; chunk < transform_.chunks(); ++chunk) {
    transform_.multiply_chunk(window.factors, {window.responses.left, window.responses.right},
                              chunk, product, false, lost);
    transform_.inverse_chunk(chunk, product, lost);
  }
  for (const Side side : kSides) {
    for (int group = 0; group < transform_.column_groups(); ++group) {
      inverse(window.t, side, group, worker, product[side]);
    }
  }
}

void VoicesConvolver::Pipeline::transform_window(WindowSamples samples, Worker& worker,
                                                 float* spectrum) const {
  for (int group = 0; group < transform_.column_groups(); ++group) {
    transform_.forward_columns(samples, group, worker.scratch.data(), spectrum);
  }
  for (int chunk = 0; chunk < transform_.chunks(); ++chunk) {
    transform_.forward_chunk(chunk, spectrum);
  }
}

/// The source's samples where the voice changes none.
WindowSamples VoicesConvolver::Pipeline::source_window(std::int64_t t, const Voice& voice) const {
  return sources_.window(voice.source, t * plan_.advance - plan_.lead, 2 * plan_.half);
}

/// g_v x_v in the window; `to` has room for its 2M samples.
WindowSamples VoicesConvolver::Pipeline::apply_gain(std::int64_t t, const Voice& voice,
                                                    float* to) const {
  const WindowSamples samples = source_window(t, voice);
  const std::int64_t begin = t * plan_.advance - plan_.lead;
  const auto inside = [&](std::int64_t frame) {
    return static_cast<int>(std::clamp<std::int64_t>(frame - begin, 0, samples.count));
  };
  const int first = inside(voice.begin);
  const int last = inside(voice.end);
  std::fill(to, to + first, 0.0F);
  for (int n = first; n < last;) {
    const std::int64_t most = sources_.side_by_side(samples, n);
    const auto count = static_cast<int>(std::min<std::int64_t>(last - n, most));
    gains_.apply(voice, begin + n, {samples.at(n), static_cast<std::size_t>(count)}, to + n);
    n += count;
  }
  return {to, last};
}

void VoicesConvolver::Pipeline::inverse(std::int64_t t, Side side, int group, Worker& worker,
                                        const float* product) {
  const std::int64_t left = known_length_ - t * plan_.advance;
  const auto frames = static_cast<int>(std::min<std::int64_t>(plan_.advance, left));
  float* const to = wet_[side].data() + (t - batch_first_) * plan_.advance;
  transform_.inverse_columns(product, group, worker.scratch.data(),
                             {to, plan_.lead, plan_.lead + frames});
}

// ---- VoicesConvolver --------------------------------------------------------------------------

VoicesConvolver::VoicesConvolver(SceneResponses responses, std::vector<Voice> voices,
                                 std::int64_t length)
    : responses_(std::move(responses)),
      voices_(std::move(voices)),
      plan_(VectorisedConvolver::plan(length, responses_.longest, voices_)) {
  check_voices(voices_, responses_.count);
}

void VoicesConvolver::run(std::span<const SceneSource> sources, const WriteWet& wet,
                          int threads) const {
  check_sources(voices_, sources.size());
  const int wanted = threads > 0 ? threads : thread_count();
  Pipeline pipeline(*this, sources, wanted);
  if (pipeline.is_all_done()) return;
  run_workers(wanted, [&](int worker, int workers) { pipeline.work(worker, workers, wet); });
  pipeline.rethrow_failure();
}

}  // namespace gpuconv
