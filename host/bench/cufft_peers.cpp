// cufft_peers.cpp - cuFFT as contenders: each way at its best length, with and without a graph, and
// with the response's transform
#include <bit>
#include <cmath>
#include <stdexcept>

#include "cuda/methods/cufft_library.hpp"
#include "cuda/methods/lengths.hpp"
#include "cuda/peers/cufft_chains.hpp"
#include "cuda/runtime/graph.hpp"
#include "host/bench/device_clock.hpp"

namespace gpuconv {
namespace {

using PlanChain = std::unique_ptr<CufftChain>(Stereo<std::span<const float>> response,
                                              const Clips& clips, int length);

class ChainOnGpu final : public DeviceWork {
 public:
  ChainOnGpu(PlanChain* plan, const Problem& problem, const Sounds& sounds, int length, RunKind run)
      : has_response_(run == RunKind::with_response),
        wet_size_(static_cast<std::size_t>(problem.wet_length() * problem.clips)),
        chain_(plan({sounds.response.left, sounds.response.right}, {sounds.source, problem.clips},
                    length)) {
    if (run != RunKind::graph) return;
    const Stream stream;
    graph_ = std::make_unique<Graph>(stream, [&] { chain_->enqueue(stream); });
  }

  void enqueue(const Stream& stream) override {
    if (graph_) {
      graph_->launch(stream);
      return;
    }
    if (has_response_) chain_->enqueue_response(stream);
    chain_->enqueue(stream);
  }

  Stereo<Signal> wet(const Stream& stream) override {
    if (has_response_) chain_->poison_response(stream);
    chain_->poison(stream);
    enqueue(stream);
    Stereo<Signal> wet{Signal(wet_size_), Signal(wet_size_)};
    for (const Side side : kSides) chain_->download(side, wet[side], stream);
    stream.synchronize();
    return wet;
  }

 private:
  bool has_response_;  // is transformed in every run
  std::size_t wet_size_;
  std::unique_ptr<CufftChain> chain_;
  std::unique_ptr<Graph> graph_;
};

using LengthOf = std::int64_t(std::int64_t N, std::int64_t K);

std::int64_t smooth_length(std::int64_t N, std::int64_t K) { return next_smooth(N + K - 1); }
std::int64_t power_of_two(std::int64_t N, std::int64_t K) {
  return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(N + K - 1)));
}

int checked_int(std::int64_t length) {
  if (length > (std::int64_t{1} << 30)) throw std::runtime_error("too long for one transform");
  return static_cast<int>(length);
}

double real_transform(double L) { return 2.5 * L * std::log2(L); }

Contender peer(const std::string& name) {
  Contender contender;
  contender.name = name;
  contender.processor = Processor::gpu;
  contender.is_peer = true;
  return contender;
}

/// One transform over each clip.
Contender whole(const std::string& name, PlanChain* plan, LengthOf* length_of, RunKind run) {
  Contender contender = peer(name);
  contender.operations = [=](double N, double K) {
    const auto length =
        static_cast<double>(length_of(static_cast<std::int64_t>(N), static_cast<std::int64_t>(K)));
    return (run == RunKind::with_response ? 5 : 3) * real_transform(length) + 8 * length;
  };
  contender.transform = [=](std::int64_t N, std::int64_t K) {
    return Method::Transform{length_of(N, K), 1};
  };
  contender.plan = [=](const Problem& problem, const Sounds& sounds,
                       const std::optional<Device>& device) {
    use_device(device.value().index);
    return time_on_device(std::make_unique<ChainOnGpu>(
        plan, problem, sounds, checked_int(length_of(problem.N, problem.K)), run));
  };
  return contender;
}

std::int64_t shortest_overlap_save(std::int64_t K) {
  return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(2 * K)));
}

/// Tried at four lengths; the fastest takes part.
Contender overlap_save() {
  constexpr int kLengths = 4;
  Contender contender = peer("cufft-overlap-save");
  contender.operations = [](double N, double K) {
    const double length = 4 * static_cast<double>(shortest_overlap_save(
                                  static_cast<std::int64_t>(K)));  // as if it were the second
    return std::ceil((N + K - 1) / (length - K + 1)) * (3 * real_transform(length) + 8 * length);
  };
  contender.transform = [](std::int64_t, std::int64_t K) {
    return Method::Transform{shortest_overlap_save(K) << (kLengths - 1), 1};
  };
  contender.plan = [](const Problem& problem, const Sounds& sounds,
                      const std::optional<Device>& device) {
    use_device(device.value().index);
    std::unique_ptr<TimedPlan> best;
    double shortest = 0;
    for (int i = 0; i < kLengths; ++i) {
      auto plan = time_on_device(std::make_unique<ChainOnGpu>(
          plan_cufft_overlap_save, problem, sounds,
          checked_int(shortest_overlap_save(problem.K) << i), RunKind::launches));
      plan->run();
      const double seconds = std::min({plan->run(), plan->run(), plan->run()});
      if (best && seconds >= shortest) continue;
      best = std::move(plan);
      shortest = seconds;
    }
    return best;
  };
  return contender;
}

}  // namespace

std::vector<Contender> cufft_peers() {
  return {
      whole("cufft-straightforward", plan_cufft_straightforward, smooth_length, RunKind::launches),
      whole("cufft-straightforward-2^n", plan_cufft_straightforward, power_of_two,
            RunKind::launches),
      whole("cufft-in-a-graph", plan_cufft_straightforward, smooth_length, RunKind::graph),
      whole("cufft-with-response", plan_cufft_straightforward, smooth_length,
            RunKind::with_response),
      whole("cufft-lean", plan_cufft_lean, smooth_length, RunKind::launches),
      whole("cufft-lean-in-a-graph", plan_cufft_lean, smooth_length, RunKind::graph),
      whole("cufft-lean-with-response", plan_cufft_lean, smooth_length, RunKind::with_response),
      overlap_save()};
}

}  // namespace gpuconv
