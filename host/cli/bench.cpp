// bench.cpp - gpuconv bench: how fast is each method here, and how sure is that?
#include "host/bench/bench.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>

#include "host/base/duration.hpp"
#include "host/base/error.hpp"
#include "host/bench/calibrate.hpp"
#include "host/bench/page/ladder.hpp"
#include "host/bench/page/page.hpp"
#include "host/bench/presets.hpp"
#include "host/bench/report.hpp"
#include "host/cli/cli.hpp"
#include "host/cli/message.hpp"
#include "host/cli/progress_bar.hpp"
#include "host/cli/side_files.hpp"
#include "host/cli/usage.hpp"
#include "host/files/output_file.hpp"
#include "host/methods/choose.hpp"

namespace gpuconv {
namespace {

struct BenchOptions {
  std::string preset;
  std::vector<std::string> methods;
  std::vector<std::string> sizes;
  std::vector<std::string> problems;  ///< of the preset; empty: all
  std::string device = "auto";
  std::string json, report;
  std::optional<double> seconds;
  std::optional<bool> progress;  ///< absent: a bar on a terminal, now and then a line elsewhere
  bool quiet = false;
  bool is_tiny = false;
  bool calibrates = false;
};

std::vector<Contender> all_contenders(const CostModel& model) {
  std::vector<Contender> all;
  for (const Method& method : methods()) all.push_back(contender_of(method, model));
  all.insert(all.end(), peers().begin(), peers().end());
  return all;
}

[[noreturn]] void refuse_method(const std::string& name, const std::vector<Contender>& all) {
  std::string names;
  for (const Contender& one : all) names.append(names.empty() ? "" : ", ").append(one.name);
  throw UsageError(
      fmt::format("--method {}: nothing of that name is measured; there are {}", name, names));
}

std::vector<Contender> contenders_of(const BenchOptions& options, const Preset* preset,
                                     const std::optional<Device>& device, const CostModel& model) {
  const std::vector<Contender> all = all_contenders(model);
  std::vector<Contender> known = all;
  for (Contender& one : batch_variants()) known.push_back(std::move(one));
  std::vector<Contender> result;
  for (const std::string& name : options.methods) {
    const auto same = [&](const Contender& one) { return one.name == name; };
    const auto found = std::find_if(known.begin(), known.end(), same);
    if (found == known.end()) refuse_method(name, known);
    if (found->processor == Processor::gpu && !device) {
      throw GpuError(fmt::format("--method {} runs on a GPU, and none takes part", name));
    }
    result.push_back(*found);
  }
  if (!result.empty()) return result;
  const bool has_cpu = options.device == "auto" || options.device == "cpu";
  for (const Contender& contender : all) {
    if (contender.is_peer && (preset == nullptr || !preset->has_peers)) continue;
    if (contender.processor == Processor::cpu ? has_cpu : device.has_value())
      result.push_back(contender);
  }
  return result;
}

std::vector<Problem> problems_of(const BenchOptions& options, const Preset* preset,
                                 const std::optional<Device>& device) {
  std::vector<Problem> problems;
  if (preset != nullptr) problems = preset->problems(device ? Processor::gpu : Processor::cpu);
  if (!options.problems.empty()) {
    for (const std::string& name : options.problems) {
      const auto is_named = [&](const Problem& one) { return one.name == name; };
      if (std::none_of(problems.begin(), problems.end(), is_named)) {
        throw UsageError(fmt::format("--problem {}: {} has none of this name", name,
                                     preset == nullptr ? "no BENCHMARK" : preset->name));
      }
    }
    std::erase_if(problems, [&](const Problem& problem) {
      return std::find(options.problems.begin(), options.problems.end(), problem.name) ==
             options.problems.end();
    });
  }
  for (Problem& problem : problems) {
    if (options.is_tiny) problem = tiny(problem);
  }
  for (const std::string& size : options.sizes) problems.push_back(parse_problem(size));
  // Tiny sizes are often the same.
  std::vector<Problem> different;
  for (Problem& problem : problems) {
    const auto is_same = [&](const Problem& other) { return other.name == problem.name; };
    if (std::none_of(different.begin(), different.end(), is_same)) different.push_back(problem);
  }
  return different;
}

/// Where a report goes, opened before the work: that it cannot be written is found out first.
class Destination {
 public:
  /// "-" is standard output; empty: nobody asked for it.
  explicit Destination(const std::string& path, bool makes_folder = false)
      : is_wanted_(!path.empty()) {
    OutputOptions options;
    options.makes_folder = makes_folder;
    if (is_wanted_ && path != "-") file_.emplace(path, options);
  }

  explicit operator bool() const { return is_wanted_; }

  void write(const std::string& text) {
    if (!file_) return write_output(text);
    file_->write(std::as_bytes(std::span(text)));
    file_->publish();
  }

 private:
  bool is_wanted_;
  std::optional<OutputFile> file_;
};

/// Measures the constants of --method auto and keeps them.
void calibrate_here(const BenchOptions& options) {
  std::optional<Device> device;
  // What the first use of a GPU costs is paid once in a process: here.
  const double start = seconds_of([&] {
    device = pick_device(options.device, query_devices());
    if (device) job_seconds(find_method("gpu-direct"), {1}, {{1}, {1}}, device);
  });
  CostModel model = calibrate(device);
  model.set_gpu_start(start);
  for (const Processor processor : {Processor::cpu, Processor::gpu}) {
    if (processor == Processor::gpu && !device) continue;
    print("{}: {}\n", machine_name(processor, device), save_cost_model(model, processor, device));
  }
}

/// Says what is being measured, and before what takes long how long that will be.
class Narrator {
 public:
  explicit Narrator(const BenchOptions& options) {
    const bool has_terminal = ::isatty(STDERR_FILENO) != 0;
    if (options.progress.value_or(!options.quiet)) {
      bar_.emplace(!options.progress.value_or(has_terminal));
    }
  }

