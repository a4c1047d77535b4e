#include "tests/fuzz/targets.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

#include "host/audio/info.hpp"
#include "host/audio/response.hpp"
#include "host/audio/sofa.hpp"
#include "host/audio/source.hpp"
#include "host/error.hpp"

namespace gpuconv::test {
namespace {

/// A file in memory, with a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::uint8_t> bytes)
      : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    const auto size = static_cast<ssize_t>(bytes.size());
    if (!descriptor_ || ::write(descriptor_.get(), bytes.data(), bytes.size()) != size) {
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

}  // namespace

void fuzz_audio(std::span<const std::uint8_t> bytes) {
  const MemoryFile file(bytes);
  for (const Formats formats : {Formats::listed, Formats::any}) {
    attempt([&] { describe(file.path(), formats); });
    const ResponseOptions options{{}, {}, NonFinite::zero, Truncated::accept, formats};
    attempt([&] { load_response(file.path(), options); });
    attempt([&] {
      SourceReader reader(file.path(), {1, NonFinite::error, Truncated::error, formats});
      std::vector<float> samples(1000);
      while (reader.read(samples) > 0) {
      }
    });
  }
}

void fuzz_sofa(std::span<const std::uint8_t> bytes) {
  const MemoryFile file(bytes);
  attempt([&] {
    const SofaFile sofa = read_sofa(file.path());
    check_sofa(file.path(), sofa);
    for (const Direction direction : sofa.directions) {
      ResponseOptions options;
      options.azimuth = direction.azimuth;
      options.elevation = direction.elevation;
      // Directions beyond a turn are for the command line to refuse.
      try {
        response_at(file.path(), sofa, options);
      } catch (const UsageError&) {
      }
    }
  });
}

}  // namespace gpuconv::test
