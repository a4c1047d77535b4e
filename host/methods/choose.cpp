#include "host/methods/choose.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cuda/methods/lengths.hpp"
#include "host/base/duration.hpp"
#include "host/base/error.hpp"

namespace gpuconv {
namespace {

Choice choose_automatically(std::int64_t N, std::int64_t K, const std::optional<Device>& device,
                            bool must_be_gpu, const CostModel& model) {
  std::vector<Choice> candidates;
  for (const Method& method : methods()) {
    const bool is_gpu = method.processor == Processor::gpu;
    if (method.is_yardstick || (must_be_gpu && !is_gpu)) continue;
    if (is_gpu && (!device || !why_too_much(method, N, K, *device).empty())) continue;
    candidates.push_back(
        {&method, is_gpu ? device : std::nullopt, "", model.seconds(method, N, K, device)});
  }
  std::ranges::sort(candidates, {}, &Choice::estimated_seconds);
  if (candidates.empty()) {
    throw UsageError(fmt::format("{} taps are too many for a GPU (limit {})", K, kLongestResponse));
  }
  Choice best = candidates.front();
  best.why = fmt::format("fastest by estimate, {}", duration(best.estimated_seconds));
  if (candidates.size() > 1) {
    best.why += fmt::format("; next {}, {}", candidates[1].method->name,
                            duration(candidates[1].estimated_seconds));
  }
  if (device) best.why += "; a GPU's start-up is counted";
  best.why += model.is_calibrated(best.method->processor) ? "; calibrated" : "; not calibrated";
  return best;
}

}  // namespace

// "auto" takes the first if there is one.
std::optional<Device> pick_device(const std::string& text, const Devices& devices) {
  if (text == "cpu") return std::nullopt;
  if (text == "auto") {
    return devices.list.empty() ? std::nullopt : std::optional(devices.list.front());
  }
  if (text != "cuda" && text.rfind("cuda:", 0) != 0) {
    throw UsageError(fmt::format("--device {}: expected auto, cpu, cuda or cuda:N", text));
  }
  const std::string digits = text == "cuda" ? "0" : text.substr(5);
  if (digits.empty() || digits.size() > 4 ||
      digits.find_first_not_of("0123456789") != std::string::npos) {
    throw UsageError(fmt::format("--device {}: expected cuda:N with a number N", text));
  }
  if (devices.list.empty()) throw GpuError(fmt::format("--device {}: {}", text, devices.why_none));
  const std::size_t index = std::stoul(digits);
  if (index >= devices.list.size()) {
    throw GpuError(fmt::format("--device {}: there {} (numbered from 0)", text,
                               devices.list.size() == 1
                                   ? "is 1 device"
                                   : fmt::format("are {} devices", devices.list.size())));
  }
  return devices.list[index];
}

bool may_use_gpu(const Request& request) {
  if (request.method != "auto") return find_method(request.method).processor == Processor::gpu;
  return request.device != "cpu";
}

std::string why_not(const Method& method, const Devices& devices) {
  if (method.processor == Processor::cpu) return "";
  if (devices.list.empty()) return devices.why_none;
  return method.why_missing == nullptr ? "" : method.why_missing();
}

std::string why_too_much(const Method& method, std::int64_t N, std::int64_t K,
                         const Device& device) {
  if (K > method.longest_response) {
    return fmt::format("{} taps are too many (limit {})", K, method.longest_response);
  }
  if (method.shared_bytes == nullptr) return "";
  const auto fits = [&](std::int64_t taps) {
    return method.shared_bytes(N, taps) <= device.shared_bytes_per_block;
  };
  if (fits(K)) return "";
  std::int64_t longest = K;
  while (longest > 0 && !fits(longest)) --longest;
  return fmt::format(
      "{} taps need {} KiB of shared memory per block, {} has {} KiB: enough for {} taps of this "
      "source",
      K, method.shared_bytes(N, K) / 1024, device.name, device.shared_bytes_per_block / 1024,
      longest);
}

Devices devices_for(const Request& request) {
  return may_use_gpu(request) ? query_devices() : Devices{{}, "not asked for"};
}

void check_request(const Request& request, const Devices& devices) {
  const bool must_be_gpu = request.device != "auto" && request.device != "cpu";
  const Method* const method = request.method == "auto" ? nullptr : &find_method(request.method);
  if (method != nullptr && method->processor == Processor::gpu && request.device == "cpu") {
    throw UsageError(
        fmt::format("--method {} runs on a GPU, --device cpu forbids one", method->name));
  }
  if (method != nullptr && method->processor == Processor::cpu && must_be_gpu) {
    throw UsageError(fmt::format("--method {} runs on the CPU, --device {} asks for a GPU",
                                 method->name, request.device));
  }
  pick_device(request.device, devices);
  if (method == nullptr) return;
  if (const std::string reason = why_not(*method, devices); !reason.empty()) {
    throw GpuError(fmt::format("--method {}: {}", method->name, reason));
  }
}

namespace {

Choice choose_unwatched(const Request& request, std::int64_t N, std::int64_t K,
                        const Devices& devices, const CostModel& model) {
  check_request(request, devices);
  const std::optional<Device> device = pick_device(request.device, devices);
  if (request.method == "auto") {
    return choose_automatically(N, K, device, device && request.device != "auto", model);
  }
  const Method& method = find_method(request.method);
  if (method.processor == Processor::gpu) {
    if (const std::string reason = why_too_much(method, N, K, *device); !reason.empty()) {
      throw UsageError(fmt::format("--method {}: {}", method.name, reason));
    }
  }
  const Choice choice{&method, method.processor == Processor::gpu ? device : std::nullopt,
                      "as asked", model.seconds(method, N, K, device)};
  if (choice.estimated_seconds > kHopelessSeconds && !request.allows_hopeless) {
    throw UsageError(fmt::format(
        "--method {} would take about {} for {} samples and {} taps (limit {}); "
        "--method auto is quicker, --force-slow does it all the same",
        method.name, duration(choice.estimated_seconds), N, K, duration(kHopelessSeconds)));
  }
  return choice;
}

}  // namespace

Choice choose_for_all(const Request& request, std::span<const JobSize> sizes,
                      const Devices& devices, const CostModel& model) {
  check_request(request, devices);
  const std::optional<Device> device = pick_device(request.device, devices);
  const bool must_be_gpu = device && request.device != "auto";
  std::optional<Choice> best;
  for (const Method& method : methods()) {
    const bool is_gpu = method.processor == Processor::gpu;
    const bool is_asked = request.method == method.name;
    if (request.method != "auto" && !is_asked) continue;
    if (!is_asked && (method.is_yardstick || (must_be_gpu && !is_gpu))) continue;
    if (is_gpu && !device) continue;
    double seconds = 0;
    bool fits = true;
    for (const auto& [N, K] : sizes) {
      fits = fits && (!is_gpu || why_too_much(method, N, K, *device).empty());
      seconds += model.seconds(method, N, K, device);
    }
    if (!is_asked && (!fits || (best && seconds >= best->estimated_seconds))) continue;
    best = Choice{&method, is_gpu ? device : std::nullopt,
                  is_asked ? "as asked" : "fastest by estimate for the whole list", seconds};
  }
  if (!best) throw UsageError("responses of the list are too long for a GPU");
  return *best;
}

Choice choose(const Request& request, std::int64_t N, std::int64_t K, const Devices& devices,
              const CostModel& model) {
  const Choice choice = choose_unwatched(request, N, K, devices, model);
  if (request.watch) request.watch(choice);
  return choice;
}

}  // namespace gpuconv
