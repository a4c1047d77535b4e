// graphs.cpp - captured work launched again and again
//
// A launch puts the work of lane 0 into the stream, that of every other lane into a stream of the
// graph's own: so it is done as late, early or mixed as any other work.
#include <map>

#include "tests/emulation/calls.hpp"
#include "tests/emulation/queues.hpp"

namespace emulation {

struct ExecutableGraph {
  Graph graph;
  std::vector<Stream*> lanes;
  std::shared_ptr<Record> latest_end;
};

namespace {

std::size_t graphs_alive = 0;

/// Neither `stream` nor the lanes capture, so that nothing here can fail.
void launch(ExecutableGraph& executable, Stream* stream) {
  executable.lanes[0] = stream;
  // A graph does not overlap with itself, whatever the streams.
  if (const auto& end = executable.latest_end; end && end->stream != stream) {
    push(stream, {Work::wait, nullptr, {}, end});
  }
  std::map<const Record*, std::shared_ptr<Record>> records;
  for (const auto& [lane, captured] : executable.graph.steps) {
    Stream* const target = executable.lanes[lane];
    Operation operation = captured;
    if (captured.work == Work::record) {
      operation.record = std::make_shared<Record>(Record{.stream = target});
      records[captured.record.get()] = operation.record;
    } else if (captured.work == Work::wait) {
      operation.record = records.at(captured.record.get());
    }
    push(target, std::move(operation));
  }
  executable.latest_end = std::make_shared<Record>(Record{.stream = stream});
  push(stream, {Work::record, nullptr, {}, executable.latest_end});
}

}  // namespace

cudaGraph_t make_graph(Graph graph) {
  ++graphs_alive;
  return new Graph(std::move(graph));
}

std::size_t live_graphs() { return graphs_alive; }

}  // namespace emulation

using emulation::call;
using emulation::call_to_end;
using emulation::Function;

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long flags) {
  return call(Function::cudaGraphInstantiate, [&] {
    if (executable == nullptr || graph == nullptr || flags != 0) return cudaErrorInvalidValue;
    std::vector<emulation::Stream*> lanes{nullptr};
    while (lanes.size() < graph->devices.size()) {
      lanes.push_back(emulation::make_stream(graph->devices[lanes.size()], true));
    }
    *executable = new emulation::ExecutableGraph{*graph, lanes, nullptr};
    ++emulation::graphs_alive;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return call(Function::cudaGraphLaunch, [&] {
    if (executable == nullptr || stream == nullptr) return cudaErrorInvalidValue;
    if (stream->capture) return emulation::refuse_to_wait(*stream);
    if (executable->graph.devices[0] != stream->device) return cudaErrorInvalidResourceHandle;
    emulation::launch(*executable, stream);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  return call_to_end(Function::cudaGraphExecDestroy, [&] {
    if (executable == nullptr) return cudaErrorInvalidValue;
    for (std::size_t l = 1; l < executable->lanes.size(); ++l) {
      emulation::destroy_stream(executable->lanes[l]);
    }
    delete executable;
    --emulation::graphs_alive;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return call_to_end(Function::cudaGraphDestroy, [&] {
    if (graph == nullptr) return cudaErrorInvalidValue;
    delete graph;
    --emulation::graphs_alive;
    return cudaSuccess;
  });
}
