#include "host/read/audio_file.hpp"

#include <fmt/core.h>
#include <sndfile.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <string_view>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/read/allowed_formats.hpp"
#include "host/read/chunks.hpp"
#include "host/read/foreign.hpp"
#include "host/read/sndfile_format.hpp"
#include "host/read/sphere_header.hpp"
#include "host/read/tags.hpp"
#include "host/read/wav_header.hpp"

namespace gpuconv {
namespace {

/// Throws FileError if a pipe brings something that libsndfile is not to see.
void check_piped(const std::string& path, ByteSource& input, Formats formats) {
  const bool is_empty = input.look(0, 1).empty();
  input.check_end();
  if (is_empty) throw FileError(path, "is empty (0 bytes)");
  if (formats == Formats::any) return;
  const Peek peek = [&](std::int64_t offset, std::size_t count) {
    return input.look(offset, count);
  };
  check_listed(path, peek, kEndlessBytes);
}

constexpr int kMostChunksBehind = 10'000;

/// Nobody minds that much behind the samples, whatever it is.
constexpr std::size_t kMostJunk = 1024;

/// Whether these bytes, which are no chunk, are neither padding nor a tag.
bool is_like_sound(std::span<const unsigned char> bytes) {
  if (bytes.size() <= kMostJunk) return false;
  const std::string_view name = text(bytes);
  if (name.starts_with("ID3") || name == "APET" || name == "LYRI") return false;
  return std::ranges::adjacent_find(bytes, std::ranges::not_equal_to()) != bytes.end();
}

/// Of a FLAC that can be read once more.
std::optional<FlacFrames::Hole> hole_of(const Peek& peek) {
  FlacFrames frames(FlacFrames::Follow::always);
  constexpr std::size_t kPortion = 1 << 16;
  for (std::int64_t position = 0;;) {
    stop_if_interrupted();
    const auto bytes = peek(position, kPortion);
    if (bytes.empty()) return frames.hole();
    frames.take(bytes);
    position += std::ssize(bytes);
  }
}

}  // namespace

/// Of a chunk that holds `size` bytes from `begin` on.
AudioReader::Trailing AudioReader::trailing(const ChunkLayout& layout, std::int64_t begin,
                                            std::uint64_t size) {
  const std::int64_t position = chunk_end(begin, size, layout);
  const bool is_endless = position == kEndlessBytes;
  return {&layout, is_endless ? position : begin + static_cast<std::int64_t>(size), position};
}

void AudioReader::Close::operator()(sf_private_tag* file) const { sf_close(file); }

AudioReader::AudioReader(const std::string& path, Truncated truncated, Formats formats,
                         const std::optional<RawFormat>& raw)
    : path_(input_name(path)), truncated_(truncated), file_(open_input(path)) {
  if (is_pipe()) read_through(-1);
  if (!raw) skip_tags();
  if (!raw && begins_mp3(peek_at_head())) {
    open_mp3();
    return;
  }
  if (!is_pipe() && !raw && formats == Formats::allowed) {
    check_listed(path_, peek_at_head(), file_.bytes);
  }
  format_ = open(formats, raw);
}

void AudioReader::skip_tags() {
  tag_bytes_ = leading_tag_bytes(peek_at_head());
  if (tag_bytes_ == 0) return;
  if (is_pipe()) {
    bytes_->skip(tag_bytes_);
  } else {
    file_.origin = std::min(tag_bytes_, file_.bytes);
    file_.bytes -= file_.origin;
  }
  if (peek_at_head()(0, 1).empty()) {
    throw FileError(path_, fmt::format("holds nothing after its ID3 tag ({} bytes)", tag_bytes_));
  }
}

void AudioReader::open_mp3() {
  if (!bytes_) read_through(file_.bytes);
  const Mp3Frames::Read read = [this](std::span<unsigned char> bytes) {
    stop_if_interrupted();
    return bytes_->read_available(bytes);
  };
  mp3_ = std::make_unique<Mp3Reader>(path_, read);
  bytes_->check_end();
  format_ = mp3_->format();
  if (!mp3_->has_length()) {
    remark_ = "its length cannot be verified (it has no Xing or Info header)";
  }
  if (is_pipe()) return;
  const Mp3Reader::Verdict verdict = mp3_->follow_rest([] { return true; });
  bytes_->check_end();
  format_.frames = verdict.samples;
  check_mp3(verdict);
  bytes_->seek(0, SEEK_SET);
  mp3_ = std::make_unique<Mp3Reader>(path_, read);
}

Peek AudioReader::peek_at_head() {
  if (!bytes_) return peek_into(file_);
  return [this](std::int64_t offset, std::size_t count) { return bytes_->look(offset, count); };
}

/// Libsndfile is to see what we let it see.
void AudioReader::read_through(std::int64_t file_bytes) {
  bytes_ = std::make_unique<ByteSource>(file_.descriptor.get(), path_, file_bytes, file_.origin);
}

/// Of what is no WAV: where its samples end, if it says so.
void AudioReader::find_behind() {
  const Peek peek = peek_at_head();
  const auto head = peek(0, 12);
  if (text(head) == ".snd" && head.size() == 12) {
    find_behind_au(head);
    return;
  }
  const ChunkLayout* const layout = find_layout(head);
  if (layout == nullptr) return;
  ChunkWalk chunks(peek, is_pipe() ? kEndlessBytes : file_.bytes, *layout);
  bool has_format = false;
  while (const auto chunk = chunks.next()) {
    has_format |= chunk->name == layout->format;
    if (chunk->name != layout->samples) continue;
    is_streamed_ = means_streamed(chunk->size, chunk->size_bytes);
    if (is_streamed_ && layout->magic == "caff") tell_size_of_caf(*chunk);
    if (is_streamed_) return;
    trailing_ = trailing(*layout, chunk->begin, chunk->size);
    // Libsndfile would look for more chunks before it plays what it has. Whoever has written the
    // samples to a pipe may keep it open.
    if (is_pipe() && has_format) bytes_->restrict_to(0, trailing_->position);
    return;
  }
}

void AudioReader::find_behind_au(std::span<const unsigned char> head) {
  const std::uint64_t begin = number(head.subspan(4, 4), ByteOrder::big);
  const std::uint64_t size = number(head.subspan(8, 4), ByteOrder::big);
  const auto end = static_cast<std::int64_t>(begin + size);
  is_streamed_ = means_streamed(size, 4);
  if (!is_streamed_) trailing_ = {nullptr, end, end};
}

/// Libsndfile does not know that a size of -1 means "up to the end".
void AudioReader::tell_size_of_caf(const Chunk& samples) {
  if (!bytes_) read_through(file_.bytes);
  const std::int64_t size = (is_pipe() ? kEndlessBytes : file_.bytes) - samples.begin;
  std::array<unsigned char, 8> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<unsigned char>(size >> (56 - 8 * i) & 0xff);
  }
  bytes_->overwrite(samples.begin - std::ssize(bytes), bytes);
}

