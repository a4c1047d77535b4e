#include "host/render/stream_trace.hpp"

namespace gpuconv {

void StreamTrace::begin(const Stream& stream) {
  trace_ = Trace::current();
  if (!is_on()) return;
  origin_.record(stream);
  origin_.synchronize();
  host_origin_ = trace_->now();
}

void StreamTrace::span(const std::string& row, const std::string& name, const Event& start,
                       const Event& end) {
  const Trace::Row of{true, row};
  trace_->add(Trace::Span{of, name, at(start), at(end)});
}

void StreamTrace::arrow(const std::string& from_row, const Event& from, const std::string& to_row,
                        const Event& to) {
  const Trace::Row first{true, from_row}, second{true, to_row};
  trace_->add(Trace::Arrow{first, at(from), second, at(to)});
}

}  // namespace gpuconv
