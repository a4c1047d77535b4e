// streams.cpp - streams and events: queues of work, done as late, as early or as mixed as allowed
#include "tests/emulation/streams.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>

#include "tests/emulation/calls.hpp"
#include "tests/emulation/devices.hpp"
#include "tests/emulation/memory.hpp"

namespace emulation {

/// What cudaEventRecord() leaves in a stream; what cudaStreamWaitEvent() refers to.
struct Record {
  Stream* stream;
  bool has_happened = false;
  int number = -1;  // in the schedule
  std::chrono::steady_clock::time_point time;
};

struct Operation {
  Work work;
  std::function<void()> run;
  std::vector<const void*> pointers;
  std::shared_ptr<Record> record;  // of a record or a wait
};

struct Stream {
  int number;
  int device;
  std::deque<Operation> queue;
  int last_executed = -1;
  bool is_destroyed = false;  // stays until its work is done
};

struct Event {
  int device;
  std::shared_ptr<Record> latest;
};

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
  } else if (operation.run && !is_device_lost()) {
    try {
      check_device(operation.pointers, stream.device);
      operation.run();
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

void push(Stream* stream, Operation operation) {
  stream->queue.push_back(std::move(operation));
  if (state().policy.kind == Policy::eager) execute_all(stream);
}

}  // namespace

void enqueue(cudaStream_t stream, Work work, std::function<void()> run,
             std::vector<const void*> pointers) {
  push(stream, {work, std::move(run), std::move(pointers), nullptr});
}

int device_of(cudaStream_t stream) { return stream->device; }

void bury_streams() {
  std::erase_if(state().streams, [](const Stream* stream) {
    const bool is_over = stream->is_destroyed && stream->queue.empty();
    if (is_over) delete stream;
    return is_over;
  });
}

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
  const auto& streams = state().streams;
  return static_cast<std::size_t>(std::count_if(
      streams.begin(), streams.end(), [](const Stream* stream) { return !stream->is_destroyed; }));
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
    *stream = new emulation::Stream{state().streams_made++, emulation::current_device(), {}, -1};
    state().streams.push_back(*stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return call_to_end(Function::cudaStreamDestroy, [&] {
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    stream->is_destroyed = true;  // nobody waits; the queued work is still done, some time
    emulation::bury_streams();
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return call_to_end(Function::cudaStreamSynchronize, [&] {
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    emulation::execute_all(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return call(Function::cudaStreamWaitEvent, [&] {
    if (stream == nullptr || event == nullptr) return cudaErrorInvalidResourceHandle;
    // As in CUDA, an event that was never recorded makes nobody wait.
    if (event->latest) emulation::push(stream, {Work::wait, nullptr, {}, event->latest});
    return cudaSuccess;
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
    event->latest = std::make_shared<emulation::Record>();
    event->latest->stream = stream;
    emulation::push(stream, {Work::record, nullptr, {}, event->latest});
    return cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return call_to_end(Function::cudaEventSynchronize, [&] {
    if (event == nullptr) return cudaErrorInvalidResourceHandle;
    if (const auto record = event->latest) {
      emulation::execute_until(record->stream, [&] { return record->has_happened; });
    }
    return cudaSuccess;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return call(Function::cudaEventElapsedTime, [&] {
    if (!start->latest || !end->latest) return cudaErrorInvalidResourceHandle;
    if (!start->latest->has_happened || !end->latest->has_happened) return cudaErrorNotReady;
    *milliseconds =
        std::chrono::duration<float, std::milli>(end->latest->time - start->latest->time).count();
    return cudaSuccess;
  });
}
