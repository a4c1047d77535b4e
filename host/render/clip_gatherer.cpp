#include "host/render/clip_gatherer.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <span>
#include <utility>

#include "host/base/error.hpp"
#include "host/base/stopwatch.hpp"
#include "host/base/wait_until.hpp"
#include "host/render/same_taps.hpp"

namespace gpuconv {

/// What is to be convolved with what.
struct ClipGatherer::Clip {
  Desk& desk;
  const Method& method;
  const Stereo<Signal>& response;
  std::int64_t N;  // for which it is planned
  ClipLengths lengths;
  std::int64_t samples;  // that came
};

struct ClipGatherer::Group {
  explicit Group(const Clip& clip)
      : desk(clip.desk),
        method(clip.method),
        response(clip.response),
        N(clip.N),
        layout(clip.lengths) {}

  bool is_for(const Clip& clip) const {
    return &method == &clip.method && layout.lengths() == clip.lengths &&
           has_same_taps(response, clip.response);
  }

  Desk& desk;
  const Method& method;
  const Stereo<Signal> response;
  const std::int64_t N;  // of its first clip
  ClipLayout layout;
  std::unique_ptr<ClipMemory> memory;
  std::size_t filled = 0;  // clips that stand in the memory
  std::size_t users = 0;   // threads that have not read their frames
  bool is_full = false, is_running = false, is_done = false;
  bool has_no_room = false;  // the device has too little memory for its plan
  std::exception_ptr failure;
  std::condition_variable changed;
};

struct ClipGatherer::Desk {
  struct Plan {
    const Method* method;
    Stereo<Signal> response;
    ClipLengths lengths;
    std::unique_ptr<ClipRenderer> renderer;
  };

  Desk(int index, std::size_t clips) : device(index), most_clips(clips) {}

  const int device;
  const std::size_t most_clips;  // of a group
  std::list<std::unique_ptr<ClipMemory>> free;
  std::size_t memories = 0;  // that were made
  std::size_t most_memories = kGroups;
  bool is_making_memory = false;
  std::condition_variable has_room;
  int waiting_for_room = 0;
  std::list<std::shared_ptr<Group>> open;  // the oldest first
  bool is_running = false;                 // a group of it
  std::list<Plan> plans;                   // that group's thread's; the last used first
  bool is_turn_taken = false;
  std::condition_variable has_turn;
};

class ClipGatherer::Turn {
 public:
  Turn(ClipGatherer& gatherer, Desk& desk) : gatherer_(gatherer), desk_(desk) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    const std::lock_guard lock(gatherer_.mutex_);
    desk_.is_turn_taken = false;
    desk_.has_turn.notify_one();
  }

 private:
  ClipGatherer& gatherer_;
  Desk& desk_;
};

/// Reads the whole clip, and writes its frames when its group is done.
class ClipGatherer::Gathered final : public Renderer {
 public:
  Gathered(ClipGatherer& gatherer, const Clip& clip, MakeRenderer otherwise)
      : gatherer_(gatherer), clip_(clip), otherwise_(std::move(otherwise)) {}

  RenderReport run(const ReadSource& source, const WriteWet& wet) override {
    Stopwatch reading, waiting, writing;
    const auto N = static_cast<std::size_t>(clip_.N);
    Signal samples(N + 1);
    reading.time([&] {
      std::size_t count = source(std::span(samples).first(N));
      if (count == N) count += source(std::span(samples).subspan(N));
      samples.resize(count);
    });
    // With more samples than were promised it is another source than the one planned for.
    if (samples.empty() || samples.size() > N) return run_otherwise(samples, source, wet);

    Clip clip = clip_;
    clip.samples = std::ssize(samples);
    Lock lock(gatherer_.mutex_);
    const auto group = waiting.time([&] { return gatherer_.join(clip, lock); });
    if (!group) {
      lock.unlock();
      return run_otherwise(samples, source, wet);
    }
    const std::size_t index = group->layout.places().size() - 1;
    const ClipPlace place = group->layout.places().back();
    std::optional<Member> member(std::in_place, gatherer_, *group);
    lock.unlock();
    group->memory->put(place, samples);
    lock.lock();
    ++group->filled;
    waiting.time([&] {
      gatherer_.stop_working();
      wait_until(group->changed, lock,
                 [&] { return group->is_done || gatherer_.may_start(*group); });
      if (!group->is_done) gatherer_.start(*group, lock);
      gatherer_.work_again(lock);
    });
    lock.unlock();
    if (group->has_no_room) {
      member.reset();
      return run_otherwise(samples, source, wet);
    }
    if (group->failure) std::rethrow_exception(group->failure);

    RenderReport report;
    report.source_samples = clip.samples;
    report.frames = static_cast<std::int64_t>(place.frames);
    report.device_levels = group->memory->levels(index);
    writing.time([&] { wet(group->memory->frames(place)); });
    report.stages = {
        {"read", reading.seconds()}, {"wait", waiting.seconds()}, {"write", writing.seconds()}};
    return report;
  }

