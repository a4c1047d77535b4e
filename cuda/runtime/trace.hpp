// trace.hpp - what happened when, on which thread or stream: for a timeline that a person looks at
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

namespace gpuconv {

/// While one exists, the Ranges of the process are kept, up to kMost of them; without one they cost
/// a load.
class Trace {
 public:
  /// Spans, and as many arrows. Hours of sound have millions, more than a person or a viewer takes.
  static constexpr std::size_t kMost = 100'000;

  /// A thread of the CPU, or a stream of the GPU.
  struct Row {
    bool is_stream;
    std::string name;
    friend auto operator<=>(const Row&, const Row&) = default;
  };
  /// Seconds since the trace began.
  struct Span {
    Row row;
    std::string name;
    double start, end;
  };
  /// What happens on `to` at `end` had to wait for what happened on `from` at `start`.
  struct Arrow {
    Row from;
    double start;
    Row to;
    double end;
  };

  /// Throws std::logic_error if there is one already.
  Trace();
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  /// The one there is, or null.
  static Trace* current() { return current_.load(std::memory_order_acquire); }

  double now() const;
  void add(Span span);
  void add(Arrow arrow);
  std::vector<Span> spans() const;
  std::vector<Arrow> arrows() const;
  /// Whether there were more than kMost.
  bool is_full() const;

  /// "thread 1" is the first one that asked; a number is free again when its thread ends.
  static Row this_thread();

 private:
  static std::atomic<Trace*> current_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;
  std::vector<Span> spans_;
  std::vector<Arrow> arrows_;
  bool is_full_ = false;
};

}  // namespace gpuconv
