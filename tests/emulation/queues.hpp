// queues.hpp - what streams and events are made of: operations in queues, done or captured
#pragma once

#include <cuda_runtime.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "tests/emulation/emulation.hpp"
#include "tests/emulation/kernel.hpp"

namespace emulation {

struct Capture;

/// What cudaEventRecord() leaves in a stream; what cudaStreamWaitEvent() refers to.
struct Record {
  Stream* stream;
  bool has_happened = false;
  int number = -1;  // in the schedule; if captured, among the steps of the graph
  std::chrono::steady_clock::time_point time{};
  bool is_captured = false;  // then it never happens, only its copies in launches do
  std::weak_ptr<Capture> capture{};
};

struct Operation {
  Work work;
  std::function<void()> run;
  std::vector<const void*> pointers;
  std::shared_ptr<Record> record;          // of a record or a wait
  std::shared_ptr<const Launch> launch{};  // of a kernel
};

struct Stream {
  int number;
  int device;
  bool is_lane;               // of a graph, and not of the program under test
  bool is_destroyed = false;  // stays until its work is done
  std::deque<Operation> queue{};
  int last_executed = -1;
  std::shared_ptr<EarlyBlock> begun{};  // of the kernel that is next
  std::shared_ptr<Capture> capture{};   // while it captures
  std::size_t lane = 0;                 // in that capture
};

struct Event {
  int device;
  std::shared_ptr<Record> latest;
};

/// Work in the order it was captured. Each captured stream is a lane, the first one lane 0; between
/// lanes there are records and waits, as between streams.
struct Graph {
  struct Step {
    std::size_t lane;
    Operation operation;
  };
  std::vector<Step> steps;
  std::vector<int> devices;  // of the lanes
};

/// What cudaStreamBeginCapture() begins: alive as long as a stream is in it.
struct Capture {
  Stream* origin;
  cudaStreamCaptureMode mode;
  std::thread::id thread;
  Graph graph;
  bool is_valid = true;
};

Stream* make_stream(int device, bool is_lane);
/// Nobody waits: what is queued there is still done, some time.
void destroy_stream(Stream* stream);
const std::vector<Stream*>& all_streams();

/// Queues, or adds to the stream's capture; fails if that is invalid.
cudaError_t push(Stream* stream, Operation operation);

/// What a call on `stream` returns that has to wait for it; invalidates its capture.
cudaError_t refuse_to_wait(Stream& stream);

cudaGraph_t make_graph(Graph graph);

/// What a host gets that waits for a captured event; invalidates its capture.
cudaError_t refuse_captured(const Record& record);

/// Captures a wait of `stream` for `event`, which brings `stream` into the event's capture.
cudaError_t capture_wait(Stream* stream, const Event& event);

/// Takes all streams out of the capture.
void end_capture(const Capture& capture);

}  // namespace emulation
