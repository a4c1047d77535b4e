#include "host/methods/cpu_voices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <deque>
#include <exception>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "host/base/parallel.hpp"

namespace gpuconv {
namespace {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Up to here one worker does the whole transform of a window in its second-level cache.
constexpr int kLongestOfOneWorker = 16384;

/// Memory of equal size that is used again.
class Pool {
 public:
  explicit Pool(std::size_t floats) : floats_(floats) {}

  std::shared_ptr<AlignedFloats> take() {
    for (const auto& one : all_) {
      if (one.use_count() == 1) return one;
    }
    all_.push_back(std::make_shared<AlignedFloats>(floats_));
    return all_.back();
  }

 private:
  std::size_t floats_;
  std::vector<std::shared_ptr<AlignedFloats>> all_;
};

/// The spectra of a response.
struct ResponseSpectra {
  std::size_t response = 0;
  std::shared_ptr<const Stereo<Signal>> taps;  // null once they are transformed
  std::vector<AlignedFloats> spectra;          // of partition i / 2 of side i % 2
};

/// A voice in one window.
struct Heard {
  std::size_t voice = 0;
  bool has_gain = false;                   ///< its samples are not those of the source
  std::shared_ptr<AlignedFloats> samples;  ///< with the gain, of a long window
  std::shared_ptr<AlignedFloats> spectrum;
};

/// All that is heard in one window, by voice.
struct Window {
  std::int64_t t = 0;
  std::vector<Heard> heard;
};

}  // namespace

/// The work of one run(), in batches of windows. Each goes through phases, with a barrier between
/// them. Worker 0 alone calls the caller's functions; then all workers take tasks:
///
///   gain       samples of voices that have ramps, of long windows
///   forward    worker 0 writes the frames of the batch before. Spectra of new responses, and of
///              each voice in each window
///   product    worker 0 reads for the next batch. Products, and the first levels back
///   inverse    the other levels, of long windows; short ones have all of them in one task
class VoicesConvolver::Pipeline {
 public:
  Pipeline(const VoicesConvolver& convolver, std::span<const SceneSource> sources, int threads)
      : responses_(convolver.responses_),
        voices_(convolver.voices_),
        plan_(convolver.plan_),
        transform_(plan_.half),
        sources_(sources.begin(), sources.end()),
        batch_(batch_of(threads)),
        pool_(transform_.spectrum_size()),
        sample_pool_(2 * static_cast<std::size_t>(plan_.half)),
        workers_(static_cast<std::size_t>(threads)),
        done_(threads, Complete{this}) {
    const auto spectrum_size = transform_.spectrum_size();
    for (Worker& worker : workers_) {
      worker.scratch = AlignedFloats(transform_.scratch_size());
      if (is_long()) continue;
      worker.samples = AlignedFloats(2 * static_cast<std::size_t>(plan_.half));
      for (const Side side : kSides) worker.product[side] = AlignedFloats(spectrum_size);
    }
    for (const Side side : kSides) {
      if (is_long()) product_[side] = AlignedFloats(spectrum_size);
      wet_[side] = AlignedFloats(static_cast<std::size_t>(batch_ * plan_.advance));
    }
    for (Source& source : sources_) {
      source.samples = AlignedFloats(static_cast<std::size_t>(plan_.lead + batch_ * plan_.advance));
      std::fill_n(source.samples.data(), source.samples.size(), 0.0F);
    }
    read_batch();
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
          tasks_[task](own);
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
    Stereo<AlignedFloats> product;
    std::vector<const float*> windows;
    Stereo<std::vector<const float*>> responses;
    std::vector<std::size_t> next;
  };
  struct Source : SceneSource {
    explicit Source(const SceneSource& source) : SceneSource(source) {}
    AlignedFloats samples;  // from first_ * advance - lead on
    std::int64_t end = kForever;
  };
  struct Complete {
    Pipeline* pipeline;
    void operator()() noexcept { pipeline->end_phase(); }
  };
  enum class Phase { gain, forward, product, inverse, last_frames };
  using Task = std::function<void(Worker&)>;

  bool is_long() const { return plan_.half > kLongestOfOneWorker || plan_.partitions > 1; }

