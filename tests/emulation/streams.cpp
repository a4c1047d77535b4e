// streams.cpp - streams and events: queues of work, done as late, as early or as mixed as allowed
#include "tests/emulation/streams.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <string>

#include "tests/emulation/calls.hpp"
#include "tests/emulation/devices.hpp"
#include "tests/emulation/memory.hpp"
#include "tests/emulation/queues.hpp"

namespace emulation {

namespace {

/// GPUCONV_EMULATED_STREAMS
struct Policy {
  enum { lazy, eager, random } kind = lazy;
  std::mt19937 numbers;

  explicit Policy(const std::string& text) {
    if (text == "eager") {
      kind = eager;
    } else if (text.rfind("random:", 0) == 0) {
      kind = random;
      numbers.seed(static_cast<unsigned>(std::stoul(text.substr(7))));
    } else if (text != "lazy") {
      throw std::invalid_argument("GPUCONV_EMULATED_STREAMS=" + text +
                                  ": expected lazy, eager or random:SEED");
    }
  }
};

struct State {
  std::vector<Stream*> streams;
  int streams_made = 0;
  std::size_t live_events = 0;
  std::vector<Executed> schedule;
  Policy policy{std::getenv("GPUCONV_EMULATED_STREAMS") == nullptr
                    ? "lazy"
                    : std::getenv("GPUCONV_EMULATED_STREAMS")};
};

State& state() {
  static State state;
  return state;
}

bool is_ready(const Stream& stream) {
  if (stream.queue.empty()) return false;
  const Operation& next = stream.queue.front();
  return next.work != Work::wait || next.record->has_happened;
}

/// A kernel, while the one that is next may start early.
void run_launch(Stream& stream, const Launch& launch) {
  const std::shared_ptr<EarlyBlock> begun = std::move(stream.begun);
  stream.begun = nullptr;
  if (!stream.queue.empty()) {
    const Operation& next = stream.queue.front();
    if (next.launch && next.launch->starts_early) {
      check_device(next.pointers, stream.device);
      stream.begun = begin_early(*next.launch);
    }
  }
  run_kernel(launch, begun);
  check_guards();
}

/// Does the oldest work of `stream`, which is ready.
void execute(Stream& stream) {
  const Operation operation = std::move(stream.queue.front());
  stream.queue.pop_front();
  Executed entry{static_cast<int>(state().schedule.size()), stream.number, operation.work, {}};
  if (stream.last_executed >= 0) entry.depends_on.push_back(stream.last_executed);
  if (operation.work == Work::wait) entry.depends_on.push_back(operation.record->number);
  state().schedule.push_back(entry);
  stream.last_executed = entry.number;
  if (operation.work == Work::record) {
    operation.record->has_happened = true;
    operation.record->number = entry.number;
    operation.record->time = std::chrono::steady_clock::now();
  } else if (!is_device_lost()) {
    try {
      check_device(operation.pointers, stream.device);
      if (operation.run) operation.run();
      if (operation.launch) run_launch(stream, *operation.launch);
    } catch (const Fault& fault) {
      report_fault(fault);
    }
  }
}

/// Does the oldest work of `stream`, and before it only what this has to wait for.
void execute_lazily(Stream& stream) {
  Stream* next = &stream;
  while (!is_ready(*next)) next = next->queue.front().record->stream;
  execute(*next);
}

void execute_any() {
  std::vector<Stream*> ready;
  for (Stream* const stream : state().streams) {
    if (is_ready(*stream)) ready.push_back(stream);
  }
  execute(*ready[state().policy.numbers() % ready.size()]);
}

template <typename IsReached>
void execute_until(Stream* stream, IsReached is_reached) {
  if (is_reached()) return;
  const DeviceAccess access;
  while (!is_reached()) {
    if (state().policy.kind == Policy::random) {
      execute_any();
    } else {
      execute_lazily(*stream);
    }
  }
}

void execute_all(Stream* stream) {
  execute_until(stream, [&] { return stream->queue.empty(); });
}

}  // namespace

Stream* make_stream(int device, bool is_lane) {
  Stream* const stream = new Stream{state().streams_made++, device, is_lane};
  state().streams.push_back(stream);
  return stream;
}

void bury_streams() {
  std::erase_if(state().streams, [](const Stream* stream) {
    const bool is_over = stream->is_destroyed && stream->queue.empty();
    if (is_over) delete stream;
    return is_over;
  });
}

void destroy_stream(Stream* stream) {
  if (const std::shared_ptr<Capture> capture = stream->capture) {
    capture->is_valid = false;
    if (capture->origin == stream) end_capture(*capture);
  }
  stream->is_destroyed = true;
  bury_streams();
}

const std::vector<Stream*>& all_streams() { return state().streams; }

cudaError_t push(Stream* stream, Operation operation) {
  if (const auto& capture = stream->capture) {
    if (!capture->is_valid) return cudaErrorStreamCaptureInvalidated;
    capture->graph.steps.push_back({stream->lane, std::move(operation)});
    return cudaSuccess;
  }
  stream->queue.push_back(std::move(operation));
  if (state().policy.kind == Policy::eager) execute_all(stream);
  return cudaSuccess;
}

cudaError_t enqueue(cudaStream_t stream, Work work, std::function<void()> run,
                    std::vector<const void*> pointers) {
  return push(stream, {work, std::move(run), std::move(pointers), nullptr});
}

int device_of(cudaStream_t stream) { return stream->device; }

void execute_everything() {
  for (Stream* const stream : state().streams) execute_all(stream);
  bury_streams();
}

void report_fault(const Fault& fault) {
  lose_device(cudaErrorLaunchFailure, fault.what());
  std::fprintf(stderr, "emulated GPU: %s\n", fault.what());
}

const std::vector<Executed>& schedule() { return state().schedule; }

void forget_schedule() {
  execute_everything();
  state().schedule.clear();
  for (Stream* const stream : state().streams) stream->last_executed = -1;
}

void recover() {
  execute_everything();
  forget_errors();
}

void set_streams(const std::string& streams) {
  execute_everything();
  state().policy = Policy(streams);
}

std::size_t live_streams() {
  return static_cast<std::size_t>(std::ranges::count_if(state().streams, [](const Stream* stream) {
    return !stream->is_lane && !stream->is_destroyed;
  }));
}
std::size_t live_events() { return state().live_events; }

}  // namespace emulation