 private:
  struct Member {
    Member(ClipGatherer& of, Group& joined) : gatherer(of), group(joined) {}
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    ~Member() { gatherer.leave(group); }
    ClipGatherer& gatherer;
    Group& group;
  };

  RenderReport run_otherwise(const Signal& samples, const ReadSource& source,
                             const WriteWet& wet) const {
    std::size_t used = 0;
    return otherwise_()->run(
        [&](std::span<float> block) {
          const std::size_t known = std::min(block.size(), samples.size() - used);
          std::copy_n(samples.begin() + static_cast<std::ptrdiff_t>(used), known, block.begin());
          used += known;
          return known == block.size() ? known : known + source(block.subspan(known));
        },
        wet);
  }

  ClipGatherer& gatherer_;
  Clip clip_;
  MakeRenderer otherwise_;
};

// ---- who works --------------------------------------------------------------------------------

ClipGatherer::ClipGatherer(int cores, std::size_t most_clips)
    : cores_(cores), most_clips_(most_clips) {}

ClipGatherer::~ClipGatherer() = default;

ClipGatherer::Working::Working(ClipGatherer& gatherer) : gatherer_(gatherer) {
  Lock lock(gatherer.mutex_);
  ++gatherer.beginning_;
  wait_until(gatherer.may_begin_, lock,
             [&] { return gatherer.working_ < gatherer.cores_ && gatherer.returning_ == 0; });
  --gatherer.beginning_;
  ++gatherer.working_;
  gatherer.wake();
}

ClipGatherer::Working::~Working() {
  const std::lock_guard lock(gatherer_.mutex_);
  gatherer_.stop_working();
}

void ClipGatherer::stop_working() {
  --working_;
  wake();
}

/// Before those who begin: what is written frees memory.
void ClipGatherer::work_again(Lock& lock) {
  ++returning_;
  wait_until(may_return_, lock, [&] { return working_ < cores_; });
  --returning_;
  ++working_;
  wake();
}

/// After every change: whoever may go on now, one of each kind.
void ClipGatherer::wake() {
  if (working_ < cores_) (returning_ > 0 ? may_return_ : may_begin_).notify_one();
  for (const auto& [device, desk] : desks_) {
    const auto ready = std::ranges::find_if(
        desk->open, [&](const std::shared_ptr<Group>& group) { return may_start(*group); });
    if (ready != desk->open.end()) (*ready)->changed.notify_one();
  }
}

ClipGatherer::Desk& ClipGatherer::desk_of(int device) {
  std::unique_ptr<Desk>& desk = desks_[device];
  if (!desk) desk = std::make_unique<Desk>(device, most_clips_);
  return *desk;
}

std::shared_ptr<ClipGatherer::Turn> ClipGatherer::take_turn(int device) {
  Lock lock(mutex_);
  Desk& desk = desk_of(device);
  if (desk.is_turn_taken) {
    stop_working();
    wait_until(desk.has_turn, lock, [&] { return !desk.is_turn_taken; });
    desk.is_turn_taken = true;
    work_again(lock);
  }
  desk.is_turn_taken = true;
  lock.unlock();
  return std::make_shared<Turn>(*this, desk);
}

// ---- groups -----------------------------------------------------------------------------------

std::unique_ptr<Renderer> ClipGatherer::renderer(const Method& method,
                                                 const Stereo<Signal>& response, std::int64_t N,
                                                 int device, MakeRenderer otherwise) {
  const ClipLengths lengths = clip_lengths(method, N, std::ssize(response.left)).value();
  const std::lock_guard lock(mutex_);
  return std::make_unique<Gathered>(*this, Clip{desk_of(device), method, response, N, lengths, N},
                                    std::move(otherwise));
}

ClipGatherer::Counts ClipGatherer::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

/// The group in which `clip` is now the last one; null without memory for any group.
std::shared_ptr<ClipGatherer::Group> ClipGatherer::join(const Clip& clip, Lock& lock) {
  Desk& desk = clip.desk;
  while (desk.most_memories > 0) {
    if (auto group = find_group(clip)) {
      ++group->users;
      if (group->layout.places().size() == most_clips_) group->is_full = true;
      return group;
    }
    if (!desk.free.empty()) {
      desk.open.push_back(std::make_shared<Group>(clip));
      desk.open.back()->memory = std::move(desk.free.front());
      desk.free.pop_front();
      desk.has_room.notify_all();  // others may join it
    } else if (desk.memories < desk.most_memories && !desk.is_making_memory) {
      make_memory(desk, lock);
    } else {
      wait_for_room(clip, lock);
    }
  }
  return nullptr;
}

