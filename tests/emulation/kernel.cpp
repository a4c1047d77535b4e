#include "tests/emulation/kernel.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <boost/context/detail/fcontext.hpp>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulation {
namespace {

namespace context = boost::context::detail;

constexpr std::size_t kStackBytes =
    128 * 1024;  // AddressSanitizer makes frames several times larger
constexpr std::size_t kGuardBytes = 4096;

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

struct Site {
  const char* file = nullptr;
  int line = 0;
  bool operator==(const Site& other) const {
    return line == other.line && std::strcmp(file, other.file) == 0;
  }
  std::string text() const { return std::string(file) + ":" + std::to_string(line); }
};

std::string text(uint3 index) {
  return "(" + std::to_string(index.x) + "," + std::to_string(index.y) + "," +
         std::to_string(index.z) + ")";
}

/// One CUDA thread.
class Fibre {
 public:
  Fibre() {
    // An overrun of the stack meets the guard page, not the neighbour's stack.
    memory_ = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    mprotect(memory_, kGuardBytes, PROT_NONE);
  }
  ~Fibre() { munmap(memory_, kGuardBytes + kStackBytes); }
  Fibre(const Fibre&) = delete;
  Fibre& operator=(const Fibre&) = delete;

  void start(uint3 index, const std::function<void()>& body) {
    index_ = index;
    body_ = &body;
    is_done_ = false;
    failure_ = nullptr;
#if defined(__SANITIZE_ADDRESS__)
    // A fibre abandoned by a fault left its frames poisoned.
    ASAN_UNPOISON_MEMORY_REGION(stack(), kStackBytes);
#endif
    context_ = context::make_fcontext(stack() + kStackBytes, kStackBytes, &Fibre::enter);
  }

  /// Runs until the next barrier or the end.
  void resume() {
    threadIdx = index_;
    running_ = this;
    outside_.leave_to(stack(), kStackBytes);
    const context::transfer_t back = context::jump_fcontext(context_, this);
    outside_.arrived(nullptr, nullptr);
    context_ = back.fctx;
    running_ = nullptr;
  }

  /// Called on the fibre's own stack.
  void pause(Site site) {
    waits_at_ = site;
    inside_.leave_to(outside_bottom_, outside_bytes_);
    const context::transfer_t back = context::jump_fcontext(outside_context_, nullptr);
    inside_.arrived(&outside_bottom_, &outside_bytes_);
    outside_context_ = back.fctx;
  }

  bool is_done() const { return is_done_; }
  std::exception_ptr failure() const { return failure_; }
  const Site& waits_at() const { return waits_at_; }
  uint3 index() const { return index_; }

  static inline Fibre* running_ = nullptr;

 private:
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
  std::exception_ptr failure_;
  Site waits_at_;
};

/// The shared memory of the running block: one allocation for each array, so that
/// AddressSanitizer sees a step from one array into the next.
class SharedMemory {
 public:
  void begin_block(std::size_t granted) {
    arrays_.clear();
    granted_ = granted;
    used_ = 0;
  }

  void* take(int index, std::size_t bytes) {
    const std::size_t i = static_cast<std::size_t>(index);
    if (i == arrays_.size()) {
      used_ += (bytes + 15) & ~std::size_t{15};
      if (used_ > granted_) {
        throw Fault("takes " + std::to_string(used_) + " bytes of shared memory, was granted " +
                    std::to_string(granted_));
      }
      Array array{std::unique_ptr<void, decltype(&std::free)>(
                      std::malloc(std::max<std::size_t>(bytes, 1)), &std::free),
                  bytes};
      std::memset(array.memory.get(), 0xff, bytes);  // NaN, as float
      arrays_.push_back(std::move(array));
    }
    if (i >= arrays_.size() || arrays_[i].bytes != bytes) {
      throw Fault("threads of one block take different shared arrays");
    }
    return arrays_[i].memory.get();
  }

  void end_block() const {
    if (used_ != granted_) {
      throw Fault("took " + std::to_string(used_) + " bytes of shared memory, was granted " +
                  std::to_string(granted_));
    }
  }

