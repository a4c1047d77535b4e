// devices.cpp - gpuconv devices: the GPUs
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cuda/runtime/device.hpp"
#include "host/cli/cli.hpp"
#include "host/cli/message.hpp"

namespace gpuconv {
namespace {

int print_devices() {
  const Devices devices = query_devices();
  for (const Device& device : devices.list) {
    print("cuda:{}  {}, compute capability {}.{}, {} multiprocessor{}, {:.1f} GiB\n", device.index,
          device.name, device.major, device.minor, device.multiprocessors,
          device.multiprocessors == 1 ? "" : "s",
          static_cast<double>(device.memory_bytes) / (1 << 30));
  }
  if (devices.list.empty()) print("no GPU: {}\n", devices.why_none);
  return 0;
}

}  // namespace

void add_devices(CLI::App& app, RunIt& run_it) {
  app.add_subcommand("devices", "List the GPUs")->callback([&run_it] { run_it = print_devices; });
}

}  // namespace gpuconv
