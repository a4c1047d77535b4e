// selftest.hpp - every method that can run here, on small problems, against the definition in
// double
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cuda/runtime/device.hpp"
#include "host/methods/method.hpp"
#include "host/render/renderer.hpp"

namespace gpuconv {

struct SelfTest {
  const Method* method;
  std::string not_here{};  ///< why the method cannot run on this machine; empty if it can
  std::string failure{};   ///< what was wrong, in words; empty if nothing was
  int problems = 0;        ///< that were tried
  /// E and its bound where they came closest, both in units of u = 2^-24.
  double error = 0;
  double bound = 0;

  bool is_ok() const { return not_here.empty() && failure.empty(); }
};

/// make_renderer(), or what stands in for it in a test.
using MakeRenderer = std::function<std::unique_ptr<Renderer>(
    const Method& method, const Stereo<Signal>& response, std::int64_t source_length, int device)>;

/// Runs `method` on the built-in problems that it solves in a moment. GPU methods run on `device`;
/// without one, `why_no_device` is why they cannot. Whatever the method throws becomes a failure,
/// except that cuFFT is not installed.
SelfTest selftest(const Method& method, const std::optional<Device>& device,
                  const std::string& why_no_device, const MakeRenderer& make);

}  // namespace gpuconv
