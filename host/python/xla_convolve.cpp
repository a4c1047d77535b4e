// xla_convolve.cpp - the target "gpuconv_convolve" that gpuconv.jax calls, on a CPU
#include "host/python/xla_convolve.hpp"

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "gpuconv/plan.hpp"

namespace gpuconv::xla {
namespace {

std::int64_t product(const std::int64_t* begin, const std::int64_t* end) {
  std::int64_t all = 1;
  for (; begin != end; ++begin) all *= *begin;
  return all;
}

std::span<float> floats_of(const Buffer& buffer) {
  return {static_cast<float*>(buffer.data),
          static_cast<std::size_t>(product(buffer.dims, buffer.dims + buffer.rank))};
}

/// For each clip of `lead`, in order, its number in an array whose axes of length 1 stand for all.
std::vector<std::int64_t> numbers_of(std::span<const std::int64_t> lead, const std::int64_t* dims) {
  std::vector<std::int64_t> numbers{0};
  for (std::size_t axis = 0; axis < lead.size(); ++axis) {
    std::vector<std::int64_t> finer;
    for (const std::int64_t number : numbers) {
      for (std::int64_t i = 0; i < lead[axis]; ++i) {
        finer.push_back(number * dims[axis] + (dims[axis] == 1 ? 0 : i));
      }
    }
    numbers = std::move(finer);
  }
  return numbers;
}

std::string text_of(const Attributes& attributes, std::string_view name) {
  for (std::int64_t i = 0; i < attributes.size; ++i) {
    if (std::string_view(attributes.names[i]->data, attributes.names[i]->size) != name) continue;
    const Text& text = *static_cast<const Text*>(attributes.values[i]);
    return {text.data, text.size};
  }
  throw UsageError("gpuconv_convolve: lacks the attribute " + std::string(name));
}

/// x (..., N), response (..., 2, K), wet (..., 2, N+K-1): as many axes before them in each.
void convolve_buffers(const CallFrame& frame) {
  const Buffers& in = frame.arguments;
  if (in.size != 2 || frame.results.size != 1) {
    throw UsageError("gpuconv_convolve: needs two arguments and one result");
  }
  const auto& x = *static_cast<const Buffer*>(in.values[0]);
  const auto& response = *static_cast<const Buffer*>(in.values[1]);
  const auto& wet = *static_cast<const Buffer*>(frame.results.values[0]);
  if (x.dtype != kFloat32 || response.dtype != kFloat32 || wet.dtype != kFloat32 || x.rank < 1 ||
      response.rank != x.rank + 1 || wet.rank != x.rank + 1) {
    throw UsageError("gpuconv_convolve: needs float32 and axes that match");
  }
  const std::span lead(wet.dims, static_cast<std::size_t>(x.rank - 1));
  const auto N = static_cast<std::size_t>(x.dims[x.rank - 1]);
  const std::vector<std::int64_t> of_x = numbers_of(lead, x.dims);
  const std::vector<std::int64_t> of_response = numbers_of(lead, response.dims);
  if (of_x.empty()) return;

  const std::vector<Plan> made =
      make_plans(product(response.dims, response.dims + response.rank - 2), floats_of(response),
                 {.method = text_of(frame.attributes, "method"), .device = "cpu"});
  std::vector<const Plan*> plans;
  for (const std::int64_t number : of_response) {
    plans.push_back(&made[static_cast<std::size_t>(number)]);
  }
  const std::span<const float> samples = floats_of(x);
  if (samples.size() == of_x.size() * N) {
    convolve_clips(plans, samples, floats_of(wet));
    return;
  }
  std::vector<float> clips;
  clips.reserve(of_x.size() * N);
  for (const std::int64_t number : of_x) {
    const auto clip = samples.subspan(static_cast<std::size_t>(number) * N, N);
    clips.insert(clips.end(), clip.begin(), clip.end());
  }
  convolve_clips(plans, clips, floats_of(wet));
}

Error* error_of(const CallFrame& frame, int code, const char* message) {
  ErrorArguments arguments{sizeof(ErrorArguments), nullptr, message, code};
  return frame.api->create_error(&arguments);
}

}  // namespace

Error* convolve(CallFrame* frame) {
  if (frame->extensions != nullptr && frame->extensions->type == kMetadataExtension) {
    // XLA asks for which of its versions this was made: any that has these structures.
    Version& version = reinterpret_cast<MetadataExtension*>(frame->extensions)->metadata->version;
    version.major = frame->api->version.major;
    version.minor = frame->api->version.minor;
    return nullptr;
  }
  try {
    convolve_buffers(*frame);
    return nullptr;
  } catch (const UsageError& error) {
    return error_of(*frame, kInvalidArgument, error.what());
  } catch (const std::exception& error) {
    return error_of(*frame, kInternal, error.what());
  }
}

}  // namespace gpuconv::xla
