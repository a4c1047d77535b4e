// watchdog.hpp - a GPU that does not answer
//
// A wait for a kernel that never ends, or for a driver that hangs, cannot be broken off: memory
// and streams could not be freed either. So the process ends, and the driver frees the device.
#pragma once

namespace gpuconv {

/// From now on a wait for the GPU that takes `seconds` of running time ends the process with one
/// line on standard error and exit code 3; temporary files are removed. 0: waits may take any time.
/// Time in which the process is stopped or the machine sleeps does not count. Several threads may
/// wait at the same time.
void watch_gpu(int seconds);

}  // namespace gpuconv
