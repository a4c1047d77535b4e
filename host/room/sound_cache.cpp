#include "host/room/sound_cache.hpp"

#include <fmt/core.h>

#include <new>
#include <span>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/files/location.hpp"
#include "host/read/audio_file.hpp"

namespace gpuconv {

std::shared_ptr<const DecodedSound> SoundCache::find(const std::string& path, Truncated truncated,
                                                     Formats formats) {
  const std::string identity = identity_of(path);
  if (identity.empty()) return nullptr;
  const std::string key =
      fmt::format("{} {} {}", identity, static_cast<int>(truncated), static_cast<int>(formats));
  std::promise<Sound> promise;
  std::size_t room = 0;
  {
    std::unique_lock lock(mutex_);
    const auto [found, is_new] = sounds_.try_emplace(key);
    if (!is_new) {
      const std::shared_future<Sound> future = found->second;
      lock.unlock();
      return future.get();
    }
    found->second = promise.get_future().share();
    room = bytes_ - used_;
  }
  Sound sound;
  try {
    sound = decode(path, truncated, formats, room);
  } catch (const FileError&) {  // whoever reads the file says so
  } catch (const std::bad_alloc&) {
  } catch (...) {  // an interruption
    promise.set_exception(std::current_exception());
    throw;
  }
  {
    const std::lock_guard lock(mutex_);
    const std::size_t size = sound ? sound->interleaved.size() * sizeof(float) : 0;
    if (size > bytes_ - used_) {  // others came before
      sound = nullptr;
    } else {
      used_ += size;
    }
  }
  promise.set_value(sound);
  return sound;
}

/// Null if it takes more than `room` bytes, or if nothing has to be decoded to enter it anywhere.
SoundCache::Sound SoundCache::decode(const std::string& path, Truncated truncated, Formats formats,
                                     std::size_t room) const {
  AudioReader reader(path, truncated, formats);
  if (reader.skips_at_once()) return nullptr;
  auto sound = std::make_shared<DecodedSound>();
  sound->rate = reader.format().rate;
  sound->channels = reader.format().channels;
  const auto channels = static_cast<std::size_t>(sound->channels);
  if (reader.format().frames > 0 &&
      static_cast<std::size_t>(reader.format().frames) > room / sizeof(float) / channels) {
    return nullptr;
  }
  std::vector<float>& samples = sound->interleaved;
  const std::size_t portion = 8192 * channels;
  for (std::size_t got = 1; got > 0;) {
    stop_if_interrupted();
    const std::size_t before = samples.size();
    samples.resize(before + portion);
    got = reader.read(std::span(samples).subspan(before)) * channels;
    samples.resize(before + got);
    if (samples.size() > room / sizeof(float)) return nullptr;
  }
  if (samples.empty()) return nullptr;
  samples.shrink_to_fit();
  sound->shortfall = reader.shortfall();
  return sound;
}

}  // namespace gpuconv