/// Samples without a header.
void AudioReader::check_raw(const RawFormat& raw) {
  if (begins_recording(peek_at_head()(0, 40))) {
    throw FileError(path_,
                    "begins with a header, as recordings do that are read without --raw-rate");
  }
  raw_frame_bytes_ = raw.channels * bytes_of(raw.encoding);
}

/// What is no WAV: makes sure that libsndfile does not believe too much.
void AudioReader::watch(Formats formats) {
  const Peek peek = peek_at_head();
  const auto head = peek(0, 40);
  if (is_pipe()) {
    check_piped(path_, *bytes_, formats);
  }
  if (is_wav(head) && formats == Formats::allowed) {
    throw FileError(
        path_, fmt::format("is a WAV without format or samples (PCM, float, mu-law or A-law){}",
                           is_pipe() ? " in its first bytes" : ""));
  }
  is_flac_ = text(head) == "fLaC";
  is_watched_ = is_flac_ || text(head) == "OggS";
  if (is_watched_) {
    if (!bytes_) read_through(file_.bytes);
    bytes_->watch(is_flac_ ? IntegrityCheck::Kind::flac : IntegrityCheck::Kind::ogg);
  }
  find_behind();
  if (is_pipe()) return;
  mismatch_ = find_mismatch(peek_into(file_), file_.bytes);
  // It would not open a CAF that is cut off.
  if (mismatch_ && mismatch_->promised > mismatch_->present && text(head) == "caff") {
    read_through(file_.bytes + mismatch_->promised - mismatch_->present);
  }
}