  /// Windows of a batch: 64 Ki samples for each worker are some 200 us of work, against 5 us for a
  /// barrier. More than 16 workers share what 16 have.
  std::int64_t batch_of(int threads) const {
    if (is_long() || plan_.is_single()) return 1;
    const auto V = static_cast<std::int64_t>(std::clamp<std::size_t>(voices_.size(), 1, 64));
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
        // The samples have been transformed; the next batch may overwrite them.
        first_ += batch_;
        read_batch();
      }
    } catch (...) {
      note_failure();
    }
  }

  void read_batch();
  void write_batch(const WriteWet& write);
  void prepare();
  void find_heard(Window& window);
  void load_new_responses();
  void forget_responses();
  void end_phase() noexcept;
  void begin_phase(Phase phase);

  void add_gain_tasks();
  void add_forward_tasks();
  void add_product_tasks();
  void add_inverse_tasks();

  WindowSamples source_window(std::int64_t t, const Voice& voice) const;
  void apply_gain(std::int64_t t, const Voice& voice, float* to) const;
  void forward_response(ResponseSpectra& response, std::size_t i, Worker& worker);
  void forward_voice(std::int64_t t, const Heard& heard, Worker& worker);
  void multiply_chunk(std::size_t window, int chunk, Worker& worker, Stereo<float*> product);
  void inverse(std::int64_t t, Side side, int group, Worker& worker, const float* product);
  void finish_short_window(std::size_t window, Worker& worker);

  const SceneResponses& responses_;
  const std::vector<Voice>& voices_;
  const VectorisedPlan plan_;
  const NegacyclicTransform transform_;
  std::vector<Source> sources_;
  const std::int64_t batch_;  // windows
  Pool pool_;                 // of spectra
  Pool sample_pool_;
  std::vector<Worker> workers_;
  Stereo<AlignedFloats> product_;  // of a long window
  Stereo<AlignedFloats> wet_;      // of a batch
  std::map<int, std::vector<float>> ramps_;

  std::list<ResponseSpectra> spectra_;  // the last used first
  std::map<std::size_t, ResponseSpectra*> by_response_;
  std::vector<ResponseSpectra*> fresh_;  // to be transformed in this batch
  std::deque<Window> windows_;           // P - 1 before this batch, and those of the batch

  std::int64_t first_ = 0;        // window of the batch that is read
  std::int64_t batch_first_ = 0;  // of the batch in work
  std::int64_t wet_length_ = kForever;
  std::int64_t frames_ = 0;  // in wet_, to be written
  Phase phase_ = Phase::forward;
  bool is_finished_ = false;
  std::vector<Task> tasks_;
  std::atomic<std::size_t> next_task_ = 0;
  std::exception_ptr failure_;
  std::mutex failure_mutex_;
  std::barrier<Complete> done_;
};

// ---- worker 0 alone ---------------------------------------------------------------------------

/// Fills the samples of all sources for the batch of first_: the lead stays from the batch before.
void VoicesConvolver::Pipeline::read_batch() {
  const std::int64_t used = batch_ * plan_.advance;
  std::int64_t latest = 0;
  bool is_any_left = false;
  for (Source& source : sources_) {
    float* const samples = source.samples.data();
    if (first_ > 0) std::copy(samples + used, samples + used + plan_.lead, samples);
    float* const fresh = samples + plan_.lead;
    const std::int64_t begin = first_ * plan_.advance;
    const std::int64_t silent = std::clamp<std::int64_t>(source.start - begin, 0, used);
    std::fill_n(fresh, silent, 0.0F);
    std::int64_t n = silent;
    while (n < used && source.end == kForever) {
      constexpr std::int64_t kPiece = 16384;
      const std::int64_t wanted = std::min(kPiece, used - n);
      const auto count =
          static_cast<std::int64_t>(source.read({fresh + n, static_cast<std::size_t>(wanted)}));
      n += count;
      if (count < wanted) source.end = begin + n;
    }
    std::fill(fresh + n, fresh + used, 0.0F);
    is_any_left = is_any_left || source.end == kForever;
    if (source.end > source.start) latest = std::max(latest, source.end);
  }
  if (!is_any_left) wet_length_ = latest == 0 ? 0 : latest + responses_.longest - 1;
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
  const auto before = static_cast<std::size_t>(plan_.partitions - 1);
  while (windows_.size() > before) windows_.pop_front();
  for (std::int64_t t = first_; t < first_ + batch_; ++t) {
    windows_.push_back({t, {}});
    find_heard(windows_.back());
  }
  load_new_responses();
  forget_responses();
  bool has_long_gain = false;
  for (const Window& window : windows_) {
    for (const Heard& heard : window.heard) has_long_gain = has_long_gain || heard.samples;
  }
  begin_phase(has_long_gain ? Phase::gain : Phase::forward);
}

