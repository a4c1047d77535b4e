#include "host/batch/results.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "host/base/error.hpp"
#include "host/base/hash.hpp"
#include "host/base/levels.hpp"
#include "host/files/file_descriptor.hpp"
#include "host/files/location.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kBegin = R"({"id":)";  // of every line

Json head_of(const ListedJob& listed, const char* status) {
  std::string id(listed.id);
  if (id.empty()) {
    const std::filesystem::path name(listed.name);
    id = (name.parent_path() / name.stem()).string();
  }
  Json json{{"id", id},
            {"line", listed.line},
            {"input", listed.input},
            {"output", listed.output},
            {"status", status}};
  if (!listed.extra.empty()) json["extra"] = Json::parse(listed.extra);
  return json;
}

/// JSON knows no infinity.
Json decibels(double level) {
  const double value = dbfs(level);
  if (!std::isfinite(value)) return nullptr;
  return std::round(100 * value) / 100;
}

std::string hash_of_file(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return "";
  RunningHash hash;
  std::vector<std::byte> bytes(std::size_t{1} << 20);
  for (;;) {
    const ssize_t count = ::read(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return "";
    if (count == 0) break;
    hash.add(std::span<const std::byte>(bytes).first(static_cast<std::size_t>(count)));
  }
  return fmt::format("{:016x}", hash.value());
}

}  // namespace

std::string line_of_json(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string results_of(const std::string& folder, const Shard& shard) {
  return shard.is_all()
             ? folder + "/results.jsonl"
             : fmt::format("{}/results.{}-of-{}.jsonl", folder, shard.index, shard.count);
}

std::string FileHashes::operator()(const std::string& path) {
  const auto status = status_of(path);
  if (!status || !S_ISREG(status->st_mode)) return "";
  const std::string key = fmt::format("{} {} {}.{:09}", path, status->st_size,
                                      status->st_mtim.tv_sec, status->st_mtim.tv_nsec);
  std::promise<std::string> promise;
  {
    std::unique_lock lock(mutex_);
    if (const auto known = known_.find(key); known != known_.end()) {
      const std::shared_future<std::string> future = known->second;
      lock.unlock();
      return future.get();
    }
    known_.emplace(key, promise.get_future().share());
  }
  try {
    std::string hash = hash_of_file(path);
    promise.set_value(hash);
    return hash;
  } catch (...) {  // no memory
    promise.set_exception(std::current_exception());
    throw;
  }
}

std::string done_result(const ListedJob& listed, const Job& job, const JobReport& report,
                        const std::string& response_hash) {
  const WriteReport& written = *report.written;
  Json json = head_of(listed, "done");
  json["frames"] = written.frames;
  json["rate"] = report.source.rate;
  if (job.output_rate) json["output_rate"] = *job.output_rate;
  json["samples"] = report.source.samples;
  json["response"] = listed.response;
  json["response_xxh64"] = response_hash.empty() ? Json(nullptr) : Json(response_hash);
  json["response_rate"] = report.response.file_rate;
  json["taps"] = report.response.taps;
  if (const auto& direction = report.response.direction) {
    json["azimuth"] = std::round(100 * direction->azimuth) / 100 + 0.0;  // not -0
    json["elevation"] = std::round(100 * direction->elevation) / 100 + 0.0;
  }
  if (listed.channel) json["channel"] = *listed.channel;
  if (listed.offset) json["offset"] = *listed.offset;
  json["gain_db"] = job.mix.gain_db;
  if (report.level_gain_db) json["level_gain_db"] = *report.level_gain_db;
  if (job.drawn) {
    json["seed"] = job.drawn->seed;
    json["copy"] = job.drawn->copy;
    if (job.drawn->measurement) json["measurement"] = *job.drawn->measurement;
  }
  if (job.noise) {
    json["noise"] = job.noise->file;
    json["snr_db"] = job.noise->snr_db;
    if (report.noise) {
      json["noise_start_s"] = report.noise->start_seconds;
      const auto& gain = report.noise->gain_db;  // absent: the wet sound is silent, none was added
      json["noise_gain_db"] = gain ? Json(std::round(100 * *gain) / 100) : Json(nullptr);
    }
  }
  for (const StretchOutput& one : job.stretches) {
    json[std::string(name(one.stretch)) + "_output"] = stretch_output(job.output, one.stretch);
  }
  json["peak_left_dbfs"] = decibels(written.levels.left.peak);
  json["peak_right_dbfs"] = decibels(written.levels.right.peak);
  json["clipped"] = clipped_samples(report);
  const Repairs& repairs = report.source.repairs;
  if (!repairs.shortfall.empty()) json["shortfall"] = repairs.shortfall;
  if (repairs.replaced > 0) json["replaced"] = repairs.replaced;
  json["method"] = report.choice.method->name;
  json["seconds"] = report.seconds;
  return line_of_json(json);
}

std::string failed_result(const ListedJob& listed, const std::string& error) {
  Json json = head_of(listed, "failed");
  json["error"] = error;
  return line_of_json(json);
}

std::string complete_result(const ListedJob& listed) {
  return line_of_json(head_of(listed, "done"));
}

void check_results(const std::string& path) {
  const auto status = status_of(path);
  if (!status) return;
  std::array<char, kBegin.size()> begin{};
  std::ifstream file(path, std::ios::binary);
  file.read(begin.data(), begin.size());
  const bool is_ours = S_ISREG(status->st_mode) && file.gcount() == std::ssize(begin) &&
                       std::string_view(begin.data(), begin.size()) == kBegin;
  if (!is_ours) {
    throw FileError(path, "is in the way of the results and holds something else; move it away");
  }
}

void write_results(const std::string& path, std::size_t count,
                   const std::function<std::string(std::size_t)>& result) {
  constexpr std::size_t kPortion = 1 << 16;
  OutputFile file(path, OutputOptions{});
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += result(i);
    text += '\n';
    if (text.size() < kPortion && i + 1 < count) continue;
    file.write(std::as_bytes(std::span(text)));
    text.clear();
  }
  file.sync();
  file.publish();
}

std::string as_listed(const ListedJob& listed, const std::string& result) {
  Json json = Json::parse(result, nullptr, false);
  if (!json.is_object()) return result;
  json.erase("extra");
  const auto status = json.find("status");
  const bool is_done = status == json.end() || *status == "done";
  const Json head = head_of(listed, is_done ? "done" : "failed");
  for (const auto& [key, value] : head.items()) json[key] = value;
  return line_of_json(json);
}

std::uint64_t hash_of_jobs(const BatchJobs& jobs) {
  RunningHash hash;
  for (const ListedJob& job : jobs.list) {
    std::string choices = choices_of(job);
    if (!jobs.drawn.empty()) choices += "\n" + choices_of(jobs.drawn[job.position]);
    for (const std::string_view text :
         {job.input, job.response, job.name, std::string_view(choices)}) {
      hash.add(text);
      hash.add(std::string_view("\n"));
    }
  }
  return hash.value();
}

}  // namespace gpuconv