AudioFormat AudioReader::open(Formats formats, const std::optional<RawFormat>& raw) {
  if (raw) {
    check_raw(*raw);
  } else {
    pcm_ = find_wav(path_, peek_at_head(), is_pipe() ? kEndlessBytes : file_.bytes);
    if (!pcm_) pcm_ = find_sphere(path_, peek_at_head());
    if (!pcm_) watch(formats);
  }
  if (pcm_) {
    if (!bytes_) read_through(file_.bytes);
    bytes_->restrict_to(pcm_->begin, pcm_->bytes);
    if (pcm_->bytes >= 0) {
      const std::int64_t end = pcm_->begin + pcm_->bytes;
      trailing_ = pcm_->layout == nullptr ? Trailing{nullptr, end, end}
                                          : trailing(*pcm_->layout, pcm_->begin,
                                                     static_cast<std::uint64_t>(pcm_->bytes));
    }
  }
  const std::int64_t flac_frames = bytes_ && !raw && !pcm_ ? bytes_->hide_flac_total() : 0;
  SF_INFO info = raw ? raw_info(*raw) : pcm_ ? raw_info(pcm_->format) : SF_INFO{};
  if (raw || pcm_) check_ranges(path_, info);
  if (!bytes_ && file_.origin > 0) read_through(file_.bytes);
  // libsndfile closes a file that it cannot open.
  std::optional<Foreign> foreign;
  if (!is_pipe() && formats == Formats::any) foreign = recognise(peek_at_head());
  sndfile_.reset(bytes_ ? bytes_->open(info)
                        : sf_open_fd(file_.descriptor.get(), SFM_READ, &info, SF_FALSE));
  if (!sndfile_) {
    if (bytes_) bytes_->check_end();
    const char* const why = sf_strerror(nullptr);
    if (!foreign && is_pipe()) foreign = recognise(peek_at_head());
    if (foreign) throw FileError(path_, sentence(*foreign));
    throw FileError(path_,
                    fmt::format("is not audio that can be read{} ({})",
                                is_pipe() ? " from a pipe, as WAV, AU and FLAC can" : "", why));
  }
  AudioFormat format = checked_format(path_, info, formats,
                                      raw    ? "raw"
                                      : pcm_ ? pcm_->container
                                             : nullptr);
  if (flac_frames > 0) format.frames = flac_frames;
  if (is_streamed_ && is_pipe()) format.frames = -1;
  goes_on_ = flac_frames > 0;
  if (!is_pipe() && !raw) check_header(info.frames);
  return format;
}

std::size_t AudioReader::read(std::span<float> interleaved) {
  if (ended_) return 0;
  const auto fit = static_cast<sf_count_t>(interleaved.size()) / format_.channels;
  // Not more than is promised: whoever has written that to a pipe may keep it open.
  const sf_count_t wanted =
      format_.frames < 0 ? fit : std::min<sf_count_t>(fit, format_.frames - frames_read_);
  const auto samples = static_cast<std::size_t>(wanted * format_.channels);
  const sf_count_t got = mp3_ ? static_cast<sf_count_t>(mp3_->read(interleaved.first(samples)))
                              : sf_readf_float(sndfile_.get(), interleaved.data(), wanted);
  frames_read_ += got;
  if (got < wanted || frames_read_ == format_.frames) {
    ended_ = true;
    if (bytes_) bytes_->check_end();
    check_end();
  }
  return static_cast<std::size_t>(got);
}

/// Of the bytes of samples that a file's header promises, and that are there. Fewer than 4 GiB more
/// may be chunks behind the samples.
void AudioReader::check_sizes(std::int64_t promised, std::int64_t present) {
  if (promised > present) {
    lacks(fmt::format("its header promises {} bytes of samples, {} are there", promised, present));
  } else {
    exceeds(
        fmt::format("its header promises {} bytes of samples, {} follow: more than a size of 32 "
                    "bits can say",
                    promised, present));
  }
}

