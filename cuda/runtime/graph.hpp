// graph.hpp - work that is queued once and launched many times, for the price of one launch
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <memory>

#include "cuda/runtime/resources.hpp"

namespace gpuconv {

namespace detail {
struct DestroyGraph {
  using pointer = cudaGraphExec_t;
  void operator()(cudaGraphExec_t graph) const { cudaGraphExecDestroy(graph); }
};
}  // namespace detail

class Graph {
 public:
  /// Calls `enqueue` once; what it queues in `stream` is kept instead of done. Arguments of kernels
  /// and places of copies are those of now, what is in memory is that of each launch. `enqueue`
  /// only queues: to allocate, free or wait in it is an error. It may use other streams that wait
  /// for an event of `stream`, if `stream` waits for an event of theirs in the end; such events are
  /// of no use outside. Throws CudaError, or what `enqueue` throws; `stream` is then as before.
  Graph(const Stream& stream, const std::function<void()>& enqueue);

  /// Queues it all in `stream`, of the device it was captured on. Launches do not overlap.
  void launch(const Stream& stream) const;

 private:
  std::unique_ptr<cudaGraphExec_t, detail::DestroyGraph> graph_;
};

}  // namespace gpuconv
