#include "host/write/float_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "host/base/error.hpp"

namespace gpuconv {

void FloatStore::write(Stereo<std::span<const float>> wet) {
  frames_.resize(2 * wet.left.size());
  for (std::size_t n = 0; n < wet.left.size(); ++n) {
    frames_[2 * n] = wet.left[n];
    frames_[2 * n + 1] = wet.right[n];
  }
  file_.write(std::as_bytes(std::span(frames_)));
}

void FloatStore::read(const WriteWet& wet) {
  constexpr std::size_t kBlock = 1 << 16;  // frames
  Stereo<Signal> ears{Signal(kBlock), Signal(kBlock)};
  frames_.resize(2 * kBlock);
  const std::int64_t bytes = file_.bytes();
  const FileDescriptor from(::open(file_.written_path().c_str(), O_RDONLY | O_CLOEXEC));
  for (std::int64_t done = 0; done < bytes;) {
    const ssize_t got = ::pread(from.get(), frames_.data(), frames_.size() * sizeof(float), done);
    if (got < 0 && errno == EINTR) continue;
    const auto frames = static_cast<std::size_t>(std::max<ssize_t>(0, got)) / (2 * sizeof(float));
    if (frames == 0) {
      throw FileError(file_.path(), std::string("the frames beside it cannot be read back (") +
                                        std::strerror(errno) + ")");
    }
    for (std::size_t n = 0; n < frames; ++n) {
      ears.left[n] = frames_[2 * n];
      ears.right[n] = frames_[2 * n + 1];
    }
    wet({std::span(ears.left).first(frames), std::span(ears.right).first(frames)});
    done += static_cast<std::int64_t>(frames * 2 * sizeof(float));
  }
}

}  // namespace gpuconv
