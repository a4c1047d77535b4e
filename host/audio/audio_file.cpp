#include "host/audio/audio_file.hpp"

#include <fmt/core.h>
#include <sndfile.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "host/audio/chunks.hpp"
#include "host/audio/listed.hpp"
#include "host/audio/truncation.hpp"
#include "host/error.hpp"

namespace gpuconv {
namespace {

struct Known {
  int code;
  const char* name;
};

// Our names for what listed.hpp lets in.
constexpr Known kContainers[] = {
    {SF_FORMAT_WAV, "WAV"}, {SF_FORMAT_WAVEX, "WAVEX"}, {SF_FORMAT_RF64, "RF64"},
    {SF_FORMAT_W64, "W64"}, {SF_FORMAT_AIFF, "AIFF"},   {SF_FORMAT_CAF, "CAF"},
    {SF_FORMAT_AU, "AU"},   {SF_FORMAT_FLAC, "FLAC"},   {SF_FORMAT_OGG, "Ogg"},
};
constexpr Known kEncodings[] = {
    {SF_FORMAT_PCM_U8, "8-bit PCM"},    {SF_FORMAT_PCM_S8, "8-bit PCM"},
    {SF_FORMAT_PCM_16, "16-bit PCM"},   {SF_FORMAT_PCM_24, "24-bit PCM"},
    {SF_FORMAT_PCM_32, "32-bit PCM"},   {SF_FORMAT_FLOAT, "32-bit float"},
    {SF_FORMAT_DOUBLE, "64-bit float"}, {SF_FORMAT_ULAW, "mu-law"},
    {SF_FORMAT_ALAW, "A-law"},          {SF_FORMAT_VORBIS, "Vorbis"},
    {SF_FORMAT_OPUS, "Opus"},
};

const char* find_name(std::span<const Known> known, int code) {
  const auto found = std::ranges::find(known, code, &Known::code);
  return found == known.end() ? nullptr : found->name;
}

/// libsndfile's own name of a container or an encoding that is not listed.
std::string foreign_name(int code) {
  SF_FORMAT_INFO info{};
  info.format = code;
  const bool known = sf_command(nullptr, SFC_GET_FORMAT_INFO, &info, sizeof info) == 0;
  return known && info.name != nullptr ? info.name : fmt::format("format {:#x}", code);
}

/// Libsndfile may see more in a header than we do.
std::string name_of(const std::string& path, std::span<const Known> known, int code,
                    Formats formats) {
  if (const char* const name = find_name(known, code)) return name;
  if (formats == Formats::any) return foreign_name(code);
  refuse_format(path, foreign_name(code) + " is not read here");
}

void check_ranges(const std::string& path, const SF_INFO& info) {
  if (info.samplerate < kMinRate || info.samplerate > kMaxRate) {
    throw FileError(path, fmt::format("sample rate out of range ({} Hz, limit {}..{} Hz)",
                                      info.samplerate, kMinRate, kMaxRate));
  }
  if (info.channels < 1 || info.channels > kMaxChannels) {
    throw FileError(path, fmt::format("number of channels out of range ({}, limit 1..{})",
                                      info.channels, kMaxChannels));
  }
}

AudioFormat checked_format(const std::string& path, const SF_INFO& info, Formats formats,
                           const char* container) {
  check_ranges(path, info);
  AudioFormat format;
  format.rate = info.samplerate;
  format.channels = info.channels;
  format.container = container != nullptr
                         ? container
                         : name_of(path, kContainers, info.format & SF_FORMAT_TYPEMASK, formats);
  format.encoding = name_of(path, kEncodings, info.format & SF_FORMAT_SUBMASK, formats);
  // A FLAC from a pipe says 2^63 - 1, a WAV from one may say anything: both mean "up to the end".
  constexpr std::int64_t kMostFrames = std::int64_t{1} << 48;
  const bool known = info.seekable != 0 && info.frames >= 0 && info.frames < kMostFrames;
  format.frames = known ? info.frames : -1;
  return format;
}

/// Throws FileError if a pipe that is no WAV brings something that libsndfile is not to see.
void check_piped(const std::string& path, PipedInput& input, Formats formats) {
  const bool is_empty = input.look(0, 1).empty();
  input.check_end();
  if (is_empty) throw FileError(path, "is empty (0 bytes)");
  if (formats == Formats::any) return;
  const Peek peek = [&](std::int64_t offset, std::size_t count) {
    return input.look(offset, count);
  };
  check_listed(path, peek, kEndlessBytes);
}

SF_INFO raw_info(const RawFormat& raw) {
  SF_INFO info{};
  info.samplerate = raw.rate;
  info.channels = raw.channels;
  info.format = sndfile_code(raw.encoding);
  return info;
}

}  // namespace

void AudioReader::Close::operator()(sf_private_tag* file) const { sf_close(file); }

AudioReader::AudioReader(const std::string& path, Truncated truncated, Formats formats,
                         const std::optional<RawFormat>& raw)
    : path_(input_name(path)), truncated_(truncated), file_(open_input(path)) {
  const int descriptor = file_.descriptor.get();
  const bool is_pipe = file_.bytes < 0;
  if (!is_pipe && !raw && formats == Formats::listed) {
    check_listed(path_, peek_into(descriptor), file_.bytes);
  }
  if (is_pipe || (!raw && is_believed_too_much())) {
    piped_ = std::make_unique<PipedInput>(descriptor, path_, file_.bytes);
  }
  format_ = open(formats, raw);
}

/// Whether libsndfile must not see the header of this file: it takes a WAV's size of 0 and a FLAC's
/// number of frames at their word.
bool AudioReader::is_believed_too_much() const {
  const int descriptor = file_.descriptor.get();
  const auto head = peek(descriptor, 0, 12);
  if (text(head) == "fLaC") return true;
  if (!is_wav(head)) return false;
  const auto samples = find_samples(peek_into(descriptor), file_.bytes, *find_layout(head));
  return samples && samples->size == 0;
}

AudioFormat AudioReader::open(Formats formats, const std::optional<RawFormat>& raw) {
  const bool is_pipe = file_.bytes < 0;
  const auto wav = piped_ && !raw ? piped_->find_wav() : std::nullopt;
  if (wav) piped_->restrict_to(wav->begin, wav->bytes);
  if (is_pipe && !raw && !wav) check_piped(path_, *piped_, formats);
  const std::int64_t flac_frames = piped_ && !raw ? piped_->hide_flac_total() : 0;
  SF_INFO info = raw ? raw_info(*raw) : wav ? raw_info(wav->format) : SF_INFO{};
  if (raw || wav) check_ranges(path_, info);
  sndfile_.reset(piped_ ? piped_->open(info)
                        : sf_open_fd(file_.descriptor.get(), SFM_READ, &info, SF_FALSE));
  if (!sndfile_) {
    if (piped_) piped_->check_end();
    throw FileError(path_, fmt::format("is not audio that can be read{} ({})",
                                       is_pipe ? " from a pipe, as WAV, AU and FLAC can" : "",
                                       sf_strerror(nullptr)));
  }
  AudioFormat format = checked_format(path_, info, formats, raw ? "raw" : wav ? "WAV" : nullptr);
  if (flac_frames > 0) format.frames = flac_frames;
  goes_on_ = flac_frames > 0;
  if (!piped_ && !raw) check_header(info.frames);
  return format;
}

std::size_t AudioReader::read(std::span<float> interleaved) {
  if (ended_) return 0;
  const auto fit = static_cast<sf_count_t>(interleaved.size()) / format_.channels;
  const sf_count_t wanted = goes_on_ ? std::min(fit, format_.frames - frames_read_) : fit;
  const sf_count_t got = sf_readf_float(sndfile_.get(), interleaved.data(), wanted);
  frames_read_ += got;
  if (got < wanted || frames_read_ == format_.frames) {
    ended_ = true;
    if (piped_) piped_->check_end();
    check_end();
  }
  return static_cast<std::size_t>(got);
}

void AudioReader::check_header(std::int64_t frames) {
  const auto mismatch = find_mismatch(file_.descriptor.get(), file_.bytes);
  if (!mismatch) return;
  const auto [promised, present] = *mismatch;
  if (promised > present) {
    lacks(fmt::format("its header promises {} bytes of samples, {} are there", promised, present));
  } else if (promised > 0 || present >= kWrap) {
    exceeds(
        fmt::format("its header promises {} bytes of samples, {} follow: a size of 32 bits "
                    "that has wrapped",
                    promised, present));
  } else if (frames == 0) {
    throw FileError(path_, fmt::format("holds no samples by its header (0 bytes), but {} bytes "
                                       "follow: the program that wrote it did not end well",
                                       present));
  }
}

void AudioReader::check_end() {
  if (frames_read_ == format_.frames) {
    // An error of the decoder is none here: what follows may be tags.
    check_surplus();
    return;
  }
  // A FLAC that is cut off ends in the middle of a block, which is an error of the decoder. So is
  // damage, but then the file goes on.
  const bool decoded = sf_error(sndfile_.get()) == SF_ERR_NO_ERROR;
  const bool at_end = ::lseek(file_.descriptor.get(), 0, SEEK_CUR) >= file_.bytes;
  if (!decoded && !at_end) {
    throw FileError(path_, fmt::format("is damaged after frame {} ({})", frames_read_,
                                       sf_strerror(sndfile_.get())));
  }
  if (shortfall_.empty() && frames_read_ < format_.frames) {
    lacks(fmt::format("its header promises {} frames, {} are there", format_.frames, frames_read_));
  } else if (!decoded) {
    lacks(fmt::format("it breaks off after frame {}", frames_read_));
  }
}

/// All promised frames have come: do more follow?
void AudioReader::check_surplus() {
  if (goes_on_) {
    if (!piped_->goes_on()) return;
    std::vector<float> frame(static_cast<std::size_t>(format_.channels));
    if (sf_readf_float(sndfile_.get(), frame.data(), 1) == 0) return;
    exceeds(fmt::format("its header promises {} frames, and more are there", frames_read_));
  } else if (file_.bytes < 0 && piped_->skip(kWrap) == kWrap) {
    exceeds(
        fmt::format("its header promises {} frames, {} bytes and more follow them: a size of "
                    "32 bits that has wrapped",
                    frames_read_, kWrap));
  }
  if (piped_) piped_->check_end();
}

void AudioReader::lacks(const std::string& what) {
  shortfall_ = "is truncated (" + what + ")";
  if (truncated_ == Truncated::error) {
    throw FileError(path_, shortfall_ + "; --truncated accept uses those");
  }
}

void AudioReader::exceeds(const std::string& what) {
  shortfall_ = "is longer than its header says (" + what + ")";
  if (truncated_ == Truncated::error) {
    throw FileError(path_, shortfall_ + "; --truncated accept uses those promised");
  }
}

}  // namespace gpuconv
