// methods.cpp - gpuconv methods: the ladder, and which of its rungs can run here
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "host/cli/cli.hpp"
#include "host/cli/message.hpp"
#include "host/methods/choose.hpp"

namespace gpuconv {
namespace {

int print_methods() {
  const Devices devices = query_devices();
  print("{:<18}{:<6}{:<12}{:<5}{}\n", "method", "place", "cost", "here", "idea");
  for (const Method& method : methods()) {
    print("{:<18}{:<6}{:<12}{:<5}{}\n", method.name,
          method.processor == Processor::cpu ? "CPU" : "GPU", method.complexity,
          why_not(method, devices).empty() ? "yes" : "no", method.idea);
  }
  print("\ncost: operations per ear, N samples of source, K taps, L = N + K\n");
  if (devices.list.empty()) {
    print("GPU methods: {}\n", devices.why_none);
    return 0;
  }
  for (const Method& method : methods()) {
    const std::string reason = why_not(method, devices);
    if (!reason.empty()) print("{}: {}\n", method.name, reason);
  }
  return 0;
}

}  // namespace

void add_methods(CLI::App& app, RunIt& run_it) {
  app.add_subcommand("methods",
                     "List all methods: idea, cost, place, and whether they can run here")
      ->callback([&run_it] { run_it = print_methods; });
}

}  // namespace gpuconv