  void tell(const BenchStep& step) {
    if (!bar_) return;
    if (step.seconds_of_it > kLongSeconds) {
      bar_->announce(estimate_line(step.what, step.seconds_of_it));
    }
    const std::string left =
        step.seconds_left > 0 ? "; about " + duration(step.seconds_left) + " left" : "";
    bar_->show(step.what + left);
  }

 private:
  std::optional<ProgressBar> bar_;
};

int run(const BenchOptions& options) {
  if (options.calibrates) calibrate_here(options);
  const bool is_for_page = !options.report.empty() && options.sizes.empty();
  const std::string name = options.preset.empty() && is_for_page ? "page" : options.preset;
  const Preset* const preset = name.empty() ? nullptr : &find_preset(name);
  if (preset == nullptr && options.sizes.empty()) {
    if (options.calibrates) return static_cast<int>(Exit::done);
    throw UsageError("bench: nothing to measure; name a benchmark or a --size");
  }
  const std::string page_path = options.report.empty() ? "" : options.report + "/index.html";
  refuse_common_outputs(
      std::array{NamedOutput{"--json", options.json}, NamedOutput{"--report", page_path}});
  Destination json(options.json), page(page_path, true);
  Destination ladder(options.report.empty() ? "" : options.report + "/ladder.svg", true);
  Bench bench = preset != nullptr ? bench_for(*preset) : Bench{};
  bench.device = pick_device(options.device, options.device == "cpu" ? Devices{} : query_devices());
  std::string warning;
  const CostModel model = load_cost_model(bench.device, warning);
  if (!warning.empty()) print_message("warning", warning);
  bench.problems = problems_of(options, preset, bench.device);
  bench.contenders = contenders_of(options, preset, bench.device, model);
  if (options.seconds) bench.rule.seconds = *options.seconds;
  // Who is asked for takes part; of tiny sizes everybody.
  if (!options.methods.empty() || options.is_tiny) bench.field = Bench{}.field;
  bench.is_tiny = options.is_tiny;
  if (options.is_tiny) {
    bench.rule = {.warm_ups = 1, .fewest = 3, .most = 3};
    bench.retries = 0;
  }
  std::optional<Narrator> narrator(std::in_place, options);
  bench.watch = [&](const BenchStep& step) { narrator->tell(step); };
  const BenchReport report = run_bench(bench);
  narrator.reset();
  const Machine machine = this_machine(version(), bench.device);
  if (json) json.write(to_json(machine, report));
  if (page) page.write(to_html(machine, report));
  if (ladder) ladder.write(ladder_svg(machine, report));
  if (!json && !page) write_output(to_markdown(machine, report));
  return static_cast<int>(Exit::done);
}

}  // namespace

void add_bench(CLI::App& app, RunIt& run_it) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App* const command = app.add_subcommand(
      "bench", "Measure methods in memory: planned, both ears, each result checked");
  std::string names;
  for (const Preset& preset : presets()) {
    names += fmt::format("\n{}: {}", preset.name, preset.what);
  }
  command->add_option("BENCHMARK", options->preset, "Problems with a name, one of:" + names)
      ->type_name("");
  command
      ->add_option("-m,--method", options->methods, "Methods to measure (default: all; repeatable)")
      ->type_name("METHOD");
  command
      ->add_option("-s,--size", options->sizes,
                   "Problem: SAMPLESxTAPS or SAMPLESxTAPSxCLIPS (repeatable)")
      ->type_name("SIZE");
  command
      ->add_option("--problem", options->problems,
                   "Problem of BENCHMARK, by its name in the results (default: all)")
      ->type_name("PROBLEM");
  command->add_option("--device", options->device, "Processors: auto, cpu, cuda or cuda:N")
      ->type_name("DEVICE")
      ->capture_default_str();
  accept_number(command
                    ->add_option("--seconds", options->seconds,
                                 "Time for measuring one number (default: 3; page: 0.15)")
                    ->type_name("S"),
                0.001, 3600, "seconds");
  command
      ->add_option("--report", options->report,
                   "Page with figures, FOLDER/index.html, and ladder.svg (BENCHMARK: page)")
      ->type_name("FOLDER");
  command->add_option("--json", options->json, "Results as JSON; - is standard output")
      ->type_name("FILE");
  command->add_flag("--calibrate", options->calibrates,
                    "Measure first, and keep, what --method auto estimates by");
  command->add_flag("--tiny", options->is_tiny,
                    "Smoke test: tiny sizes, three runs; timings are meaningless");
  command->add_flag_function(
      "--progress,!--no-progress",
      [options](std::int64_t wanted) { options->progress = wanted > 0; },
      "Progress bar on standard error (default: on a terminal)");
  command->add_flag("-q,--quiet", options->quiet, "Only warnings and errors");
  command->callback([&run_it, options] { run_it = [options] { return run(*options); }; });
}

}  // namespace gpuconv
