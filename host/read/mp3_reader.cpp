#include "host/read/mp3_reader.hpp"

#include <fmt/core.h>
#include <mpg123.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "host/base/error.hpp"

namespace gpuconv {
namespace {

/// Samples by which every decoder of layer III is late; LAME's numbers do not count them.
constexpr int kDecoderDelay = 529;

const char* name_of(Mp3Header::Version version) {
  switch (version) {
    case Mp3Header::Version::mpeg1:
      return "MPEG-1";
    case Mp3Header::Version::mpeg2:
      return "MPEG-2";
    case Mp3Header::Version::mpeg2_5:
      return "MPEG-2.5";
  }
  return "";
}

AudioFormat format_of(const Mp3Header& header) {
  AudioFormat format;
  format.rate = header.rate;
  format.channels = header.channels;
  format.container = fmt::format("MP{}", header.layer);
  format.encoding = fmt::format("{} layer {}", name_of(header.version),
                                std::string(static_cast<std::size_t>(header.layer), 'I'));
  return format;
}

/// Throws std::bad_alloc: nothing else can fail.
mpg123_handle* open_decoder(const Mp3Header& header) {
  ::mpg123_init();
  mpg123_handle* const decoder = ::mpg123_new("generic", nullptr);
  if (decoder == nullptr) throw std::bad_alloc();
  constexpr long kFlags =
      MPG123_QUIET | MPG123_FORCE_FLOAT | MPG123_NO_READAHEAD | MPG123_IGNORE_INFOFRAME;
  const int encoding = MPG123_ENC_FLOAT_32;
  const bool is_ready =
      ::mpg123_param(decoder, MPG123_ADD_FLAGS, kFlags, 0) == MPG123_OK &&
      ::mpg123_param(decoder, MPG123_REMOVE_FLAGS, MPG123_GAPLESS, 0) == MPG123_OK &&
      ::mpg123_param(decoder, MPG123_RVA, MPG123_RVA_OFF, 0) == MPG123_OK &&
      ::mpg123_format_none(decoder) == MPG123_OK &&
      ::mpg123_format(decoder, header.rate, header.channels, encoding) == MPG123_OK &&
      ::mpg123_open_feed(decoder) == MPG123_OK;
  if (is_ready) return decoder;
  ::mpg123_delete(decoder);
  throw std::bad_alloc();
}

}  // namespace

void Mp3Reader::Close::operator()(mpg123_handle_struct* decoder) const { ::mpg123_delete(decoder); }

Mp3Reader::Mp3Reader(std::string path, Mp3Frames::Read read)
    : path_(std::move(path)), frames_(std::move(read)) {
  const auto first = frames_.next();
  if (!first) throw FileError(path_, "is an MP3 without a whole frame");
  const Mp3Header header = frames_.header();
  info_ = mp3_info(*first, header);
  has_first_ = !info_;
  count_ = has_first_ ? 1 : 0;
  format_ = format_of(header);
  frame_samples_ = header.samples;
  decoder_.reset(open_decoder(header));
  if (has_first_) ::mpg123_feed(decoder_.get(), first->data(), first->size());
  if (info_ && info_->delay) skip_ = *info_->delay + kDecoderDelay;
  if (has_length()) left_ = format_.frames = samples_of(*info_->frames, true);
}

/// Samples per channel of the recording that the first so many frames hold; `is_all` of them: the
/// last ones are padding.
std::int64_t Mp3Reader::samples_of(std::int64_t frames, bool is_all) const {
  const std::int64_t all = frames * frame_samples_;
  if (!info_ || !info_->delay) return all;
  // An encoder that pads by less than the decoder's delay loses the difference.
  const std::int64_t after = is_all ? std::max(info_->padding - kDecoderDelay, 0) : 0;
  return std::max<std::int64_t>(0, all - *info_->delay - kDecoderDelay - after);
}

std::optional<std::span<const unsigned char>> Mp3Reader::next_frame() {
  if (is_joined_) return std::nullopt;
  const auto frame = frames_.next();
  if (!frame) return std::nullopt;
  if (count_ > 0 && mp3_info(*frame, frames_.header())) {
    is_joined_ = true;  // which only the first frame of a recording holds
    return std::nullopt;
  }
  ++count_;
  return frame;
}

bool Mp3Reader::decode_next() {
  if (!std::exchange(has_first_, false)) {
    const auto frame = next_frame();
    if (!frame) return false;
    ::mpg123_feed(decoder_.get(), frame->data(), frame->size());
  }
  int result = ::mpg123_framebyframe_next(decoder_.get());
  unsigned char* audio = nullptr;
  std::size_t bytes = 0;
  if (result == MPG123_OK || result == MPG123_NEW_FORMAT) {  // of the first frame
    result = ::mpg123_framebyframe_decode(decoder_.get(), nullptr, &audio, &bytes);
  }
  const std::size_t samples =
      static_cast<std::size_t>(frame_samples_) * static_cast<std::size_t>(format_.channels);
  if (result != MPG123_OK || bytes != samples * sizeof(float)) {
    if (::mpg123_errcode(decoder_.get()) == MPG123_OUT_OF_MEM) throw std::bad_alloc();
    throw FileError(path_, fmt::format("is damaged in its MPEG frame {} ({})", count_,
                                       result == MPG123_ERR ? ::mpg123_strerror(decoder_.get())
                                                            : "not all of it can be decoded"));
  }
  decoded_.resize(samples);
  std::memcpy(decoded_.data(), audio, bytes);
  used_ = 0;
  return true;
}

std::size_t Mp3Reader::read(std::span<float> interleaved) {
  const auto channels = static_cast<std::size_t>(format_.channels);
  std::size_t done = 0;
  while (done + channels <= interleaved.size() && left_ != 0) {
    if (used_ == decoded_.size() && !decode_next()) break;
    const std::size_t there = (decoded_.size() - used_) / channels;
    const std::size_t skipped = std::min(there, static_cast<std::size_t>(skip_));
    used_ += skipped * channels;
    skip_ -= static_cast<std::int64_t>(skipped);
    std::size_t taken = std::min(there - skipped, (interleaved.size() - done) / channels);
    if (left_) {
      taken = std::min(taken, static_cast<std::size_t>(*left_));
      *left_ -= static_cast<std::int64_t>(taken);
    }
    std::copy_n(decoded_.begin() + static_cast<std::ptrdiff_t>(used_), taken * channels,
                interleaved.begin() + static_cast<std::ptrdiff_t>(done));
    used_ += taken * channels;
    done += taken * channels;
  }
  return done / channels;
}

/// Some encoders count the frame that holds the header. Where the bytes are right, so are they.
bool Mp3Reader::counts_itself() const {
  return info_->frames == count_ + 1 && info_->bytes == frames_.position();
}

Mp3Reader::Verdict Mp3Reader::follow_rest(const std::function<bool()>& goes_on) {
  while ((has_length() && count_ < *info_->frames) || goes_on()) {
    if (!next_frame()) break;
  }
  Verdict verdict;
  verdict.end = is_joined_ ? Mp3Frames::End::joined : frames_.end();
  verdict.position = frames_.position();
  verdict.samples = samples_of(count_, !has_length() || counts_itself());
  if (!has_length() || counts_itself()) return verdict;
  verdict.promised = samples_of(*info_->frames, true);
  verdict.has_more = count_ > *info_->frames;
  verdict.samples = std::min(verdict.samples, *verdict.promised);
  return verdict;
}

}  // namespace gpuconv
