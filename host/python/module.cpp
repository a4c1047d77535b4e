// module.cpp - gpuconv._gpuconv: the library for Python
//
// Shapes, dtypes and devices are the business of gpuconv/_arrays.py: what arrives here is
// contiguous float32 of the right shape. The interpreter is released while sound is computed, and
// asked for signals between blocks.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <new>
#include <vector>

#include "gpuconv/gpuconv.hpp"
#include "host/base/interrupt.hpp"
#include "host/bench/selftest.hpp"
#include "host/cli/batch.hpp"
#include "host/cli/job_options.hpp"
#include "host/cli/json_report.hpp"
#include "host/python/xla_convolve.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace gpuconv {
namespace {

using Samples = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using Wet = nb::ndarray<float, nb::c_contig, nb::device::cpu>;

std::span<const float> span_of(const Samples& samples) { return {samples.data(), samples.size()}; }
std::span<float> span_of(const Wet& wet) { return {wet.data(), wet.size()}; }

/// Throws KeyboardInterrupt after Ctrl-C.
void check_signals() {
  const nb::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

NonFinite nonfinite_of(const std::string& name) {
  if (name == "error") return NonFinite::error;
  if (name == "zero") return NonFinite::zero;
  throw UsageError("nonfinite='" + name + "': expected 'error' or 'zero'");
}

PlanOptions options_of(const std::string& method, const std::optional<std::string>& device,
                       const std::string& nonfinite) {
  return {method, device.value_or("auto"), nonfinite_of(nonfinite)};
}

nb::dict dict_of(const Report& report) {
  nb::dict dict;
  dict["method"] = report.method;
  dict["device"] = report.device;
  dict["why"] = report.why;
  dict["replaced"] = report.replaced;
  return dict;
}

/// Memory that Python frees.
nb::object array_of(Stereo<std::vector<float>> wet) {
  const std::size_t frames = wet.left.size();
  auto* const floats = new float[2 * frames];
  const nb::capsule owner(floats,
                          [](void* memory) noexcept { delete[] static_cast<float*>(memory); });
  std::copy(wet.left.begin(), wet.left.end(), floats);
  std::copy(wet.right.begin(), wet.right.end(), floats + frames);
  return nb::cast(nb::ndarray<nb::numpy, float>(floats, {2, frames}, owner));
}

nb::list make_plans_of(const Samples& taps, const std::string& method,
                       const std::optional<std::string>& device, const std::string& nonfinite) {
  std::vector<Plan> plans = make_plans(static_cast<std::int64_t>(taps.shape(0)), span_of(taps),
                                       options_of(method, device, nonfinite));
  nb::list list;
  for (Plan& plan : plans) list.append(nb::cast(std::move(plan)));
  return list;
}

nb::dict convolve_planned(const std::vector<const Plan*>& plans, const Samples& x, const Wet& out) {
  Report report;
  {
    const nb::gil_scoped_release release;
    report = convolve_clips(plans, span_of(x), span_of(out), check_signals);
  }
  return dict_of(report);
}

nb::dict mix_planned(const std::vector<const Plan*>& plans, const Samples& x, const Wet& out) {
  Report report;
  {
    const nb::gil_scoped_release release;
    report = convolve_voices(plans, span_of(x), span_of(out), check_signals);
  }
  return dict_of(report);
}

using OnDevice = nb::ndarray<const float, nb::c_contig, nb::device::cuda>;
using WetOnDevice = nb::ndarray<float, nb::c_contig, nb::device::cuda>;

/// Clip after clip in the caller's stream. Untested on a GPU until one has run it.
void enqueue(const std::vector<const Plan*>& plans, const OnDevice& x, const WetOnDevice& out,
             std::uintptr_t stream) {
  const nb::gil_scoped_release release;
  if (plans.empty()) return;
  const std::size_t N = x.size() / plans.size();
  const std::size_t frames = out.size() / plans.size() / 2;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const std::span<float> both{out.data() + i * 2 * frames, 2 * frames};
    plans[i]->enqueue({x.data() + i * N, N}, {both.first(frames), both.last(frames)},
                      reinterpret_cast<void*>(stream));
  }
}

nb::object push(PlanStream& stream, const Samples& x) {
  Stereo<std::vector<float>> wet;
  {
    const nb::gil_scoped_release release;
    wet = stream.push(span_of(x));
  }
  return array_of(std::move(wet));
}

nb::object finish(PlanStream& stream) {
  Stereo<std::vector<float>> wet;
  {
    const nb::gil_scoped_release release;
    wet = stream.finish();
  }
  return array_of(std::move(wet));
}

// ---- files ------------------------------------------------------------------------------------

Job job_of(const std::vector<std::string>& options) { return job_options_of(options).job; }

/// Between blocks: after Ctrl-C throws KeyboardInterrupt, and tells `progress`, if it is not None.
WatchProgress watch_of(const nb::object& progress) {
  PyObject* const callable = progress.is_none() ? nullptr : progress.ptr();
  return [callable](const Progress& so_far) {
    const nb::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    if (callable == nullptr) return;
    nb::dict dict;
    dict["samples"] = so_far.samples;
    dict["all_samples"] = so_far.all_samples;
    dict["rate"] = so_far.rate;
    const nb::handle teller(callable);
    teller(dict);
  };
}

std::string render(const std::string& input, const std::string& response, const std::string& output,
                   const std::vector<std::string>& options, bool dry_run,
                   const nb::object& progress) {
  Job job = job_of(options);
  job.input = input;
  job.response = response;
  job.output = output;
  job.watch = watch_of(progress);
  const nb::gil_scoped_release release;
  return json_of(job, dry_run ? check_job(job) : run_job(job));
}

void batch(const std::vector<std::string>& arguments, const nb::callable& tell,
           const nb::callable& warn) {
  PyObject* const told = tell.ptr();
  PyObject* const warned = warn.ptr();
  const auto say = [told](const ListedJob& job, const char* status, const std::string& words) {
    const nb::gil_scoped_acquire gil;
    const nb::handle teller(told);
    teller(job.line, std::string(job.input), std::string(job.response), std::string(job.output),
           status, words);
  };
  const BatchWatch watch{
      .done = [&](const ListedJob& job, const std::string& json) { say(job, "done", json); },
      .complete = [&](const ListedJob& job) { say(job, "complete", ""); },
      .failed = [&](const ListedJob& job, const std::string& words) { say(job, "failed", words); },
      .warning =
          [warned](const std::string& words) {
            const nb::gil_scoped_acquire gil;
            const nb::handle teller(warned);
            teller(words);
          },
      .tick = check_signals};
  const nb::gil_scoped_release release;
  run_batch(arguments, watch);
}

nb::tuple open_response_of(const std::string& path, const std::vector<std::string>& options,
                           int rate) {
  const ResponseOptions choices = job_of(options).response_options;
  Response response;
  {
    const nb::gil_scoped_release release;
    response = open_response(path, choices, rate);
  }
  return nb::make_tuple(array_of(std::move(response.taps)), response.rate, response.latency_frames,
                        response.description, response.warnings, response.repairs.replaced);
}

nb::list list_methods() {
  nb::list list;
  for (const Method& method : methods()) {
    nb::dict dict;
    dict["name"] = std::string(method.name);
    dict["processor"] = method.processor == Processor::cpu ? "cpu" : "gpu";
    dict["idea"] = std::string(method.idea);
    dict["complexity"] = std::string(method.complexity);
    list.append(dict);
  }
  return list;
}

nb::list test_methods() {
  const Devices devices = query_devices();
  nb::list list;
  for (const Method& method : methods()) {
    const SelfTest test =
        selftest(method, devices.list.empty() ? std::nullopt : std::optional(devices.list.front()),
                 devices.why_none, make_renderer);
    nb::dict dict;
    dict["method"] = std::string(method.name);
    dict["problems"] = test.problems;
    dict["error"] = test.error;
    dict["bound"] = test.bound;
    dict["not_here"] = test.not_here;
    dict["failure"] = test.failure;
    list.append(dict);
  }
  return list;
}

// ---- errors -----------------------------------------------------------------------------------

struct Exceptions {
  PyObject* base;
  PyObject* usage;
  PyObject* file;
  PyObject* gpu;
};
Exceptions exceptions;

PyObject* add_exception(nb::module_& module, const char* name, const char* words, PyObject* base,
                        PyObject* python) {
  const nb::object bases = python == nullptr
                               ? nb::borrow(PyExc_Exception)
                               : nb::object(nb::make_tuple(nb::borrow(base), nb::borrow(python)));
  const std::string full = std::string("gpuconv.") + name;
  PyObject* const made = PyErr_NewExceptionWithDoc(full.c_str(), words, bases.ptr(), nullptr);
  module.attr(name) = nb::borrow(made);
  return made;
}

/// Options are arguments here: "--method gpu" becomes "method gpu".
std::string without_dashes(const std::string& message) {
  std::string words;
  for (std::size_t i = 0; i < message.size(); ++i) {
    const bool starts = i == 0 || message[i - 1] == ' ' || message[i - 1] == '(';
    if (starts && message.compare(i, 2, "--") == 0)
      ++i;
    else
      words += message[i];
  }
  return words;
}

void translate(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const UsageError& error) {
    PyErr_SetString(exceptions.usage, without_dashes(error.what()).c_str());
  } catch (const FileError& error) {
    PyErr_SetString(exceptions.file, without_dashes(error.what()).c_str());
  } catch (const GpuError& error) {
    PyErr_SetString(exceptions.gpu, without_dashes(error.what()).c_str());
  } catch (const Interrupted&) {
    PyErr_SetNone(PyExc_KeyboardInterrupt);
  }
}

}  // namespace
}  // namespace gpuconv

