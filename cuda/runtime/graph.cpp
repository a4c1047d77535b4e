#include "cuda/runtime/graph.hpp"

namespace gpuconv {
namespace {

struct DestroyCaptured {
  using pointer = cudaGraph_t;
  void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
};
using CapturedGraph = std::unique_ptr<cudaGraph_t, DestroyCaptured>;

CapturedGraph capture(const Stream& stream, const std::function<void()>& enqueue) {
  cudaGraph_t graph = nullptr;
  // Thread-local: other threads may allocate meanwhile, such as the one that reads a file.
  GPUCONV_CUDA(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal));
  try {
    enqueue();
  } catch (...) {
    cudaStreamEndCapture(stream.get(), &graph);
    cudaGetLastError();  // the invalid capture is reported already
    CapturedGraph(graph).reset();
    throw;
  }
  GPUCONV_CUDA(cudaStreamEndCapture(stream.get(), &graph));
  return CapturedGraph(graph);
}

}  // namespace

Graph::Graph(const Stream& stream, const std::function<void()>& enqueue) {
  const CapturedGraph captured = capture(stream, enqueue);
  cudaGraphExec_t graph = nullptr;
  GPUCONV_CUDA(cudaGraphInstantiate(&graph, captured.get(), 0));
  graph_.reset(graph);
}

void Graph::launch(const Stream& stream) const {
  GPUCONV_CUDA(cudaGraphLaunch(graph_.get(), stream.get()));
}

}  // namespace gpuconv