 private:
  struct Array {
    std::unique_ptr<void, decltype(&std::free)> memory;
    std::size_t bytes;
  };
  std::vector<Array> arrays_;
  std::size_t granted_ = 0;
  std::size_t used_ = 0;
};

SharedMemory shared_memory;

/// GPUCONV_EMULATED_ORDER: forward (default), reverse, or random:SEED. The order of the blocks of a
/// launch and of the threads of a block between two barriers; results must not depend on it.
class Order {
 public:
  Order() {
    const char* const text = std::getenv("GPUCONV_EMULATED_ORDER");
    const std::string order = text == nullptr ? "forward" : text;
    if (order == "reverse") {
      is_reverse_ = true;
    } else if (order.rfind("random:", 0) == 0) {
      is_random_ = true;
      random_.seed(static_cast<unsigned>(std::stoul(order.substr(7))));
    } else if (order != "forward") {
      throw std::invalid_argument("GPUCONV_EMULATED_ORDER=" + order +
                                  ": expected forward, reverse or random:SEED");
    }
  }
  void arrange(std::vector<unsigned>& numbers) {
    std::iota(numbers.begin(), numbers.end(), 0u);
    if (is_reverse_) std::reverse(numbers.begin(), numbers.end());
    if (is_random_) std::shuffle(numbers.begin(), numbers.end(), random_);
  }

 private:
  bool is_reverse_ = false;
  bool is_random_ = false;
  std::mt19937 random_;
};

uint3 unflatten(unsigned number, dim3 size) {
  return {number % size.x, number / size.x % size.y, number / (size.x * size.y)};
}

class BlockRunner {
 public:
  void run(dim3 block, std::size_t shared_bytes, const std::function<void()>& body, Order& order) {
    const unsigned threads = block.x * block.y * block.z;
    while (fibres_.size() < threads) fibres_.push_back(std::make_unique<Fibre>());
    shared_memory.begin_block(shared_bytes);
    for (unsigned t = 0; t < threads; ++t) fibres_[t]->start(unflatten(t, block), body);
    turns_.resize(threads);
    bool is_running = true;
    while (is_running) {
      order.arrange(turns_);
      for (const unsigned t : turns_) {
        fibres_[t]->resume();
        if (fibres_[t]->failure()) std::rethrow_exception(fibres_[t]->failure());
      }
      is_running = all_wait_at_one_barrier(threads);
    }
    shared_memory.end_block();
  }

 private:
  /// True: all wait at the same barrier. False: all are done. Anything else is a fault.
  bool all_wait_at_one_barrier(unsigned threads) const {
    const Fibre& first = *fibres_[0];
    for (unsigned t = 1; t < threads; ++t) {
      const Fibre& other = *fibres_[t];
      if (first.is_done() != other.is_done()) {
        const Fibre& waiting = first.is_done() ? other : first;
        const Fibre& gone = first.is_done() ? first : other;
        throw Fault("divergent barrier: thread " + text(waiting.index()) + " waits at " +
                    waiting.waits_at().text() + ", thread " + text(gone.index()) +
                    " has left the kernel");
      }
      if (!first.is_done() && !(first.waits_at() == other.waits_at())) {
        throw Fault("divergent barrier: thread " + text(first.index()) + " waits at " +
                    first.waits_at().text() + ", thread " + text(other.index()) + " at " +
                    other.waits_at().text());
      }
    }
    return !first.is_done();
  }

  std::vector<std::unique_ptr<Fibre>> fibres_;
  std::vector<unsigned> turns_;
};

}  // namespace

void barrier(const char* file, int line) { Fibre::running_->pause({file, line}); }

void* take_shared(int index, std::size_t bytes) { return shared_memory.take(index, bytes); }

void run_kernel(dim3 grid, dim3 block, std::size_t shared_bytes,
                const std::function<void()>& thread_body) {
  static BlockRunner runner;
  static Order order;
  gridDim = grid;
  blockDim = block;
  std::vector<unsigned> blocks(std::size_t{grid.x} * grid.y * grid.z);
  order.arrange(blocks);
  for (const unsigned number : blocks) {
    blockIdx = unflatten(number, grid);
    try {
      runner.run(block, shared_bytes, thread_body, order);
    } catch (const Fault& fault) {
      throw Fault("kernel fault in block " + text(blockIdx) + ": " + fault.what());
    }
  }
}

}  // namespace emulation
