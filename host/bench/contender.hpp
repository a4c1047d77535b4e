// contender.hpp - who takes part in a benchmark: a method of ours, or a peer
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cuda/runtime/device.hpp"
#include "host/bench/problem.hpp"
#include "host/methods/cost_model.hpp"

namespace gpuconv {

/// Of one run, by count.
struct Traffic {
  double bytes = 0;  ///< CPU: source and frames. GPU: of its memory; 0: not known
  int launches = 0;  ///< GPU
};

/// A contender ready for one problem: planned, the response transformed, its inputs in the memory
/// that it works in.
class TimedPlan {
 public:
  virtual ~TimedPlan() = default;
  /// Convolves all clips for both ears. Seconds: on the CPU by the clock of timer.hpp, the wet
  /// signals in memory; on a GPU between two events, the wet signals in its memory. Straight after
  /// another such run, whoever had the processor before (but for runs so long that it makes no
  /// difference).
  virtual double run() = 0;
  /// The same once, not timed, to its end.
  virtual void run_once() { run(); }
  /// As run(), with nothing of it in the caches. None where that is not measured: on the CPU.
  virtual std::optional<double> run_cold() { return std::nullopt; }
  /// The wet signals of all clips, one after another, of a run over memory full of NaN.
  virtual Stereo<Signal> wet() = 0;
  virtual Traffic traffic() const { return {}; }
};

struct Contender {
  std::string name;
  Processor processor = Processor::cpu;
  bool is_direct = false;
  bool is_peer = false;  ///< somebody else's, or like it: only in benchmarks that have peers
  /// Of both ears of one clip, for the record and to extrapolate by.
  std::function<double(double N, double K)> operations;
  /// For the bound on its error; none for direct ones.
  std::function<Method::Transform(std::int64_t N, std::int64_t K)> transform;
  /// Why a problem is beyond it; empty if it is not. None: never.
  std::function<std::string(const Problem&, const std::optional<Device>&)> why_too_much;
  /// Estimated seconds of one run; none for peers.
  std::function<double(const Problem&, const std::optional<Device>&)> estimate;
  /// Throws Error, CufftError or CudaError where it cannot take part.
  std::function<std::unique_ptr<TimedPlan>(const Problem&, const Sounds&,
                                           const std::optional<Device>&)>
      plan;

  ErrorBound bound(const Problem& problem) const;
};

/// Its estimates are those of `model`, but for what is done before a planned run.
Contender contender_of(const Method& method, const CostModel& model = {});

/// What is linked into this program: cuFFT's chains where there is CUDA, and our best methods in
/// graphs and with the response's transform, as cuFFT's. FFTW is only in programs
/// that are not installed, since its licence is the GPL: profiling/fftw_peer.cpp adds it.
std::vector<Contender>& peers();

/// gpu-fourstep with other sizes of its chunks: only where they are asked for by name.
std::vector<Contender> batch_variants();

/// cuFFT, on the device.
std::vector<Contender> cufft_peers();

/// What one timed run on a GPU consists of.
enum class RunKind {
  launches,
  graph,         ///< the same, captured once and replayed: takes a problem that is one block
  with_response  ///< launches, and before them the transforms of both sides' responses
};

/// Plans a GPU method on the device.
std::unique_ptr<TimedPlan> plan_on_gpu(const Method& method, const Problem& problem,
                                       const Sounds& sounds, const Device& device, RunKind run);

}  // namespace gpuconv