using emulation::call;
using emulation::call_to_end;
using emulation::Function;
using emulation::state;
using emulation::Work;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  return call(Function::cudaStreamCreateWithFlags, [&] {
    *stream = emulation::make_stream(emulation::current_device(), false);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return call_to_end(Function::cudaStreamDestroy, [&] {
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    emulation::destroy_stream(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  emulation::hang_if_planned();
  return call_to_end(Function::cudaStreamSynchronize, [&] {
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (stream->capture) return emulation::refuse_to_wait(*stream);
    emulation::execute_all(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return call(Function::cudaStreamWaitEvent, [&] {
    if (stream == nullptr || event == nullptr) return cudaErrorInvalidResourceHandle;
    if (stream->capture || (event->latest && event->latest->is_captured)) {
      return emulation::capture_wait(stream, *event);
    }
    // As in CUDA, an event that was never recorded makes nobody wait.
    if (!event->latest) return cudaSuccess;
    return emulation::push(stream, {Work::wait, nullptr, {}, event->latest});
  });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return call(Function::cudaEventCreateWithFlags, [&] {
    *event = new emulation::Event{emulation::current_device(), nullptr};
    ++state().live_events;
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return call_to_end(Function::cudaEventDestroy, [&] {
    if (event == nullptr) return cudaErrorInvalidResourceHandle;
    delete event;
    --state().live_events;
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return call(Function::cudaEventRecord, [&] {
    if (stream == nullptr || event == nullptr || stream->device != event->device) {
      return cudaErrorInvalidResourceHandle;
    }
    const auto record = std::make_shared<emulation::Record>(emulation::Record{.stream = stream});
    if (const auto& capture = stream->capture) {
      record->is_captured = true;
      record->capture = capture;
      record->number = static_cast<int>(capture->graph.steps.size());
    }
    event->latest = record;
    return emulation::push(stream, {Work::record, nullptr, {}, record});
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  emulation::hang_if_planned();
  return call_to_end(Function::cudaEventSynchronize, [&] {
    if (event == nullptr) return cudaErrorInvalidResourceHandle;
    if (const auto record = event->latest) {
      if (record->is_captured) return emulation::refuse_captured(*record);
      emulation::execute_until(record->stream, [&] { return record->has_happened; });
    }
    return cudaSuccess;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return call(Function::cudaEventElapsedTime, [&] {
    if (!start->latest || !end->latest) return cudaErrorInvalidResourceHandle;
    if (start->latest->is_captured || end->latest->is_captured) return cudaErrorCapturedEvent;
    if (!start->latest->has_happened || !end->latest->has_happened) return cudaErrorNotReady;
    *milliseconds =
        std::chrono::duration<float, std::milli>(end->latest->time - start->latest->time).count();
    return cudaSuccess;
  });
}