void AudioReader::check_header(std::int64_t frames) {
  if (pcm_) {
    const std::int64_t present = file_.bytes - pcm_->begin;
    const bool has_wrapped = pcm_->size_bytes == 4 && present - pcm_->bytes >= kWrap;
    const std::int64_t frame_bytes = pcm_->format.channels * bytes_of(pcm_->format.encoding);
    if (pcm_->bytes < 0) return;
    if (pcm_->bytes / frame_bytes > present / frame_bytes || has_wrapped) {
      check_sizes(pcm_->bytes, present);
    }
  } else if (mismatch_) {
    const auto [promised, present] = *mismatch_;
    if (promised > 0 || present >= kWrap) {
      check_sizes(promised, present);
    } else if (frames == 0) {
      throw FileError(path_, fmt::format("holds no samples by its header (0 bytes), but {} bytes "
                                         "follow: the program that wrote it did not end well",
                                         present));
    }
  } else if (is_watched_) {
    check_stream();
  }
  if (shortfall_.empty()) check_behind();
}

/// How an MP3 ends, held against its header.
void AudioReader::check_mp3(const Mp3Reader::Verdict& verdict) {
  using End = Mp3Frames::End;
  if (verdict.end == End::damaged) {
    throw FileError(path_, fmt::format("is damaged (at byte {} something else stands where a frame "
                                       "should begin)",
                                       tag_bytes_ + verdict.position));
  }
  if (verdict.promised && verdict.samples < *verdict.promised) {
    lacks(fmt::format("its header promises {} frames, {} are there", *verdict.promised,
                      verdict.samples));
  } else if (verdict.end == End::joined) {
    refuse_several();
  } else if (verdict.has_more) {
    exceeds(fmt::format("its header promises {} frames, and more are there", *verdict.promised));
  } else if (verdict.end == End::cut) {
    lacks(fmt::format("it breaks off after frame {}", verdict.samples));
  }
}

void AudioReader::check_end() {
  if (mp3_) {
    if (is_pipe()) {
      check_mp3(mp3_->follow_rest([this] { return bytes_->goes_on(); }));
      bytes_->check_end();
    } else if (frames_read_ < format_.frames) {
      lacks(fmt::format("{} of its {} frames are left", frames_read_, format_.frames));
    }
    return;
  }
  const std::int64_t raw_bytes = bytes_ ? bytes_->position() : file_.bytes;
  if (raw_frame_bytes_ > 0 && raw_bytes % raw_frame_bytes_ != 0) {
    lacks(fmt::format("its {} bytes are no whole number of frames of {} bytes", raw_bytes,
                      raw_frame_bytes_));
    return;
  }
  if (frames_read_ == format_.frames) {
    // An error of the decoder is none here: what follows may be tags.
    check_surplus();
    return;
  }
  if (is_watched_ && is_pipe()) check_stream();
  if (is_joined_) return;  // the decoder stumbles over the second one
  if (is_flac_ && format_.frames < 0) return check_frames();
  if (is_flac_) check_hole();
  // A FLAC that is cut off ends in the middle of a block, which is an error of the decoder. So is
  // damage, but then the file goes on.
  const bool decoded = sf_error(sndfile_.get()) == SF_ERR_NO_ERROR;
  const bool at_end = ::lseek(file_.descriptor.get(), 0, SEEK_CUR) >= file_.origin + file_.bytes;
  if (!decoded && !at_end) {
    throw FileError(path_, fmt::format("is damaged after frame {} ({})", frames_read_,
                                       sf_strerror(sndfile_.get())));
  }
  if (!shortfall_.empty()) return;
  if (frames_read_ < format_.frames) {
    lacks(fmt::format("its header promises {} frames, {} are there", format_.frames, frames_read_));
  } else if (!decoded) {
    lacks(fmt::format("it breaks off after frame {}", frames_read_));
  }
}

/// Of a FLAC whose frames are not as many as they should be: are some damaged or missing?
void AudioReader::check_hole() {
  const IntegrityCheck& watch = bytes_->watch_rest();
  bytes_->check_end();
  if (watch.has_another()) return;
  const auto hole = is_pipe() ? watch.frames().hole() : hole_of(peek_into(file_));
  if (!hole) return;
  throw FileError(path_, fmt::format("is damaged ({} from sample {} ({:.3f} s) on)",
                                     hole->is_missing ? "frames are missing" : "a frame is broken",
                                     hole->begin, static_cast<double>(hole->begin) / format_.rate));
}