void VoicesConvolver::Pipeline::find_heard(Window& window) {
  if (window.t * plan_.advance >= wet_length_) return;
  const std::int64_t begin = window.t * plan_.advance - plan_.lead;
  const std::int64_t end = begin + 2 * std::int64_t{plan_.half};
  for (std::size_t v = 0; v < voices_.size(); ++v) {
    const Voice& voice = voices_[v];
    const Source& source = sources_[voice.source];
    const std::int64_t first = std::max(voice.begin, source.start);
    const std::int64_t last = std::min(voice.end, source.end);
    if (first >= last || first >= end || last <= begin) continue;
    Heard heard{v, false, nullptr, pool_.take()};
    const bool is_cut =
        voice.begin > std::max(begin, source.start) || voice.end < std::min(end, source.end);
    const bool has_ramp = (voice.fade_in > 0 && begin < voice.begin + voice.fade_in) ||
                          (voice.fade_out > 0 && end > voice.end - voice.fade_out);
    heard.has_gain = is_cut || has_ramp;
    if (heard.has_gain && is_long()) heard.samples = sample_pool_.take();
    window.heard.push_back(std::move(heard));
    for (const int ramp : {voice.fade_in, voice.fade_out}) {
      if (ramp == 0 || ramps_.contains(ramp)) continue;
      std::vector<float>& gains = ramps_[ramp];
      const Voice rising{.fade_in = ramp};
      for (int i = 0; i < ramp; ++i) gains.push_back(static_cast<float>(gain_of(rising, i)));
    }
  }
}

void VoicesConvolver::Pipeline::load_new_responses() {
  fresh_.clear();
  for (const Window& window : windows_) {
    for (const Heard& heard : window.heard) {
      const std::size_t response = voices_[heard.voice].response;
      if (const auto known = by_response_.find(response); known != by_response_.end()) {
        const auto here = std::ranges::find_if(
            spectra_, [&](const ResponseSpectra& one) { return &one == known->second; });
        spectra_.splice(spectra_.begin(), spectra_, here);
        continue;
      }
      ResponseSpectra made{response, responses_.load(response), {}};
      const std::size_t K = made.taps->left.size();
      if (K == 0 || K != made.taps->right.size() ||
          static_cast<std::int64_t>(K) > responses_.longest) {
        throw std::invalid_argument(fmt::format("response {} has {} and {} taps, not 1 to {}",
                                                response, K, made.taps->right.size(),
                                                responses_.longest));
      }
      const auto partitions = ceil_div(static_cast<std::int64_t>(K), plan_.part);
      for (std::int64_t i = 0; i < 2 * partitions; ++i) {
        made.spectra.emplace_back(transform_.spectrum_size());
      }
      spectra_.push_front(std::move(made));
      by_response_[response] = &spectra_.front();
      fresh_.push_back(&spectra_.front());
    }
  }
}

/// Those that this batch does not use, beyond kIdleBytes.
void VoicesConvolver::Pipeline::forget_responses() {
  std::vector<bool> is_used(responses_.count);
  for (const Window& window : windows_) {
    for (const Heard& heard : window.heard) is_used[voices_[heard.voice].response] = true;
  }
  std::size_t idle = 0;
  for (auto one = spectra_.begin(); one != spectra_.end();) {
    if (is_used[one->response]) {
      ++one;
      continue;
    }
    idle += one->spectra.size() * transform_.spectrum_size() * sizeof(float);
    if (idle <= kIdleBytes) {
      ++one;
      continue;
    }
    by_response_.erase(one->response);
    one = spectra_.erase(one);
  }
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
        for (ResponseSpectra* const made : fresh_) made->taps = nullptr;
        return begin_phase(Phase::product);
      case Phase::product:
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
  for (const Window& window : windows_) {
    for (const Heard& heard : window.heard) {
      if (window.t < batch_first_ || !heard.samples) continue;
      tasks_.push_back([this, t = window.t, &heard](Worker&) {
        apply_gain(t, voices_[heard.voice], heard.samples->data());
      });
    }
  }
}

