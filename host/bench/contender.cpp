#include "host/bench/contender.hpp"

#include <algorithm>
#include <limits>

#include "host/bench/timer.hpp"
#include "host/methods/choose.hpp"

namespace gpuconv {
namespace {

/// A CPU method: its renderer, from memory to memory.
class CpuPlan final : public TimedPlan {
 public:
  CpuPlan(const Method& method, const Problem& problem, const Sounds& sounds)
      : problem_(problem),
        sounds_(sounds),
        renderer_(make_renderer(method, sounds.response, problem.N, 0)) {
    const auto length = static_cast<std::size_t>(problem.wet_length() * problem.clips);
    for (const Side side : kSides) wet_[side].resize(length);
  }

  double run() override {
    return seconds_of([&] { render(); });
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
  void render() {
    std::size_t written = 0;
    for (int index = 0; index < problem_.clips; ++index) {
      std::span<const float> clip = sounds_.clip(problem_, index);
      const auto read = [&](std::span<float> block) {
        const std::size_t count = std::min(block.size(), clip.size());
        std::copy_n(clip.begin(), count, block.begin());
        clip = clip.subspan(count);
        return count;
      };
      renderer_->render(read, [&](Stereo<std::span<const float>> frames) {
        for (const Side side : kSides) {
          std::copy(frames[side].begin(), frames[side].end(), wet_[side].data() + written);
        }
        written += frames.left.size();
      });
    }
  }

  const Problem problem_;
  const Sounds& sounds_;
  std::unique_ptr<Renderer> renderer_;
  Stereo<Signal> wet_;
};

}  // namespace

ErrorBound Contender::bound(const Problem& problem) const {
  return is_direct ? direct_error_bound(problem.K)
                   : transform_error_bound(transform(problem.N, problem.K), problem.N, problem.K);
}

Contender contender_of(const Method& method, const CostModel& model) {
  Contender contender;
  contender.name = method.name;
  contender.place = method.place;
  contender.is_direct = method.is_direct;
  contender.operations = method.operations;
  contender.transform = method.transform;
  contender.why_too_much = [&method](const Problem& problem,
                                     const std::optional<Device>& device) -> std::string {
    return method.place == Place::cpu ? ""
                                      : why_too_much(method, problem.N, problem.K, device.value());
  };
  contender.estimate = [&method, model](const Problem& problem,
                                        const std::optional<Device>& device) {
    return problem.clips * model.seconds(method, problem.N, problem.K, device);
  };
  contender.plan = [&method](const Problem& problem, const Sounds& sounds,
                             const std::optional<Device>& device) -> std::unique_ptr<TimedPlan> {
    if (method.place == Place::cpu) return std::make_unique<CpuPlan>(method, problem, sounds);
    return plan_on_gpu(method, problem, sounds, device.value());
  };
  return contender;
}

std::vector<Contender>& peers() {
  static std::vector<Contender> list = cufft_peers();
  return list;
}

}  // namespace gpuconv
