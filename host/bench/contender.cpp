#include "host/bench/contender.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "host/bench/timer.hpp"
#include "host/methods/choose.hpp"
#include "host/render/renderer.hpp"

namespace gpuconv {
namespace {

/// A CPU method: its renderer, from memory to memory. With `with_response`, each run makes a
/// renderer of its own.
class CpuPlan final : public TimedPlan {
 public:
  CpuPlan(const Method& method, const Problem& problem, const Sounds& sounds,
          bool with_response = false)
      : method_(method), problem_(problem), sounds_(sounds), with_response_(with_response) {
    if (!with_response) plan();
    const auto length = static_cast<std::size_t>(problem.wet_length() * problem.clips);
    for (const Side side : kSides) wet_[side].resize(length);
  }

  double run() override {
    if (latest_ < kLong) render();
    latest_ = seconds_of([&] { render(); });
    return latest_;
  }

  Stereo<Signal> wet() override {
    for (const Side side : kSides) {
      std::fill(wet_[side].begin(), wet_[side].end(), std::numeric_limits<float>::quiet_NaN());
    }
    render();
    return wet_;
  }

  Traffic traffic() const override {
    return {problem_.clips *
                job_bytes(static_cast<double>(problem_.N), static_cast<double>(problem_.K)),
            0};
  }

 private:
  void plan() { renderer_ = make_renderer(method_, sounds_.response, problem_.N, 0); }

  void render() {
    if (with_response_) plan();
    std::size_t written = 0;
    for (int index = 0; index < problem_.clips; ++index) {
      std::span<const float> clip = sounds_.clip(problem_, index);
      const auto read = [&](std::span<float> block) {
        const std::size_t count = std::min(block.size(), clip.size());
        std::copy_n(clip.begin(), count, block.begin());
        clip = clip.subspan(count);
        return count;
      };
      renderer_->run(read, [&](Stereo<std::span<const float>> frames) {
        for (const Side side : kSides) {
          std::copy(frames[side].begin(), frames[side].end(), wet_[side].data() + written);
        }
        written += frames.left.size();
      });
    }
  }

  /// Seconds of a run that does not notice what others left in the caches.
  static constexpr double kLong = 0.01;

  const Method& method_;
  const Problem problem_;
  const Sounds& sounds_;
  const bool with_response_;
  std::unique_ptr<Renderer> renderer_;
  Stereo<Signal> wet_;
  double latest_ = 0;
};

/// A planned run starts no GPU, and the launch that was calibrated is that of a whole job, with its
/// planning.
CostModel of_planned_runs(const Method& method, CostModel model) {
  if (method.processor == Processor::cpu) return model;
  model.set_gpu_start(0);
  Speed speed = model.speed(method);
  speed.launch = method.speed.launch;
  model.set_speed(method, speed);
  return model;
}

Contender in_a_graph(const Method& method) {
  Contender contender = contender_of(method);
  contender.name += "-in-a-graph";
  contender.is_peer = true;
  contender.why_too_much = [&method, of_method = contender.why_too_much](
                               const Problem& problem, const std::optional<Device>& device) {
    const std::string reason = of_method(problem, device);
    if (!reason.empty()) return reason;
    // Many blocks leave only the last ones' result: the others' would not be judged.
    const bool is_one_block =
        method.blocks(static_cast<double>(problem.N), static_cast<double>(problem.K)) == 1 &&
        (problem.clips == 1 || problem.N % 4 == 0);
    return std::string(is_one_block ? "" : "takes several blocks, the graph has one");
  };
  contender.plan = [&method](const Problem& problem, const Sounds& sounds,
                             const std::optional<Device>& device) {
    return plan_on_gpu(method, problem, sounds, device.value(), RunKind::graph);
  };
  return contender;
}

/// A plan that meets a response for the first time in every run.
Contender with_response(const Method& method) {
  Contender contender = contender_of(method);
  contender.name += "-with-response";
  contender.is_peer = true;
  if (method.processor == Processor::gpu) {  // a CPU method's count includes them
    contender.operations = [&method](double N, double K) {
      const auto length = static_cast<double>(
          method.transform(static_cast<std::int64_t>(N), static_cast<std::int64_t>(K)).length);
      return method.operations(N, K) + 2 * 2.5 * length * std::log2(length);
    };
  }
  contender.plan = [&method](const Problem& problem, const Sounds& sounds,
                             const std::optional<Device>& device) -> std::unique_ptr<TimedPlan> {
    if (method.processor == Processor::cpu) {
      return std::make_unique<CpuPlan>(method, problem, sounds, true);
    }
    return plan_on_gpu(method, problem, sounds, device.value(), RunKind::with_response);
  };
  return contender;
}

}  // namespace

ErrorBound Contender::bound(const Problem& problem) const {
  return is_direct ? direct_error_bound(problem.K)
                   : transform_error_bound(transform(problem.N, problem.K), problem.N, problem.K);
}

Contender contender_of(const Method& method, const CostModel& model) {
  Contender contender;
  contender.name = method.name;
  contender.processor = method.processor;
  contender.is_direct = method.is_direct;
  contender.operations = method.operations;
  contender.transform = method.transform;
  contender.why_too_much = [&method](const Problem& problem,
                                     const std::optional<Device>& device) -> std::string {
    return method.processor == Processor::cpu
               ? ""
               : why_too_much(method, problem.N, problem.K, device.value());
  };
  contender.estimate = [&method, planned = of_planned_runs(method, model)](
                           const Problem& problem, const std::optional<Device>& device) {
    return problem.clips * planned.seconds(method, problem.N, problem.K, device);
  };
  contender.plan = [&method](const Problem& problem, const Sounds& sounds,
                             const std::optional<Device>& device) -> std::unique_ptr<TimedPlan> {
    if (method.processor == Processor::cpu)
      return std::make_unique<CpuPlan>(method, problem, sounds);
    return plan_on_gpu(method, problem, sounds, device.value(), RunKind::launches);
  };
  return contender;
}

std::vector<Contender>& peers() {
  static std::vector<Contender> list = [] {
    std::vector<Contender> all = cufft_peers();
    all.push_back(with_response(find_method("cpu-vectorised")));
    for (const char* const name : {"gpu-fourstep", "gpu-fused"}) {
      all.push_back(in_a_graph(find_method(name)));
      all.push_back(with_response(find_method(name)));
    }
    return all;
  }();
  return list;
}

}  // namespace gpuconv
