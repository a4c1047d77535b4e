// emulation.hpp - what tests can ask of the emulated CUDA runtime
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace emulation {

// ---------------------------------------------------------------------------------- what happened

enum class Work { kernel, upload, download, copy, fill, record, wait, host_function };

/// One segment of queued work that was executed.
struct Executed {
  int number;  ///< position in the order of execution
  int stream;  ///< number of its stream
  Work work;
  std::vector<int> depends_on;  ///< numbers of the work it had to follow
};

/// Everything executed since the last forget(), in order.
const std::vector<Executed>& schedule();

/// Names of all runtime calls since the last forget(), in order.
const std::vector<std::string>& calls();

/// Names of the NVTX ranges opened since the last forget(), as "domain/name", in order.
std::vector<std::string> ranges();

/// Barriers that whole blocks have passed since the last forget().
std::int64_t barriers();

/// Threads that kernels have started since the last forget().
std::int64_t threads();

void forget();

/// What the last faulting kernel did wrong; empty when none did.
const std::string& last_fault();

/// Ends the sticky error state that a faulting kernel leaves. A real device needs a new process.
void recover();

/// Allocations of device and pinned memory, streams, events and graphs (executable ones count, too)
/// that are alive.
std::size_t live_allocations();
std::size_t live_streams();
std::size_t live_events();
std::size_t live_graphs();

// ---------------------------------------------------------------------------------- what varies

/// Order of the blocks of a launch and of the threads of a block, as GPUCONV_EMULATED_ORDER:
///   forward, reverse   by number
///   random:SEED        anew after each barrier
///   warp, warp:SEED    one warp as far as it can go, to its barrier or its end, then the next;
///                      warps by number, or in a random order that is new after each barrier
void set_order(const std::string& order);

/// When queued work is done, as GPUCONV_EMULATED_STREAMS:
///   lazy         as late as possible: only what somebody waits for
///   eager        at once
///   random:SEED  when somebody waits, work of all streams at random until that is reached
void set_streams(const std::string& streams);

/// Number of devices, as GPUCONV_EMULATED_DEVICES.
void set_devices(int count);

/// Memory of a device (4 GiB unless told), as GPUCONV_EMULATED_MEMORY; shared memory that a block
/// of it can have (227 KiB unless told), as GPUCONV_EMULATED_SHARED; its L2 cache (1 MiB unless
/// told). All in bytes.
void set_device_bytes(std::size_t bytes);
void set_shared_bytes(std::size_t bytes);
void set_l2_cache_bytes(std::size_t bytes);

/// Multiprocessors of a device: 1 unless told.
void set_multiprocessors(int count);

/// Number and sizes of devices are what the environment says, or as at first, again.
void restore_device();

// ---------------------------------------------------------------------------------- what fails

enum class Failing { once, persistent };

// GPUCONV_EMULATED_HANG=1: waits for a stream or an event never end.
// GPUCONV_EMULATED_DAMAGE=n: one bit of the n-th copy from a device is wrong, and nobody says so.

/// Makes the n-th runtime call from now (the first is 1) return `code`, and with `persistent` all
/// after it, too. As GPUCONV_EMULATED_FAIL=n:code[:persistent], which counts from the start.
void fail_call(int n, int code, Failing failing = Failing::once);
void fail_no_call();

/// Whether a call has failed as fail_call() wanted.
bool has_failed_as_planned();

}  // namespace emulation
