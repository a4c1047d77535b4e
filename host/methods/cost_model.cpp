#include "host/methods/cost_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>

#include "host/base/error.hpp"
#include "host/base/parallel.hpp"
#include "host/files/output_file.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;  // of the file

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    return line.substr(std::min(line.size(), line.find(':') + 2));
  }
  return "unknown processor";
}

double positive(const Json& json, const char* name) {
  const double value = json.at(name).get<double>();
  if (!(value > 0) || !std::isfinite(value)) {
    throw std::runtime_error(fmt::format("\"{}\" is {}, not a positive number", name, value));
  }
  return value;
}

}  // namespace

double job_bytes(double N, double K) { return 4 * N + 8 * (N + K - 1); }

double job_operations(const Method& method, double N, double K) {
  return method.work == nullptr ? method.operations(N, K) : method.work(N, K);
}

double CostModel::seconds(const Method& method, std::int64_t N, std::int64_t K,
                          const std::optional<Device>& device) const {
  const Speed speed = this->speed(method);
  const auto n = static_cast<double>(N);
  const auto k = static_cast<double>(K);
  const bool is_gpu = method.processor == Processor::gpu;
  if (is_gpu && (!device || K > method.longest_response)) {
    return std::numeric_limits<double>::infinity();
  }
  const double rate = speed.rate * (is_gpu ? device->peak_flops : 1);
  const double blocks = method.blocks == nullptr ? 1 : method.blocks(n, k);
  return (is_gpu ? gpu_start_ : 0) + blocks * speed.launch + job_bytes(n, k) / speed.bandwidth +
         job_operations(method, n, k) / rate;
}

Speed CostModel::speed(const Method& method) const {
  const auto measured = speeds_.find(method.name);
  return measured == speeds_.end() ? method.speed : measured->second;
}

void CostModel::set_speed(const Method& method, const Speed& speed) {
  speeds_[method.name] = speed;
}

bool CostModel::is_calibrated(Processor processor) const {
  return std::ranges::any_of(
      speeds_, [&](const auto& entry) { return find_method(entry.first).processor == processor; });
}

std::string CostModel::to_json(Processor processor, const std::string& machine) const {
  Json json{{"gpuconv_calibration", kVersion}, {"machine", machine}};
  if (processor == Processor::gpu) json["gpu_start"] = gpu_start_;
  json["speeds"] = Json::object();
  for (const Method& method : methods()) {
    const auto measured = speeds_.find(method.name);
    if (method.processor != processor || measured == speeds_.end()) continue;
    const Speed& speed = measured->second;
    json["speeds"][std::string(method.name)] = {
        {"rate", speed.rate}, {"bandwidth", speed.bandwidth}, {"launch", speed.launch}};
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void CostModel::read_json(const std::string& text, const std::string& machine) {
  try {
    const Json json = Json::parse(text);
    if (json.at("gpuconv_calibration").get<int>() != kVersion) {
      throw std::runtime_error("written by another version");
    }
    if (json.at("machine").get<std::string>() != machine) {
      throw std::runtime_error("of another machine: " + json.at("machine").get<std::string>());
    }
    CostModel read = *this;  // all of it or nothing
    if (json.contains("gpu_start")) read.gpu_start_ = positive(json, "gpu_start");
    for (const Method& method : methods()) {
      const auto entry = json.at("speeds").find(std::string(method.name));
      if (entry == json.at("speeds").end()) continue;
      read.set_speed(method, {positive(*entry, "rate"), positive(*entry, "bandwidth"),
                              positive(*entry, "launch")});
    }
    *this = read;
  } catch (const Json::exception& error) {
    throw std::runtime_error(error.what());
  }
}

std::string machine_name(Processor processor, const std::optional<Device>& device) {
  if (processor == Processor::gpu) return device.value().name;
  return fmt::format("{}, {} threads", cpu_name(), core_count());
}

std::string calibration_file(const std::string& machine) {
  std::filesystem::path folder;
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  const char* const home = std::getenv("HOME");
  if (cache != nullptr && cache[0] == '/') {  // relative ones are to be ignored, says XDG
    folder = cache;
  } else if (home != nullptr && home[0] == '/') {
    folder = std::filesystem::path(home) / ".cache";
  } else {
    return "";
  }
  std::string slug;
  for (const char c : machine) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      slug += c;
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  return folder / "gpuconv" / fmt::format("speeds-{}.json", slug);
}

CostModel load_cost_model(const std::optional<Device>& device, std::string& warning) {
  CostModel model;
  for (const Processor processor : {Processor::cpu, Processor::gpu}) {
    if (processor == Processor::gpu && !device) continue;
    const std::string machine = machine_name(processor, device);
    const std::string path = calibration_file(machine);
    if (path.empty()) continue;
    std::ifstream file(path, std::ios::binary);
    if (!file) continue;  // not calibrated
    try {
      model.read_json({std::istreambuf_iterator<char>(file), {}}, machine);
    } catch (const std::exception& error) {
      warning = fmt::format("{}: not used: {}; gpuconv bench --calibrate writes it anew", path,
                            error.what());
    }
  }
  return model;
}

std::string save_cost_model(const CostModel& model, Processor processor,
                            const std::optional<Device>& device) {
  const std::string machine = machine_name(processor, device);
  const std::string path = calibration_file(machine);
  if (path.empty()) {
    throw UsageError("--calibrate: neither XDG_CACHE_HOME nor HOME names a folder to keep it in");
  }
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (error) throw FileError(path, "its folder cannot be made: " + error.message());
  OutputFile file(path, OutputOptions{false, {}});
  const std::string text = model.to_json(processor, machine);
  file.write(std::as_bytes(std::span(text)));
  file.publish();
  return path;
}

}  // namespace gpuconv
