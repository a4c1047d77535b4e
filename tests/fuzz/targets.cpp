#include "tests/fuzz/targets.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "host/base/error.hpp"
#include "host/read/source.hpp"
#include "host/room/info.hpp"
#include "host/room/response.hpp"
#include "host/room/sofa/sofa_set.hpp"
#include "tests/support/filled_pipe.hpp"

namespace gpuconv::test {
namespace {

/// A file in memory, with a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const char> bytes)
      : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    if (!descriptor_ ||
        ::write(descriptor_.get(), bytes.data(), bytes.size()) != std::ssize(bytes)) {
      throw std::runtime_error("no file in memory");
    }
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_.get()); }

 private:
  FileDescriptor descriptor_;
};

template <typename Read>
void attempt(Read read) {
  try {
    read();
  } catch (const FileError&) {
  }
}

std::span<const char> characters(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Each reader gets an `Input` of its own: what has been read from a pipe is gone.
template <typename Input>
void read_audio(std::span<const char> bytes) {
  for (const Formats formats : {Formats::allowed, Formats::any}) {
    attempt([&] { describe(Input(bytes).path(), formats); });
    const ResponseOptions options{{}, NonFinite::zero, Truncated::accept, formats};
    attempt([&] { load_response(Input(bytes).path(), options); });
    attempt([&] {
      const Input input(bytes);
      SourceReader reader(input.path(), {1, NonFinite::error, Truncated::error, formats});
      std::vector<float> samples(1000);
      while (reader.read(samples) > 0) {
      }
    });
  }
}

}  // namespace

void fuzz_audio(std::span<const std::uint8_t> bytes) {
  read_audio<MemoryFile>(characters(bytes));
  read_audio<FilledPipe>(characters(bytes));
}

void fuzz_sofa(std::span<const std::uint8_t> bytes) {
  const MemoryFile file(characters(bytes));
  attempt([&] { describe(file.path()); });
  attempt([&] {
    constexpr std::int64_t kMost = 8;  // any other goes the same way
    SofaSet set(file.path());
    for (std::int64_t m = 0; m < std::min(kMost, set.measurements()); ++m) {
      SofaOptions options;
      options.measurement = m;
      options.emitter = 0;
      attempt([&] { response_of(set, {options, NonFinite::zero}); });
    }
  });
}

}  // namespace gpuconv::test
