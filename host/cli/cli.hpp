// cli.hpp - the command line; this folder is the only place that prints
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace gpuconv {

/// Parses and runs; returns the exit code. Throws Error and whatever else goes wrong.
int run(int argc, const char* const* argv);

/// Gives `app` all commands, its help and its version. Both must outlive what is parsed.
using RunIt = std::function<int()>;
void add_commands(CLI::App& app, RunIt& run_it);

/// Each adds its subcommand; `run_it` receives what to do once the command line is read.
void add_render(CLI::App& app, RunIt& run_it);
void add_scene(CLI::App& app, RunIt& run_it);
void add_batch(CLI::App& app, RunIt& run_it);
void add_methods(CLI::App& app, RunIt& run_it);
void add_devices(CLI::App& app, RunIt& run_it);
void add_info(CLI::App& app, RunIt& run_it);
void add_selftest(CLI::App& app, RunIt& run_it);
void add_bench(CLI::App& app, RunIt& run_it);

/// The program's version, with how it was built: "0.1.0 (emulated GPU)".
const char* version();

/// That, and then a line for each library, for SIMD and for GPUs: name, two spaces or more, words.
std::string version_page();

/// Exit codes, for the help and the manual pages; see Exit.
struct ExitCode {
  const char* code;
  const char* words;
};
inline constexpr ExitCode kExitCodes[] = {{"0", "done"},
                                          {"1", "usage"},
                                          {"2", "a file"},
                                          {"3", "GPU or driver or memory"},
                                          {"4", "some jobs of a batch failed"},
                                          {"5", "clipped with --fail-on-clip"},
                                          {"70", "internal error"},
                                          {"128+n", "signal n"}};

/// What --allow-any-format does, for the help of each command that has it.
inline constexpr const char* kAllowAnyFormat =
    "Also rarely used formats that libsndfile reads (less tested)";

}  // namespace gpuconv
