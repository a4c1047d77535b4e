#include "host/write/float_store.hpp"

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
  Stereo<Signal> ears;
  for (std::int64_t done = 0; done < file_.bytes();) {
    const std::vector<unsigned char> bytes = file_.read_back(done, kBlock * kFrameBytes);
    const std::size_t frames = bytes.size() / kFrameBytes;
    if (frames == 0) throw FileError(file_.path(), "the frames beside it cannot be read back");
    frames_.resize(2 * frames);
    std::memcpy(frames_.data(), bytes.data(), frames * kFrameBytes);
    for (const Side side : kSides) ears[side].resize(frames);
    for (std::size_t n = 0; n < frames; ++n) {
      ears.left[n] = frames_[2 * n];
      ears.right[n] = frames_[2 * n + 1];
    }
    wet({ears.left, ears.right});
    done += static_cast<std::int64_t>(frames * kFrameBytes);
  }
}

}  // namespace gpuconv