void VoicesConvolver::Pipeline::add_forward_tasks() {
  const int groups = transform_.column_groups();
  for (ResponseSpectra* const made : fresh_) {
    for (std::size_t i = 0; i < made->spectra.size(); ++i) {
      tasks_.push_back([this, made, i](Worker& worker) { forward_response(*made, i, worker); });
    }
  }
  for (const Window& window : windows_) {
    if (window.t < batch_first_) continue;
    for (const Heard& heard : window.heard) {
      if (!is_long()) {
        tasks_.push_back(
            [this, t = window.t, &heard](Worker& worker) { forward_voice(t, heard, worker); });
        continue;
      }
      const WindowSamples samples = heard.samples
                                        ? WindowSamples{heard.samples->data(), 2 * plan_.half}
                                        : source_window(window.t, voices_[heard.voice]);
      for (int group = 0; group < groups; ++group) {
        tasks_.push_back([this, samples, &heard, group](Worker& worker) {
          transform_.forward_columns(samples, group, worker.scratch.data(), heard.spectrum->data());
        });
      }
    }
  }
}

void VoicesConvolver::Pipeline::add_product_tasks() {
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    const std::int64_t t = windows_[i].t;
    if (t < batch_first_ || t * plan_.advance >= wet_length_) continue;
    if (!is_long()) {
      tasks_.push_back([this, i](Worker& worker) { finish_short_window(i, worker); });
      continue;
    }
    for (int chunk = 0; chunk < transform_.chunks(); ++chunk) {
      tasks_.push_back([this, i, chunk](Worker& worker) {
        for (const Heard& heard : windows_[i].heard) {
          transform_.forward_chunk(chunk, heard.spectrum->data());
        }
        multiply_chunk(i, chunk, worker, {product_.left.data(), product_.right.data()});
      });
    }
  }
}

void VoicesConvolver::Pipeline::add_inverse_tasks() {
  const std::int64_t t = windows_.back().t;  // the only one of the batch
  for (const Side side : kSides) {
    for (int group = 0; group < transform_.column_groups(); ++group) {
      tasks_.push_back([this, t, side, group](Worker& worker) {
        inverse(t, side, group, worker, product_[side].data());
      });
    }
  }
}

// ---- all workers ------------------------------------------------------------------------------

/// The source's samples where the voice changes none.
WindowSamples VoicesConvolver::Pipeline::source_window(std::int64_t t, const Voice& voice) const {
  const Source& source = sources_[voice.source];
  const std::int64_t offset = (t - batch_first_) * plan_.advance;
  const std::int64_t begin = t * plan_.advance - plan_.lead;
  const std::int64_t count = std::min<std::int64_t>(source.end - begin, 2 * plan_.half);
  return {source.samples.data() + offset, static_cast<int>(std::max<std::int64_t>(count, 0))};
}

/// g_v x_v for the window's 2M samples.
void VoicesConvolver::Pipeline::apply_gain(std::int64_t t, const Voice& voice, float* to) const {
  const WindowSamples samples = source_window(t, voice);
  const std::int64_t begin = t * plan_.advance - plan_.lead;
  const std::int64_t size = 2 * std::int64_t{plan_.half};
  const auto inside = [&](std::int64_t frame) {
    return std::clamp<std::int64_t>(frame - begin, 0, size);
  };
  const std::int64_t first = inside(voice.begin);
  const std::int64_t last =
      std::max(first, std::min<std::int64_t>(inside(voice.end), samples.count));
  std::fill(to, to + first, 0.0F);
  std::copy(samples.samples + first, samples.samples + last, to + first);
  std::fill(to + last, to + size, 0.0F);
  if (voice.fade_in > 0) {
    const std::vector<float>& gains = ramps_.at(voice.fade_in);
    const std::int64_t end = std::min(last, inside(voice.begin + voice.fade_in));
    for (std::int64_t n = first; n < end; ++n) {
      to[n] *= gains[static_cast<std::size_t>(begin + n - voice.begin)];
    }
  }
  if (voice.fade_out > 0) {
    const std::vector<float>& gains = ramps_.at(voice.fade_out);
    for (std::int64_t n = inside(voice.end - voice.fade_out); n < last; ++n) {
      to[n] *= gains[static_cast<std::size_t>(voice.end - 1 - begin - n)];
    }
  }
}

