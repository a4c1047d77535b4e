// clip_gatherer.hpp - joins the clips of several threads into groups for GPUs
//
//   thread of a job   works: reads, encodes. At most `cores` of them work at a time
//     gives a clip    joins the open group of its response, bucket and device, or opens one
//     waits           works no more, so that another thread may
//     starts          one of the threads of a group convolves for all of them
//     has frames      works again: writes them
//
// A group starts when it is full, when a core has nothing else to do, or when another group needs
// its memory. A device convolves one group at a time, so while it does, the next one fills. What is
// gathered with what changes no byte (clip_layout.hpp). Memory is bounded: each device has room for
// kGroups groups, and a thread waits for room before it joins.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>

#include "host/base/signal.hpp"
#include "host/render/clip_renderer.hpp"
#include "host/render/renderer.hpp"

namespace gpuconv {

class ClipGatherer {
 public:
  static constexpr std::size_t kMostClips = 16;  ///< of a group
  static constexpr std::size_t kGroups = 3;      ///< of a device: one fills, one runs, one is read
  static constexpr std::size_t kPlans = 4;       ///< of a device

  /// Up to `cores` threads work at a time.
  explicit ClipGatherer(int cores, std::size_t most_clips = kMostClips);
  ~ClipGatherer();

  /// While it lives, the calling thread works, but for the times in which it waits for a GPU.
  class Working {
   public:
    explicit Working(ClipGatherer& gatherer);
    Working(const Working&) = delete;
    Working& operator=(const Working&) = delete;
    ~Working();

   private:
    ClipGatherer& gatherer_;
  };

  /// Makes the renderer of a source that has more samples than promised, or no room in a group.
  using MakeRenderer = std::function<std::unique_ptr<Renderer>()>;

  /// For a clip (clip_lengths() has a value), on a thread that works. `response` outlives it.
  std::unique_ptr<Renderer> renderer(const Method& method, const Stereo<Signal>& response,
                                     std::int64_t N, int device, MakeRenderer otherwise);

  /// While it lives, nobody else has a turn on this device: for sources that take all of it. On a
  /// thread that works.
  class Turn;
  std::shared_ptr<Turn> take_turn(int device);

  /// Frees memory of the device that no group uses.
  void release(int device);

  /// Groups that were convolved, and their clips.
  struct Counts {
    std::size_t groups = 0, clips = 0;
  };
  Counts counts() const;

 private:
  struct Group;
  struct Desk;  // of a device
  class Gathered;
  struct Clip;

  using Lock = std::unique_lock<std::mutex>;
  std::shared_ptr<Group> join(const Clip& clip, Lock& lock);
  std::shared_ptr<Group> find_group(const Clip& clip);
  bool can_join(const Clip& clip) const;
  void make_memory(Desk& desk, Lock& lock) const;
  void wait_for_room(const Clip& clip, Lock& lock);
  bool may_start(const Group& group) const;
  void start(Group& group, Lock& lock);
  static void convolve(Group& group);
  void leave(Group& group);
  static std::list<std::unique_ptr<ClipMemory>> drop_free(Desk& desk);
  void stop_working();
  void work_again(Lock& lock);
  bool has_idle_core() const { return working_ < cores_ && returning_ == 0 && beginning_ == 0; }
  void wake();
  Desk& desk_of(int device);

  const int cores_;
  const std::size_t most_clips_;
  mutable std::mutex mutex_;  // of all that follows
  std::condition_variable may_return_, may_begin_;
  int working_ = 0;
  int returning_ = 0;  // threads that have frames and wait for a core
  int beginning_ = 0;  // threads that wait for a core to begin
  std::map<int, std::unique_ptr<Desk>> desks_;
  Counts counts_;
};

}  // namespace gpuconv
