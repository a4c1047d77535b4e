// device_clock.hpp - seconds on a GPU, taken with events, so that gaps between launches count
#pragma once

#include <memory>

#include "cuda/runtime/resources.hpp"
#include "host/bench/contender.hpp"

namespace gpuconv {

/// Something that is queued in a stream, with its inputs on the device.
class DeviceWork {
 public:
  virtual ~DeviceWork() = default;
  /// Queues all clips and both ears: after what is in `stream`, before what comes there later.
  virtual void enqueue(const Stream& stream) = 0;
  /// The wet signals of all clips, one after another, of a run over memory full of NaN.
  virtual Stereo<Signal> wet(const Stream& stream) = 0;
  virtual Traffic traffic() const { return {}; }
};

/// Its times are those between two events in a stream of its own. Every run is queued after a long
/// read of memory that nobody else uses, larger than any second-level cache: while it lasts the
/// host queues what is timed, so that no launch waits for the host, and it leaves nothing in the
/// cache that the run could use or would have to write back. That is a cold run; before a warm one
/// the work is done once more, not timed, unless it takes so long that no cache remembers it.
std::unique_ptr<TimedPlan> time_on_device(std::unique_ptr<DeviceWork> work);

/// Queues a NaN into every element of `floats`.
void poison(std::span<float> floats, const Stream& stream);

}  // namespace gpuconv