void VoicesConvolver::Pipeline::forward_response(ResponseSpectra& response, std::size_t i,
                                                 Worker& worker) {
  const Signal& taps = (*response.taps)[kSides[i % 2]];
  const std::size_t first = i / 2 * static_cast<std::size_t>(plan_.part);
  const auto count = std::min(static_cast<std::size_t>(plan_.part), taps.size() - first);
  float* const spectrum = response.spectra[i].data();
  const WindowSamples samples{taps.data() + first, static_cast<int>(count)};
  for (int group = 0; group < transform_.column_groups(); ++group) {
    transform_.forward_columns(samples, group, worker.scratch.data(), spectrum);
  }
  for (int chunk = 0; chunk < transform_.chunks(); ++chunk) {
    transform_.forward_chunk(chunk, spectrum);
  }
}

/// Of a short window.
void VoicesConvolver::Pipeline::forward_voice(std::int64_t t, const Heard& heard, Worker& worker) {
  const Voice& voice = voices_[heard.voice];
  WindowSamples samples = source_window(t, voice);
  if (heard.has_gain) {
    apply_gain(t, voice, worker.samples.data());
    samples = {worker.samples.data(), 2 * plan_.half};
  }
  float* const spectrum = heard.spectrum->data();
  for (int group = 0; group < transform_.column_groups(); ++group) {
    transform_.forward_columns(samples, group, worker.scratch.data(), spectrum);
  }
  for (int chunk = 0; chunk < transform_.chunks(); ++chunk) {
    transform_.forward_chunk(chunk, spectrum);
  }
}

/// Voice after voice; of each the latest window with the first partition, and so on.
void VoicesConvolver::Pipeline::multiply_chunk(std::size_t window, int chunk, Worker& worker,
                                               Stereo<float*> product) {
  worker.windows.clear();
  for (const Side side : kSides) worker.responses[side].clear();
  // Of each window before this one, the voice that comes next.
  std::vector<std::size_t>& next = worker.next;
  next.assign(static_cast<std::size_t>(plan_.partitions), 0);
  for (std::size_t v = 0; v < voices_.size(); ++v) {
    for (std::size_t p = 0; p < next.size() && p <= window; ++p) {
      const std::vector<Heard>& heard = windows_[window - p].heard;
      if (next[p] == heard.size() || heard[next[p]].voice != v) continue;
      const Heard& one = heard[next[p]++];
      const std::vector<AlignedFloats>& spectra = by_response_.at(voices_[v].response)->spectra;
      if (2 * p >= spectra.size()) continue;  // a shorter response
      worker.windows.push_back(std::as_const(*one.spectrum).data());
      worker.responses.left.push_back(spectra[2 * p].data());
      worker.responses.right.push_back(spectra[2 * p + 1].data());
    }
  }
  transform_.filter_chunk(worker.windows, {worker.responses.left, worker.responses.right}, chunk,
                          product);
}

void VoicesConvolver::Pipeline::inverse(std::int64_t t, Side side, int group, Worker& worker,
                                        const float* product) {
  const std::int64_t left = wet_length_ - t * plan_.advance;
  const auto frames = static_cast<int>(std::min<std::int64_t>(plan_.advance, left));
  float* const to = wet_[side].data() + (t - batch_first_) * plan_.advance;
  transform_.inverse_columns(product, group, worker.scratch.data(),
                             {to, plan_.lead, plan_.lead + frames});
}

void VoicesConvolver::Pipeline::finish_short_window(std::size_t window, Worker& worker) {
  const Stereo<float*> product{worker.product.left.data(), worker.product.right.data()};
  for (int chunk = 0; chunk < transform_.chunks(); ++chunk) {
    multiply_chunk(window, chunk, worker, product);
  }
  for (const Side side : kSides) {
    for (int group = 0; group < transform_.column_groups(); ++group) {
      inverse(windows_[window].t, side, group, worker, product[side]);
    }
  }
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