/// What libsndfile overlooks of an Ogg or a FLAC.
void AudioReader::check_stream() {
  const IntegrityCheck& watch = bytes_->watch_rest();
  bytes_->check_end();
  if (!watch.damage().empty()) throw FileError(path_, "is damaged (" + watch.damage() + ")");
  if (!watch.has_ended()) lacks("its last page is not there");
  if (watch.has_another()) refuse_several();
}

/// Of a FLAC that does not say how long it is; its decoder stumbles over tags, too.
void AudioReader::check_frames() {
  const auto verdict = bytes_->watched().frames().verdict();
  if (!verdict || verdict->is_damaged) {
    check_hole();
    throw FileError(path_, fmt::format("is damaged after frame {}", frames_read_));
  }
  if (!verdict->is_whole) {
    lacks(fmt::format("it breaks off after frame {}", frames_read_));
  } else if (verdict->samples != frames_read_) {
    throw FileError(path_, fmt::format("is damaged (of its {} frames {} can be decoded)",
                                       verdict->samples, frames_read_));
  }
}

/// All promised frames have come: do more follow?
void AudioReader::check_surplus() {
  if (!shortfall_.empty()) return;
  std::vector<float> frame(static_cast<std::size_t>(format_.channels));
  if (goes_on_ && bytes_->goes_on() && sf_readf_float(sndfile_.get(), frame.data(), 1) > 0) {
    if (bytes_->watched().has_another()) {
      refuse_several();
    } else {
      exceeds(fmt::format("its header promises {} frames, and more are there", frames_read_));
    }
  } else if (is_pipe() && is_watched_) {
    check_stream();
  } else if (is_pipe()) {
    check_behind();
    const std::int64_t end = trailing_ ? trailing_->position : bytes_->position();
    if (shortfall_.empty() && bytes_->reaches(end + kWrap)) {
      exceeds(
          fmt::format("its header promises {} frames, {} bytes and more follow them: more than a "
                      "size of 32 bits can say",
                      frames_read_, kWrap));
    }
  }
  if (bytes_) bytes_->check_end();
}

/// Does another file follow, or another chunk of samples, or sound that the header does not count?
void AudioReader::check_behind() {
  if (!trailing_) return;
  const std::int64_t limit = is_pipe() ? trailing_->end + kWrap : file_.bytes;
  const Peek peek = [&](std::int64_t offset, std::size_t count) -> std::vector<unsigned char> {
    if (offset > limit) return {};
    return bytes_ ? bytes_->read_trailing(offset, count)
                  : gpuconv::peek(file_.descriptor.get(), file_.origin + offset, count);
  };
  const ChunkLayout* const layout = trailing_->layout;
  if (begins_recording(peek(trailing_->end, 40))) return refuse_several();
  std::int64_t position = trailing_->position;
  if (layout != nullptr && position > trailing_->end) {  // not everybody writes the padding
    position = end_of_chunk_at(peek, trailing_->end, *layout).value_or(position);
  }
  for (int chunks = 0; chunks < kMostChunksBehind; ++chunks) {
    const auto head = peek(position, 40);
    if (begins_recording(head)) return refuse_several();
    if (const std::int64_t tag = tag_bytes(head); tag > 0) {
      position += tag;
      continue;
    }
    const auto end = layout == nullptr ? std::nullopt : end_of_chunk_at(peek, position, *layout);
    if (!end) break;
    if (text(head) == layout->samples) return refuse_several();
    position = *end;
  }
  if (is_like_sound(peek(position, 2 * kMostJunk))) {
    exceeds(fmt::format("more than {} bytes that are no chunk follow the samples", kMostJunk));
  }
}

void AudioReader::lacks(const std::string& what) {
  refuse("is truncated (" + what + ")", "what is there");
}

void AudioReader::exceeds(const std::string& what) {
  refuse("is longer than its header says (" + what + ")", "what is promised");
}

void AudioReader::refuse_several() {
  is_joined_ = true;
  refuse("holds several recordings, one behind the other", "the first one");
}

void AudioReader::refuse(const std::string& what, const char* accepted) {
  shortfall_ = what;
  if (truncated_ == Truncated::error) {
    throw FileError(path_, what + "; --truncated accept uses " + accepted);
  }
}

}  // namespace gpuconv