/// An open group that has taken the clip; null if there is none.
std::shared_ptr<ClipGatherer::Group> ClipGatherer::find_group(const Clip& clip) {
  for (const std::shared_ptr<Group>& group : clip.desk.open) {
    if (group->is_full || !group->is_for(clip)) continue;
    if (group->layout.add(clip.samples)) return group;
    group->is_full = true;
    wake();
  }
  return nullptr;
}

bool ClipGatherer::can_join(const Clip& clip) const {
  return std::ranges::any_of(clip.desk.open, [&](const std::shared_ptr<Group>& group) {
    return !group->is_full && group->is_for(clip);
  });
}

void ClipGatherer::make_memory(Desk& desk, Lock& lock) const {
  desk.is_making_memory = true;
  std::unique_ptr<ClipMemory> memory;
  lock.unlock();
  try {
    memory = make_clip_memory(desk.device, desk.most_clips);
  } catch (const GpuError&) {  // those there are have to do
  } catch (...) {
    lock.lock();
    desk.is_making_memory = false;
    desk.has_room.notify_all();
    throw;
  }
  lock.lock();
  desk.is_making_memory = false;
  if (memory) {
    desk.free.push_back(std::move(memory));
    ++desk.memories;
  } else {
    desk.most_memories = desk.memories;
  }
  desk.has_room.notify_all();
}

void ClipGatherer::wait_for_room(const Clip& clip, Lock& lock) {
  Desk& desk = clip.desk;
  ++desk.waiting_for_room;
  stop_working();
  wait_until(desk.has_room, lock, [&] {
    return !desk.free.empty() || can_join(clip) || desk.most_memories == 0 ||
           (desk.memories < desk.most_memories && !desk.is_making_memory);
  });
  --desk.waiting_for_room;
  work_again(lock);
}

bool ClipGatherer::may_start(const Group& group) const {
  const Desk& desk = group.desk;
  const std::size_t clips = group.layout.places().size();
  if (group.is_running || desk.is_running || clips == 0 || group.filled < clips) return false;
  return group.is_full || has_idle_core() ||
         (desk.waiting_for_room > 0 && desk.open.front().get() == &group);
}

/// On one of its threads.
void ClipGatherer::start(Group& group, Lock& lock) {
  Desk& desk = group.desk;
  group.is_running = true;
  desk.is_running = true;
  desk.open.remove_if([&](const std::shared_ptr<Group>& one) { return one.get() == &group; });
  lock.unlock();
  try {
    convolve(group);
  } catch (...) {
    group.failure = std::current_exception();
  }
  lock.lock();
  ++counts_.groups;
  counts_.clips += group.layout.places().size();
  desk.is_running = false;
  group.is_done = true;
  group.changed.notify_all();
  wake();
}

void ClipGatherer::convolve(Group& group) {
  std::list<Desk::Plan>& plans = group.desk.plans;
  const auto found = std::ranges::find_if(plans, [&](const Desk::Plan& plan) {
    return plan.method == &group.method && plan.lengths == group.layout.lengths() &&
           has_same_taps(plan.response, group.response);
  });
  if (found != plans.end()) {
    plans.splice(plans.begin(), plans, found);
  } else {
    const auto make = [&] {
      return make_clip_renderer(group.method, group.response, group.N, group.desk.device);
    };
    std::unique_ptr<ClipRenderer> renderer;
    try {
      renderer = make();
    } catch (const GpuError&) {
      plans.clear();  // they may hold the memory that is missing
      try {
        renderer = make();
      } catch (const GpuError&) {
        group.has_no_room = true;
        return;
      }
    }
    plans.push_front({&group.method, group.response, group.layout.lengths(), std::move(renderer)});
    if (plans.size() > kPlans) plans.pop_back();
  }
  plans.front().renderer->run(*group.memory, group.layout);
}

/// The last one gives the group's memory back.
void ClipGatherer::leave(Group& group) {
  std::list<std::unique_ptr<ClipMemory>> dropped;  // outlives the lock
  const std::lock_guard lock(mutex_);
  if (--group.users > 0) return;
  Desk& desk = group.desk;
  desk.free.push_back(std::move(group.memory));
  if (group.has_no_room) desk.most_memories = 0;  // from now on clips are convolved one by one
  if (desk.most_memories == 0) dropped = drop_free(desk);
  desk.has_room.notify_all();
}

std::list<std::unique_ptr<ClipMemory>> ClipGatherer::drop_free(Desk& desk) {
  desk.memories -= desk.free.size();
  return std::exchange(desk.free, {});
}

void ClipGatherer::release(int device) {
  std::list<std::unique_ptr<ClipMemory>> dropped;  // these outlive the lock
  std::list<Desk::Plan> plans;
  const std::lock_guard lock(mutex_);
  Desk& desk = desk_of(device);
  dropped = drop_free(desk);
  if (!desk.is_running) plans.swap(desk.plans);
}

}  // namespace gpuconv
