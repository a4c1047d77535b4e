// stream_trace.hpp - events of streams on the time line of the trace that is being taken
#pragma once

#include <string>

#include "cuda/runtime/resources.hpp"
#include "cuda/runtime/trace.hpp"

namespace gpuconv {

/// A GPU has its own clock: an event at the beginning ties it to the host's.
class StreamTrace {
 public:
  /// Waits for `stream`, if a trace is being taken; else it stays off.
  void begin(const Stream& stream);
  bool is_on() const { return trace_ != nullptr; }

  /// On the row of a stream, between two events that have both happened since begin().
  void span(const std::string& row, const std::string& name, const Event& start, const Event& end);
  /// `to` had waited for `from`.
  void arrow(const std::string& from_row, const Event& from, const std::string& to_row,
             const Event& to);

 private:
  double at(const Event& event) const { return host_origin_ + seconds_between(origin_, event); }

  Trace* trace_ = nullptr;
  Event origin_;
  double host_origin_ = 0;  // seconds of the trace
};

}  // namespace gpuconv