NB_MODULE(_gpuconv, module) {
  using namespace gpuconv;
  module.attr("__version__") = library_version();
  exceptions.base =
      add_exception(module, "Error", "What gpuconv rejects or cannot do.", nullptr, nullptr);
  exceptions.usage = add_exception(module, "UsageError",
                                   "An argument that does not exist or does not fit: a ValueError.",
                                   exceptions.base, PyExc_ValueError);
  exceptions.file = add_exception(
      module, "FileError",
      "A file that is missing, malformed or cannot be written: an OSError that names it.",
      exceptions.base, PyExc_OSError);
  exceptions.gpu =
      add_exception(module, "GpuError", "No GPU, no driver, or not enough memory: a RuntimeError.",
                    exceptions.base, PyExc_RuntimeError);
  nb::register_exception_translator(translate);

  nb::class_<Plan>(module, "Plan")
      .def_prop_ro("taps", &Plan::taps)
      .def(
          "choice",
          [](const Plan& plan, std::int64_t samples) { return dict_of(plan.choice(samples)); },
          "samples"_a)
      .def("device", &Plan::device)
      .def("stream", &Plan::stream);
  nb::class_<PlanStream>(module, "Stream")
      .def("push", push, "x"_a.noconvert())
      .def("finish", finish);
  module.def("make_plans", make_plans_of, "taps"_a.noconvert(), "method"_a, "device"_a.none(),
             "nonfinite"_a);
  module.def("enqueue", enqueue, "plans"_a, "x"_a.noconvert(), "out"_a.noconvert(), "stream"_a);
  module.def("xla_convolve", [] { return nb::capsule(reinterpret_cast<void*>(&xla::convolve)); });
  module.def("render", render, "input"_a, "response"_a, "output"_a, "options"_a, "dry_run"_a,
             "progress"_a.none());
  module.def("batch", batch, "arguments"_a, "tell"_a, "warn"_a);
  module.def("open_response", open_response_of, "path"_a, "options"_a, "rate"_a);
  module.def("methods", list_methods);
  module.def("selftest", test_methods);
  module.def("convolve", convolve_planned, "plans"_a, "x"_a.noconvert(), "out"_a.noconvert());
  module.def("mix", mix_planned, "plans"_a, "x"_a.noconvert(), "out"_a.noconvert());
}
