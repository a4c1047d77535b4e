// captures.cpp - streams that collect work for a graph, and what is illegal meanwhile
//
// CUDA C++ Programming Guide, "Creating a Graph Using Stream Capture". What is illegal returns
// CUDA's code and invalidates the capture: nothing more can be captured, and there is no graph.
#include "tests/emulation/captures.hpp"

#include <algorithm>

#include "tests/emulation/calls.hpp"
#include "tests/emulation/devices.hpp"
#include "tests/emulation/queues.hpp"

namespace emulation {
namespace {

cudaError_t invalidate(Capture& capture, cudaError_t error) {
  if (!capture.is_valid) return cudaErrorStreamCaptureInvalidated;
  capture.is_valid = false;
  return error;
}

template <typename IsInTheWay>
cudaError_t invalidate_all(IsInTheWay is_in_the_way) {
  cudaError_t error = cudaSuccess;
  for (Stream* const stream : all_streams()) {
    if (stream->capture && is_in_the_way(*stream)) {
      stream->capture->is_valid = false;
      error = cudaErrorStreamCaptureUnsupported;
    }
  }
  return error;
}

void enter(Stream* stream, const std::shared_ptr<Capture>& capture) {
  stream->capture = capture;
  stream->lane = capture->graph.devices.size();
  capture->graph.devices.push_back(stream->device);
}

/// Whether everything captured comes before the end of lane 0. `reached[l]` counts the steps of
/// which those in lane l do. A lane that was forked and did nothing counts as forgotten, too.
bool is_joined(const Graph& graph) {
  std::vector<std::size_t> reached(graph.devices.size(), 0);
  reached[0] = graph.steps.size();
  for (std::size_t i = graph.steps.size(); i-- > 0;) {
    const auto& [lane, operation] = graph.steps[i];
    if (i >= reached[lane] && operation.work != Work::record) return false;
    if (operation.work == Work::wait && i < reached[lane]) {
      const auto recorded = static_cast<std::size_t>(operation.record->number);
      std::size_t& other = reached[graph.steps[recorded].lane];
      other = std::max(other, recorded + 1);
    }
  }
  return true;
}

cudaError_t finish(Stream& stream, Graph& graph) {
  if (!stream.capture) return cudaErrorIllegalState;
  const std::shared_ptr<Capture> capture = stream.capture;
  if (capture->origin != &stream) {
    return invalidate(*capture, cudaErrorStreamCaptureUnmatched);
  }
  if (capture->mode != cudaStreamCaptureModeRelaxed &&
      capture->thread != std::this_thread::get_id()) {
    return invalidate(*capture, cudaErrorStreamCaptureWrongThread);
  }
  end_capture(*capture);
  if (!capture->is_valid) return cudaErrorStreamCaptureInvalidated;
  if (!is_joined(capture->graph)) return cudaErrorStreamCaptureUnjoined;
  graph = std::move(capture->graph);
  return cudaSuccess;
}

}  // namespace

void end_capture(const Capture& capture) {
  for (Stream* const stream : all_streams()) {
    if (stream->capture.get() == &capture) stream->capture.reset();
  }
}

cudaError_t capture_wait(Stream* stream, const Event& event) {
  const std::shared_ptr<Record> record = event.latest;
  if (!record || !record->is_captured) {
    return invalidate(*stream->capture, cudaErrorStreamCaptureIsolation);
  }
  const std::shared_ptr<Capture> capture = record->capture.lock();
  if (!capture) {  // it has ended, and the event stands for nothing any more
    return stream->capture ? invalidate(*stream->capture, cudaErrorCapturedEvent)
                           : cudaErrorCapturedEvent;
  }
  if (!capture->is_valid) return cudaErrorStreamCaptureInvalidated;
  if (stream->capture && stream->capture != capture) {
    stream->capture->is_valid = false;
    return invalidate(*capture, cudaErrorStreamCaptureMerge);
  }
  if (!stream->capture) enter(stream, capture);
  return push(stream, {Work::wait, nullptr, {}, record});
}

cudaError_t refuse_to_wait(Stream& stream) {
  return invalidate(*stream.capture, cudaErrorStreamCaptureUnsupported);
}

cudaError_t refuse_captured(const Record& record) {
  if (const auto capture = record.capture.lock()) capture->is_valid = false;
  return cudaErrorCapturedEvent;
}

cudaError_t check_unsafe_call() {
  return invalidate_all([](const Stream& stream) {
    const Capture& capture = *stream.capture;
    return capture.mode == cudaStreamCaptureModeGlobal ||
           (capture.mode == cudaStreamCaptureModeThreadLocal &&
            capture.thread == std::this_thread::get_id());
  });
}

cudaError_t check_device_wide_wait() {
  return invalidate_all([](const Stream& stream) { return stream.device == current_device(); });
}

}  // namespace emulation

using emulation::call;
using emulation::call_to_end;
using emulation::Function;

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return call(Function::cudaStreamBeginCapture, [&] {
    if (stream == nullptr) return cudaErrorStreamCaptureUnsupported;
    if (stream->capture) return cudaErrorIllegalState;
    const auto capture = std::make_shared<emulation::Capture>();
    capture->origin = stream;
    capture->mode = mode;
    capture->thread = std::this_thread::get_id();
    emulation::enter(stream, capture);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* result) {
  emulation::Graph graph;
  const cudaError_t error = call_to_end(Function::cudaStreamEndCapture, [&] {
    if (stream == nullptr || result == nullptr) return cudaErrorInvalidValue;
    return emulation::finish(*stream, graph);
  });
  if (result != nullptr) {
    *result = error == cudaSuccess ? emulation::make_graph(std::move(graph)) : nullptr;
  }
  return error;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return call(Function::cudaStreamIsCapturing, [&] {
    if (stream == nullptr || status == nullptr) return cudaErrorInvalidValue;
    *status = !stream->capture            ? cudaStreamCaptureStatusNone
              : stream->capture->is_valid ? cudaStreamCaptureStatusActive
                                          : cudaStreamCaptureStatusInvalidated;
    return cudaSuccess;
  });
}
