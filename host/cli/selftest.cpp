// selftest.cpp - gpuconv selftest: does this machine compute what it should?
#include "host/bench/selftest.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "host/base/error.hpp"
#include "host/cli/cli.hpp"
#include "host/cli/message.hpp"
#include "host/methods/choose.hpp"

namespace gpuconv {
namespace {

constexpr const char* kForbidden = "--device cpu forbids a GPU";

/// The device that GPU methods are tested on, or none. Throws what choose() throws.
std::optional<Device> device_of(const std::string& text, const Devices& devices) {
  if (text == "cpu" || (text == "auto" && devices.list.empty())) return std::nullopt;
  return choose({.method = "gpu-direct", .device = text}, 1, 1, devices).device;
}

void print_row(const SelfTest& test) {
  if (!test.not_here.empty()) {
    print("{:<18}not here: {}\n", test.method->name, one_line(test.not_here));
    return;
  }
  print("{:<18}{:>8}  {:>9.3f} u  {:>9.3f} u  {}\n", test.method->name, test.problems, test.error,
        test.bound, test.is_ok() ? "ok" : "FAILED: " + one_line(test.failure));
}

int test_methods(const std::string& device_text) {
  const Devices devices = query_devices();
  const std::optional<Device> device = device_of(device_text, devices);
  const std::string why_none = device_text == "cpu" ? kForbidden : devices.why_none;
  int ok = 0;
  int failed = 0;
  int not_here = 0;
  print("{:<18}{:>8}  {:>11}  {:>11}\n", "method", "problems", "worst E", "bound");
  for (const Method& method : methods()) {
    const SelfTest test = selftest(method, device, why_none, make_renderer);
    print_row(test);
    ++(test.is_ok() ? ok : test.not_here.empty() ? failed : not_here);
  }
  print(
      "\n{} ok, {} failed, {} not here{}\n"
      "E = ||y^ - y|| / max(||y||, ||x|| ||h||) of an ear, y in double, u = 2^-24\n",
      ok, failed, not_here,
      device ? fmt::format("; GPU methods on cuda:{} ({})", device->index, device->name) : "");
  return static_cast<int>(failed == 0 ? Exit::done : Exit::gpu);
}

}  // namespace

void add_selftest(CLI::App& app, RunIt& run_it) {
  const auto device = std::make_shared<std::string>("auto");
  CLI::App* const command = app.add_subcommand(
      "selftest", "Try every method that can run here on small problems, against double precision");
  command->add_option("--device", *device, "of GPU methods: auto, cpu, cuda or cuda:N")
      ->type_name("DEVICE")
      ->capture_default_str();
  command->callback([&run_it, device] { run_it = [device] { return test_methods(*device); }; });
}

}  // namespace gpuconv
