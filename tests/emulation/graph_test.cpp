// graph_test.cpp - graphs do what streams would, and captures forbid what CUDA forbids
#include "cuda/runtime/graph.hpp"

#include <algorithm>
#include <thread>

#include "tests/emulation/fixture.hpp"

namespace gpuconv::test {
namespace {

void put_kernel(float* out, float value) { *out = value; }
void twice_kernel(float* out) { *out *= 2; }
void sum_kernel(const float* a, const float* b, float* out) { *out = *a + *b; }

class Graphs : public EmulationFixture {
 protected:
  void begin(cudaStreamCaptureMode mode = cudaStreamCaptureModeThreadLocal) {
    ASSERT_EQ(cudaStreamBeginCapture(stream_.get(), mode), cudaSuccess);
  }

  /// What cudaStreamEndCapture() returns; the graph, if any, is thrown away.
  cudaError_t end(const Stream& stream) {
    cudaGraph_t graph = nullptr;
    const cudaError_t error = cudaStreamEndCapture(stream.get(), &graph);
    EXPECT_EQ(graph != nullptr, error == cudaSuccess);
    if (graph != nullptr) cudaGraphDestroy(graph);
    cudaGetLastError();
    return error;
  }

  static cudaStreamCaptureStatus status(const Stream& stream) {
    cudaStreamCaptureStatus status{};
    EXPECT_EQ(cudaStreamIsCapturing(stream.get(), &status), cudaSuccess);
    return status;
  }

