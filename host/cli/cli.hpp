// cli.hpp - the command line; this folder is the only place that prints
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace gpuconv {

/// Parses and runs; returns the exit code. Throws Error and whatever else goes wrong.
int run(int argc, const char* const* argv);

/// Each adds its subcommand; `run_it` receives what to do once the command line is read.
using RunIt = std::function<int()>;
void add_render(CLI::App& app, RunIt& run_it);
void add_batch(CLI::App& app, RunIt& run_it);
void add_methods(CLI::App& app, RunIt& run_it);
void add_devices(CLI::App& app, RunIt& run_it);
void add_info(CLI::App& app, RunIt& run_it);
void add_selftest(CLI::App& app, RunIt& run_it);
void add_bench(CLI::App& app, RunIt& run_it);

/// The program's version, with how it was built: "0.1.0 (emulated GPU)".
const char* version();

/// What --allow-any-format does, for the help of each command that has it.
inline constexpr const char* kAllowAnyFormat =
    "Also rarely used formats that libsndfile reads (less tested)";

}  // namespace gpuconv
