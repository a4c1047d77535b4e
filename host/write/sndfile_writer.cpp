#include "host/write/sndfile_writer.hpp"

#include <fmt/core.h>
#include <sndfile.h>

#include <cstdio>

#include "host/base/error.hpp"
#include "host/read/ogg_serial.hpp"

namespace gpuconv {
namespace {

SndfileWriter::Port& port(void* user) { return *static_cast<SndfileWriter::Port*>(user); }

/// Runs `action`; keeps its exception for later and returns `otherwise` instead.
template <typename Action>
sf_count_t guarded(void* user, sf_count_t otherwise, Action action) {
  if (port(user).failure) return otherwise;
  try {
    return action(port(user).file);
  } catch (...) {
    port(user).failure = std::current_exception();
    return otherwise;
  }
}

sf_count_t file_length(void* user) { return port(user).file.bytes(); }
sf_count_t file_position(void* user) { return port(user).file.position(); }
sf_count_t read_nothing(void*, sf_count_t, void*) { return 0; }

sf_count_t seek_in_file(sf_count_t offset, int whence, void* user) {
  return guarded(user, -1, [&](OutputFile& file) {
    const sf_count_t base = whence == SEEK_SET   ? 0
                            : whence == SEEK_CUR ? file.position()
                                                 : file.bytes();
    file.seek(base + offset);
    return base + offset;
  });
}

sf_count_t write_to_file(const void* bytes, sf_count_t count, void* user) {
  return guarded(user, 0, [&](OutputFile& file) {
    file.write({static_cast<const std::byte*>(bytes), static_cast<std::size_t>(count)});
    return count;
  });
}

int sndfile_format(const FileFormat& format) {
  int code = 0;
  switch (format.container) {
    case Container::w64:
      code = SF_FORMAT_W64;
      break;
    case Container::caf:
      code = SF_FORMAT_CAF;
      break;
    case Container::aiff:
      code = SF_FORMAT_AIFF;
      break;
    case Container::au:
      code = SF_FORMAT_AU;
      break;
    case Container::flac:
      code = SF_FORMAT_FLAC;
      break;
    case Container::ogg:
      return SF_FORMAT_OGG | SF_FORMAT_VORBIS;
    case Container::wav:
    case Container::rf64:
      throw std::logic_error("WAV has its own writer");
  }
  if (format.encoding == Encoding::ieee_float) return code | SF_FORMAT_FLOAT;
  return code | (format.bits == 16   ? SF_FORMAT_PCM_16
                 : format.bits == 24 ? SF_FORMAT_PCM_24
                                     : SF_FORMAT_PCM_32);
}

constexpr int kMaxVorbisRate = 200'000;  // libvorbis finds out only when there are samples

/// AIFF and AU count bytes in 32 bits and libsndfile lets them wrap; their header is small.
constexpr std::int64_t kMaxBytes32 = 0xffff'0000;

}  // namespace

void SndfileWriter::Close::operator()(sf_private_tag* sndfile) const { sf_close(sndfile); }

SndfileWriter::SndfileWriter(OutputFile& file, const FileFormat& format, int rate,
                             std::optional<std::int64_t> frames)
    : port_{file, nullptr}, format_(format) {
  if (!file.seekable()) {
    throw FileError(file.path(), fmt::format("is a pipe, where {} cannot be written (WAV can)",
                                             name(format.container)));
  }
  if (frames) check_size(*frames);
  if (format.container == Container::ogg && rate > kMaxVorbisRate) {
    throw FileError(file.path(), fmt::format("cannot be written as Ogg at {} Hz (limit {} Hz)",
                                             rate, kMaxVorbisRate));
  }
  SF_VIRTUAL_IO io{file_length, seek_in_file, read_nothing, write_to_file, file_position};
  SF_INFO info{};
  info.samplerate = rate;
  info.channels = format.channels;
  info.format = sndfile_format(format);
  sndfile_.reset(sf_open_virtual(&io, SFM_WRITE, &info, &port_));
  if (port_.failure) std::rethrow_exception(port_.failure);
  if (!sndfile_) {
    throw FileError(file.path(), fmt::format("cannot be written as {} at {} Hz ({})",
                                             name(format.container), rate, sf_strerror(nullptr)));
  }
  sf_command(sndfile_.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr,
             SF_FALSE);  // it would hold the time of day
  // The header that is there has a place for it; where hardly any frames follow, its end would
  // stay.
  if (format.container == Container::aiff && !file.in_place()) file.clear();
}

void SndfileWriter::write(std::span<const float> frames) {
  check_size(std::ssize(frames) / format_.channels);
  check(sf_write_float(sndfile_.get(), frames.data(), static_cast<sf_count_t>(frames.size())),
        frames.size());
}

void SndfileWriter::write(std::span<const std::int32_t> frames) {
  check_size(std::ssize(frames) / format_.channels);
  scaled_.clear();
  for (const std::int32_t sample : frames) {
    scaled_.push_back(
        static_cast<std::int32_t>(static_cast<std::uint32_t>(sample) << (32 - format_.bits)));
  }
  check(sf_write_int(sndfile_.get(), scaled_.data(), static_cast<sf_count_t>(scaled_.size())),
        scaled_.size());
}

void SndfileWriter::finish() {
  const int error = sf_close(sndfile_.release());
  if (port_.failure) std::rethrow_exception(port_.failure);
  if (error != 0) {
    throw FileError(port_.file.path(),
                    fmt::format("cannot be completed ({})", sf_error_number(error)));
  }
  if (format_.container == Container::ogg) set_ogg_serial(port_.file);
}

void SndfileWriter::check_size(std::int64_t frames) const {
  if (format_.container != Container::aiff && format_.container != Container::au) return;
  const std::int64_t bytes = port_.file.bytes() + frames * format_.frame_bytes();
  if (bytes > kMaxBytes32) {
    throw FileError(port_.file.path(), fmt::format("{} cannot hold {} bytes, only {} bytes (.wav, "
                                                   ".w64 and .caf can hold more)",
                                                   name(format_.container), bytes, kMaxBytes32));
  }
}

void SndfileWriter::check(std::int64_t written, std::size_t wanted) {
  if (port_.failure) std::rethrow_exception(port_.failure);
  if (written != static_cast<std::int64_t>(wanted)) {
    throw FileError(port_.file.path(), fmt::format("{} of {} samples could be written ({})",
                                                   written, wanted, sf_strerror(sndfile_.get())));
  }
}

}  // namespace gpuconv
