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
  trace_->add(Trace::Span{{true, row}, name, at(start), at(end)});
}

void StreamTrace::arrow(const std::string& from_row, const Event& from, const std::string& to_row,
                        const Event& to) {
  trace_->add(Trace::Arrow{{true, from_row}, at(from), {true, to_row}, at(to)});
}

}  // namespace gpuconv
