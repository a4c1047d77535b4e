#include "host/api/plan_stream.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "host/base/error.hpp"
#include "host/base/wait_until.hpp"

namespace gpuconv {
namespace {

/// A GPU's renderer adds them on a thread that writes, while the caller takes what is there.
class Frames {
 public:
  void add(Stereo<std::span<const float>> frames) {
    const std::lock_guard lock(mutex_);
    check_overflow(frames, written_, "stream");
    written_ += std::ssize(frames.left);
    for (const Side side : kSides) {
      wet_[side].insert(wet_[side].end(), frames[side].begin(), frames[side].end());
    }
  }
  Stereo<Signal> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(wet_, {});
  }

 private:
  std::mutex mutex_;
  Stereo<Signal> wet_;
  std::int64_t written_ = 0;
};

/// The thread that reads for the renderer and the caller's take turns: one of them always waits for
/// the other.
class PulledState final : public StreamState {
 public:
  PulledState(const std::shared_ptr<PlanEngines>& engines, const Choice& choice)
      : engines_(engines), renderer_(engines->renderer(choice, kEndless)) {
    thread_ = std::thread([this] { work(); });
  }

  ~PulledState() override {
    if (!thread_.joinable()) return;
    give([&] { is_abandoned_ = true; });
    thread_.join();
  }

  Stereo<Signal> push(std::span<const float> source) override {
    give([&] { source_ = source; });
    rethrow();
    return frames_.take();
  }

  Stereo<Signal> finish() override {
    give([&] { is_at_end_ = true; });
    thread_.join();
    rethrow();
    return frames_.take();
  }

 private:
  struct Abandoned {};

  void work() {
    try {
      renderer_->run([&](std::span<float> block) { return read(block); },
                     [&](Stereo<std::span<const float>> wet) { frames_.add(wet); });
    } catch (const Abandoned&) {  // nobody waits for the rest
    } catch (...) {
      failure_ = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    is_done_ = true;
    has_turn_ = false;
    turn_.notify_all();
  }

  std::size_t read(std::span<float> block) {
    std::size_t count = 0;
    while (count < block.size()) {
      const std::size_t part = std::min(block.size() - count, source_.size());
      std::copy_n(source_.data(), part, block.data() + count);
      source_ = source_.subspan(part);
      count += part;
      if (count == block.size() || is_at_end_) break;
      wait_for_turn();
    }
    return count;
  }

  void wait_for_turn() {
    std::unique_lock lock(mutex_);
    has_turn_ = false;
    turn_.notify_all();
    wait_until(turn_, lock, [&] { return has_turn_; });
    if (is_abandoned_) throw Abandoned();
  }

  /// Lets the renderer go on until it needs more samples, or is done.
  template <typename Change>
  void give(Change change) {
    std::unique_lock lock(mutex_);
    wait_until(turn_, lock, [&] { return !has_turn_; });  // at first it runs until it reads
    if (is_done_) return;
    change();
    has_turn_ = true;
    turn_.notify_all();
    wait_until(turn_, lock, [&] { return !has_turn_; });
  }

  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

  std::shared_ptr<PlanEngines> engines_;
  std::unique_ptr<Renderer> renderer_;
  std::span<const float> source_;  // of the push that waits
  bool is_at_end_ = false;
  bool is_abandoned_ = false;
  Frames frames_;
  std::exception_ptr failure_;
  std::mutex mutex_;
  std::condition_variable turn_;
  bool has_turn_ = true;  // the renderer's thread; the caller's otherwise
  bool is_done_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<StreamState> StreamState::make(const std::shared_ptr<PlanEngines>& engines) {
  return std::make_unique<PulledState>(engines, engines->choose_for(kEndless));
}

PlanStream::PlanStream(std::unique_ptr<StreamState> state) : state_(std::move(state)) {}
PlanStream::PlanStream(PlanStream&&) noexcept = default;
PlanStream& PlanStream::operator=(PlanStream&&) noexcept = default;
PlanStream::~PlanStream() = default;

Stereo<std::vector<float>> PlanStream::push(std::span<const float> source) {
  if (!state_) throw UsageError("stream: it has been finished; plan.stream() begins another");
  return state_->push(source);
}

Stereo<std::vector<float>> PlanStream::finish() {
  if (!state_) throw UsageError("stream: it has been finished; plan.stream() begins another");
  return std::exchange(state_, nullptr)->finish();
}

}  // namespace gpuconv
