// fibre.hpp - one CUDA thread as a fibre: a stack of its own, and where it has stopped
#pragma once

#include <cuda_runtime.h>
#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdint>
#include <exception>
#include <functional>
#include <new>
#include <string>

#include "tests/emulation/site.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulation {

namespace context = boost::context::detail;

// AddressSanitizer makes frames several times larger.
inline constexpr std::size_t kStackBytes = 128 * 1024;
inline constexpr std::size_t kGuardBytes = 4096;

/// Tells AddressSanitizer which stack the program is on; nothing without it.
class StackSwitch {
 public:
  void leave_to([[maybe_unused]] const void* bottom, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&fake_stack_, bottom, bytes);
#endif
  }
  void arrived([[maybe_unused]] const void** bottom, [[maybe_unused]] std::size_t* bytes) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake_stack_, bottom, bytes);
#endif
  }
  static void leave_for_ever([[maybe_unused]] const void* bottom,
                             [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(nullptr, bottom, bytes);
#endif
  }

 private:
  [[maybe_unused]] void* fake_stack_ = nullptr;
};

/// Where a thread waits for others.
struct Stop {
  enum class Kind { none, block, warp, previous };
  Kind kind = Kind::none;
  Site site;
  WarpCall call{};  // from here on: of a warp
};

/// One CUDA thread. Its stack stays from kernel to kernel.
class Fibre {
 public:
  Fibre() {
    // An overrun of the stack meets the guard page, not the neighbour's stack.
    memory_ = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    mprotect(memory_, kGuardBytes, PROT_NONE);
  }
  ~Fibre() {
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(stack(), kStackBytes);
#endif
    munmap(memory_, kGuardBytes + kStackBytes);
  }
  Fibre(const Fibre&) = delete;
  Fibre& operator=(const Fibre&) = delete;

  void start(unsigned number, uint3 index, const std::function<void()>& body) {
    number_ = number;
    index_ = index;
    stop_ = {};
    body_ = &body;
    is_done_ = false;
    has_waited_ = false;
    failure_ = nullptr;
#if defined(__SANITIZE_ADDRESS__)
    // A fibre abandoned by a fault left its frames poisoned.
    ASAN_UNPOISON_MEMORY_REGION(stack(), kStackBytes);
#endif
    context_ = context::make_fcontext(stack() + kStackBytes, kStackBytes, &Fibre::enter);
  }

  /// Runs until the next stop or the end.
  void resume() {
    threadIdx = index_;
    running_ = this;
    outside_.leave_to(stack(), kStackBytes);
    const context::transfer_t back = context::jump_fcontext(context_, this);
    outside_.arrived(nullptr, nullptr);
    context_ = back.fctx;
    running_ = nullptr;
  }

  /// Waits until proceed(). Called on the fibre's own stack, as is fail().
  void wait(const Stop& stop) {
    stop_ = stop;
    pause();
  }

  /// Ends the thread where it stands, without unwinding its stack.
  void fail(std::exception_ptr failure) {
    failure_ = failure;
    pause();
  }

  void proceed(std::uint64_t result = 0) {
    stop_ = {};
    result_ = result;
  }

  bool is_done() const { return is_done_; }
  /// Whether it has waited for the kernel before.
  bool has_waited() const { return has_waited_; }
  void set_waited() { has_waited_ = true; }
  bool can_run() const { return !is_done_ && stop_.kind == Stop::Kind::none; }
  std::exception_ptr failure() const { return failure_; }
  const Stop& stop() const { return stop_; }
  std::uint64_t result() const { return result_; }
  unsigned number() const { return number_; }
  uint3 index() const { return index_; }
  /// What it waits at, or that it has gone, for messages.
  std::string whereabouts() const;

  /// The thread that runs now, or null.
  static Fibre* running() { return running_; }

 private:
  static inline Fibre* running_ = nullptr;

  void pause() {
    inside_.leave_to(outside_bottom_, outside_bytes_);
    const context::transfer_t back = context::jump_fcontext(outside_context_, nullptr);
    inside_.arrived(&outside_bottom_, &outside_bytes_);
    outside_context_ = back.fctx;
  }

  char* stack() const { return static_cast<char*>(memory_) + kGuardBytes; }

  static void enter(context::transfer_t from) {
    Fibre* const self = static_cast<Fibre*>(from.data);
    self->inside_.arrived(&self->outside_bottom_, &self->outside_bytes_);
    self->outside_context_ = from.fctx;
    try {
      (*self->body_)();
    } catch (...) {
      self->failure_ = std::current_exception();
    }
    self->is_done_ = true;
    StackSwitch::leave_for_ever(self->outside_bottom_, self->outside_bytes_);
    context::jump_fcontext(self->outside_context_, nullptr);
  }

  void* memory_;
  context::fcontext_t context_ = nullptr;
  context::fcontext_t outside_context_ = nullptr;
  const void* outside_bottom_ = nullptr;
  std::size_t outside_bytes_ = 0;
  StackSwitch outside_;
  StackSwitch inside_;
  uint3 index_{};
  const std::function<void()>* body_ = nullptr;
  bool is_done_ = true;
  bool has_waited_ = false;
  std::exception_ptr failure_;
  Stop stop_;
  std::uint64_t result_ = 0;
  unsigned number_ = 0;
};

}  // namespace emulation
