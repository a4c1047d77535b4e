// calls.cpp - the log of runtime calls, their errors, and the plan that makes one of them fail
#include "tests/emulation/calls.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "tests/emulation/emulation.hpp"

namespace emulation {
namespace {

#define GPUCONV_EMULATED_NAME(name) #name,
constexpr const char* kNames[] = {GPUCONV_EMULATED_CALLS(GPUCONV_EMULATED_NAME)};
#undef GPUCONV_EMULATED_NAME

struct Plan {
  int call = 0;  // none if 0
  int code = 0;
  bool is_persistent = false;
};

/// GPUCONV_EMULATED_FAIL=n:code[:persistent]
Plan plan_from_environment() {
  const char* const text = std::getenv("GPUCONV_EMULATED_FAIL");
  if (text == nullptr) return {};
  Plan plan;
  int end = 0;
  if (std::sscanf(text, "%d:%d%n", &plan.call, &plan.code, &end) == 2 && plan.call > 0) {
    const std::string rest = text + end;
    plan.is_persistent = rest == ":persistent";
    if (rest.empty() || plan.is_persistent) return plan;
  }
  throw std::invalid_argument("GPUCONV_EMULATED_FAIL=" + std::string(text) +
                              ": expected n:code or n:code:persistent");
}

struct State {
  std::vector<std::string> log;
  Plan plan = plan_from_environment();
  int calls_of_plan = 0;
  bool has_failed = false;
  cudaError_t sticky = cudaSuccess;
  std::string sentence;
};

State& state() {
  static State state;
  return state;
}

std::recursive_mutex& runtime_lock() {
  static std::recursive_mutex mutex;
  return mutex;
}

thread_local cudaError_t last_error = cudaSuccess;

/// Errors after which only a new process helps.
bool is_sticky(int code) {
  return code == cudaErrorEccUncorrectable || (code >= 700 && code < 720);
}

struct ErrorText {
  cudaError_t code;
  const char* name;
  const char* sentence;
};
constexpr ErrorText kErrors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
     "invalid configuration argument"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorEccUncorrectable, "cudaErrorECCUncorrectable", "uncorrectable ECC error encountered"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorIllegalState, "cudaErrorIllegalState",
     "the operation cannot be performed in the present state"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress",
     "an illegal memory access was encountered"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
    {cudaErrorStreamCaptureMerge, "cudaErrorStreamCaptureMerge",
     "operation would result in a merge of separate capture sequences"},
    {cudaErrorStreamCaptureUnmatched, "cudaErrorStreamCaptureUnmatched",
     "capture was not ended in the same stream as it began"},
    {cudaErrorStreamCaptureUnjoined, "cudaErrorStreamCaptureUnjoined",
     "capturing stream has unjoined work"},
    {cudaErrorStreamCaptureIsolation, "cudaErrorStreamCaptureIsolation",
     "dependency created on uncaptured work in another stream"},
    {cudaErrorCapturedEvent, "cudaErrorCapturedEvent",
     "operation not permitted on an event last recorded in a capturing stream"},
    {cudaErrorStreamCaptureWrongThread, "cudaErrorStreamCaptureWrongThread",
     "attempt to terminate a thread-local capture sequence from another thread"},
};

}  // namespace

void hang_if_planned() {
  while (std::getenv("GPUCONV_EMULATED_HANG") != nullptr) ::pause();
}

Entry::Entry(Function function) : lock_(runtime_lock()), error_(state().sticky) {
  State& all = state();
  all.log.push_back(kNames[static_cast<int>(function)]);
  ++all.calls_of_plan;
  const Plan& plan = all.plan;
  const bool is_due = plan.call > 0 && (plan.is_persistent ? all.calls_of_plan >= plan.call
                                                           : all.calls_of_plan == plan.call);
  if (is_due && error_ == cudaSuccess) {
    all.has_failed = true;
    error_ = static_cast<cudaError_t>(plan.code);
    if (is_sticky(plan.code)) lose_device(error_, "planned to fail in " + all.log.back());
  }
  if (error_ != cudaSuccess) last_error = error_;
}

cudaError_t leave(cudaError_t outcome) {
  if (state().sticky != cudaSuccess) outcome = state().sticky;
  if (outcome != cudaSuccess) last_error = outcome;
  return outcome;
}

void lose_device(cudaError_t error, const std::string& sentence) {
  state().sticky = error;
  state().sentence = sentence;
}

bool is_device_lost() { return state().sticky != cudaSuccess; }

const std::vector<std::string>& calls() { return state().log; }
void forget_calls() { state().log.clear(); }
const std::string& last_fault() { return state().sentence; }

void fail_call(int n, int code, Failing failing) {
  const std::lock_guard lock(runtime_lock());
  state().plan = {n, code, failing == Failing::persistent};
  state().calls_of_plan = 0;
  state().has_failed = false;
}
void fail_no_call() { state().plan = {}; }
bool has_failed_as_planned() { return state().has_failed; }

void forget_errors() {
  state().sticky = last_error = cudaSuccess;
  state().sentence.clear();
}

}  // namespace emulation

const char* cudaGetErrorName(cudaError_t error) {
  for (const auto& text : emulation::kErrors) {
    if (text.code == error) return text.name;
  }
  return "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  const std::lock_guard lock(emulation::runtime_lock());
  const auto& state = emulation::state();
  if (error == state.sticky && !state.sentence.empty()) return state.sentence.c_str();
  for (const auto& text : emulation::kErrors) {
    if (text.code == error) return text.sentence;
  }
  return "unrecognized error code";
}

cudaError_t cudaGetLastError() {
  const cudaError_t error = cudaPeekAtLastError();
  emulation::last_error = cudaSuccess;
  return error;
}

cudaError_t cudaPeekAtLastError() {
  const std::lock_guard lock(emulation::runtime_lock());
  const cudaError_t sticky = emulation::state().sticky;
  return sticky != cudaSuccess ? sticky : emulation::last_error;
}