  /// After an error nothing more can be captured and there is no graph, but the stream works again.
  void expect_invalidated(cudaError_t seen, cudaError_t expected) {
    EXPECT_EQ(seen, expected) << cudaGetErrorName(seen);
    EXPECT_EQ(status(stream_), cudaStreamCaptureStatusInvalidated);
    EXPECT_EQ(cudaEventRecord(event_.get(), stream_.get()), cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(end(stream_), cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(status(stream_), cudaStreamCaptureStatusNone);
    put(7);
    EXPECT_EQ(download(out_)[0], 7);
  }

  void put(float value) { launch(put_kernel, {1, 1}, stream_, out_.data(), value); }
  cudaError_t try_wait(const Stream& stream, const Event& event) {
    return cudaStreamWaitEvent(stream.get(), event.get(), 0);
  }

  DeviceBuffer<float> out_{1};
  Event event_;
};

TEST_F(Graphs, DoNothingUntilLaunchedAndThenEachTime) {
  put(1);
  const Graph graph(stream_, [&] { launch(twice_kernel, {1, 1}, stream_, out_.data()); });
  EXPECT_EQ(download(out_)[0], 1);
  graph.launch(stream_);
  EXPECT_EQ(download(out_)[0], 2);
  graph.launch(stream_);
  EXPECT_EQ(download(out_)[0], 4);
}

TEST_F(Graphs, AreDoneAsLateAsStreams) {
  const Graph graph(stream_, [&] { put(5); });
  emulation::forget();
  graph.launch(stream_);
  EXPECT_TRUE(emulation::schedule().empty());
  stream_.synchronize();
  EXPECT_FALSE(emulation::schedule().empty());
}

TEST_F(Graphs, KeepTheArgumentsOfTheirCapture) {
  float value = 1;
  const Graph graph(stream_, [&] { put(value); });
  value = 2;
  graph.launch(stream_);
  EXPECT_EQ(download(out_)[0], 1);
}

TEST_F(Graphs, CopyWhatIsInMemoryAtEachLaunch) {
  std::vector<float> host{1};
  const Graph graph(stream_, [&] { upload_async<float>(host, out_.span(), stream_); });
  for (const float value : {2.0f, 3.0f}) {
    host[0] = value;
    graph.launch(stream_);
    EXPECT_EQ(download(out_)[0], value);
  }
}

/// (1 + 2), the 2 in a forked stream; with or without the event that joins it.
class Fork {
 public:
  explicit Fork(bool is_joined_early = true) : is_joined_early_(is_joined_early) {}

  void enqueue(const Stream& stream) {
    forked_.record(stream);
    wait(other_, forked_);
    launch(put_kernel, {1, 1}, stream, a_.data(), 1.0f);
    launch(put_kernel, {1, 1}, other_, b_.data(), 2.0f);
    joined_.record(other_);
    if (is_joined_early_) wait(stream, joined_);
    launch(sum_kernel, {1, 1}, stream, a_.data(), b_.data(), sum.data());
    if (!is_joined_early_) wait(stream, joined_);
  }

  /// Forgets the summands, so that each launch has to make them anew.
  void forget(const Stream& stream) {
    cudaMemsetAsync(a_.data(), 0xff, sizeof(float), stream.get());
    cudaMemsetAsync(b_.data(), 0xff, sizeof(float), stream.get());
  }

  DeviceBuffer<float> sum{1};

 private:
  bool is_joined_early_;
  Stream other_;
  Event forked_, joined_;
  DeviceBuffer<float> a_{1}, b_{1};
};

TEST_F(Graphs, ForkAndJoinInEverySchedule) {
  Fork fork;
  const Graph graph(stream_, [&] { fork.enqueue(stream_); });
  const std::size_t streams = emulation::live_streams();
  for (const char* const policy : {"lazy", "eager", "random:1", "random:2", "random:3"}) {
    emulation::set_streams(policy);
    for (int launch = 0; launch < 2; ++launch) {
      fork.forget(stream_);
      graph.launch(stream_);
      EXPECT_EQ(download(fork.sum)[0], 3) << policy;
    }
  }
  EXPECT_EQ(emulation::live_streams(), streams) << "what a graph works with is its own affair";
}

TEST_F(Graphs, ShowAJoinThatComesTooLate) {
  Fork fork(false);
  const Graph graph(stream_, [&] { fork.enqueue(stream_); });
  bool has_differed = false;
  for (int seed = 0; seed < 20; ++seed) {
    emulation::set_streams("random:" + std::to_string(seed));
    fork.forget(stream_);
    graph.launch(stream_);
    has_differed = has_differed || download(fork.sum)[0] != 3;
  }
  EXPECT_TRUE(has_differed);
}

TEST_F(Graphs, InTwoStreamsDoNotOverlapWithThemselves) {
  const Graph graph(stream_, [&] { launch(twice_kernel, {1, 1}, stream_, out_.data()); });
  const Stream other;
  put(1);
  graph.launch(stream_);
  graph.launch(other);  // and nobody but the graph orders the two streams
  other.synchronize();
  EXPECT_EQ(download(out_)[0], 4);
}

TEST_F(Graphs, LeaveNothingAlive) {
  const std::size_t streams = emulation::live_streams();
  {
    Fork fork;
    const Graph graph(stream_, [&] { fork.enqueue(stream_); });
    EXPECT_EQ(emulation::live_graphs(), 1u) << "the captured one is gone";
    graph.launch(stream_);
  }
  EXPECT_EQ(emulation::live_graphs(), 0u);
  EXPECT_EQ(emulation::live_streams(), streams);
}

TEST_F(Graphs, FaultAsStreamsDo) {
  const Graph graph(stream_, [&] { launch(put_kernel, {1, 1, 16}, stream_, out_.data(), 1.0f); });
  graph.launch(stream_);
  EXPECT_NE(fault().find("took 0 bytes of shared memory"), std::string::npos);
}

TEST_F(Graphs, ThatFailAtAnyCallLeaveNoError) {
  Fork fork;
  int n = 0;
  for (bool has_failed = true; has_failed;) {
    emulation::fail_call(++n, cudaErrorMemoryAllocation);
    try {
      Graph(stream_, [&] { fork.enqueue(stream_); }).launch(stream_);
    } catch (const CudaError& error) {
      EXPECT_EQ(error.code(), cudaErrorMemoryAllocation);
    }
    has_failed = emulation::has_failed_as_planned();
    emulation::fail_no_call();
    cudaGetLastError();  // of a destructor
    ASSERT_EQ(emulation::live_graphs(), 0u) << n;
    ASSERT_EQ(status(stream_), cudaStreamCaptureStatusNone) << n;
    fork.forget(stream_);
    Graph(stream_, [&] { fork.enqueue(stream_); }).launch(stream_);
    ASSERT_EQ(download(fork.sum)[0], 3) << n;
  }
  EXPECT_GT(n, 12) << "begin, 7 of the fork, end, instantiate, launch, 2 destroy";
}

// ---------------------------------------------------------------------------------- what is
// illegal

TEST_F(Graphs, RefuseToWaitForACapturingStream) {
  begin();
  expect_invalidated(cudaStreamSynchronize(stream_.get()), cudaErrorStreamCaptureUnsupported);
}

TEST_F(Graphs, RefuseToWaitForTheDevice) {
  begin(cudaStreamCaptureModeRelaxed);
  expect_invalidated(cudaDeviceSynchronize(), cudaErrorStreamCaptureUnsupported);
}

TEST_F(Graphs, RefuseToWaitForACapturedEvent) {
  begin();
  Event captured;
  captured.record(stream_);
  expect_invalidated(cudaEventSynchronize(captured.get()), cudaErrorCapturedEvent);
  EXPECT_EQ(cudaEventSynchronize(captured.get()), cudaErrorCapturedEvent) << "nor afterwards";
  EXPECT_EQ(try_wait(stream_, captured), cudaErrorCapturedEvent);
  captured.record(stream_);
  EXPECT_EQ(cudaEventSynchronize(captured.get()), cudaSuccess) << "recorded anew";
}

TEST_F(Graphs, RefuseToAllocateWhereTheModeSaysSo) {
  void* memory = nullptr;
  begin(cudaStreamCaptureModeThreadLocal);
  std::thread([&] {
    EXPECT_EQ(cudaMalloc(&memory, 4), cudaSuccess) << "another thread may";
    EXPECT_EQ(cudaFree(memory), cudaSuccess);
  }).join();
  expect_invalidated(cudaMalloc(&memory, 4), cudaErrorStreamCaptureUnsupported);
  begin(cudaStreamCaptureModeGlobal);
  cudaError_t error = cudaSuccess;
  std::thread([&] { error = cudaMallocHost(&memory, 4); }).join();
  expect_invalidated(error, cudaErrorStreamCaptureUnsupported);
  begin(cudaStreamCaptureModeRelaxed);
  EXPECT_EQ(cudaMalloc(&memory, 4), cudaSuccess);
  EXPECT_EQ(end(stream_), cudaSuccess);
  begin();
  expect_invalidated(cudaFree(memory), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaFree(memory), cudaSuccess) << "was still there";
}

TEST_F(Graphs, RefuseToDependOnWorkThatIsNotCaptured) {
  const Stream other;
  Event uncaptured;
  uncaptured.record(other);
  begin();
  expect_invalidated(try_wait(stream_, uncaptured), cudaErrorStreamCaptureIsolation);
}

TEST_F(Graphs, RefuseToMergeTwoCaptures) {
  const Stream other;
  Event captured;
  begin();
  ASSERT_EQ(cudaStreamBeginCapture(other.get(), cudaStreamCaptureModeThreadLocal), cudaSuccess);
  captured.record(other);
  expect_invalidated(try_wait(stream_, captured), cudaErrorStreamCaptureMerge);
  EXPECT_EQ(end(other), cudaErrorStreamCaptureInvalidated);
}

TEST_F(Graphs, RefuseToEndWithUnjoinedWork) {
  const Stream other;
  Event forked, joined;
  begin();
  forked.record(stream_);
  wait(other, forked);
  EXPECT_EQ(status(other), cudaStreamCaptureStatusActive);
  launch(put_kernel, {1, 1}, other, out_.data(), 1.0f);
  joined.record(other);
  launch(put_kernel, {1, 1}, other, out_.data(), 2.0f);  // after the event that would join it
  wait(stream_, joined);
  EXPECT_EQ(end(stream_), cudaErrorStreamCaptureUnjoined);
  EXPECT_EQ(status(other), cudaStreamCaptureStatusNone);
}

TEST_F(Graphs, RefuseToEndElsewhereThanTheyBegan) {
  const Stream other;
  Event forked;
  EXPECT_EQ(end(stream_), cudaErrorIllegalState) << "never began";
  begin();
  EXPECT_EQ(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeRelaxed),
            cudaErrorIllegalState);
  forked.record(stream_);
  wait(other, forked);
  EXPECT_EQ(end(other), cudaErrorStreamCaptureUnmatched);
  EXPECT_EQ(end(stream_), cudaErrorStreamCaptureInvalidated);
  begin();
  std::thread([&] { EXPECT_EQ(end(stream_), cudaErrorStreamCaptureWrongThread); }).join();
  EXPECT_EQ(end(stream_), cudaErrorStreamCaptureInvalidated);
}

TEST_F(Graphs, RefuseToLaunchIntoACapture) {
  const Graph graph(stream_, [&] { put(1); });
  begin();
  EXPECT_THROW(graph.launch(stream_), CudaError);
  EXPECT_EQ(end(stream_), cudaErrorStreamCaptureInvalidated);
}

TEST_F(Graphs, EndWhenTheirStreamGoes) {
  const Stream other;
  Event forked;
  {
    const Stream origin;
    ASSERT_EQ(cudaStreamBeginCapture(origin.get(), cudaStreamCaptureModeRelaxed), cudaSuccess);
    forked.record(origin);
    wait(other, forked);
  }
  EXPECT_EQ(status(other), cudaStreamCaptureStatusNone);
  other.synchronize();
}

}  // namespace
}  // namespace gpuconv::test
