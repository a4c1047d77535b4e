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

/// Throws FileError if a pipe is empty, or brings a format that is not allowed.
void check_piped(const std::string& path, ByteSource& input, Formats formats) {
  const bool is_empty = input.look(0, 1).empty();
  input.check_end();
  if (is_empty) throw FileError(path, "is empty (0 bytes)");
  if (formats == Formats::any) return;
  const Peek peek = [&](std::int64_t offset, std::size_t count) {
    return input.look(offset, count);
  };
  check_allowed(path, peek, kEndlessBytes);
}

constexpr int kMostTrailingChunks = 10'000;

/// gpuconv ignores so many bytes after the samples, whatever they are.
constexpr std::size_t kMostJunk = 1024;

/// Whether these bytes, which are not a chunk, are neither padding nor a tag.
bool is_like_sound(std::span<const unsigned char> bytes) {
  if (bytes.size() <= kMostJunk) return false;
  const std::string_view name = text(bytes);
  if (name.starts_with("ID3") || name == "APET" || name == "LYRI") return false;
  return std::ranges::adjacent_find(bytes, std::ranges::not_equal_to()) != bytes.end();
}

/// Reads a FLAC once more, to find the first damaged or missing frame.
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

AudioReader::Trailing AudioReader::trailing(const ChunkLayout* layout, std::int64_t begin,
                                            std::uint64_t size) {
  const std::int64_t end = begin + static_cast<std::int64_t>(size);
  if (layout == nullptr) return {layout, end, end};
  const std::int64_t position = chunk_end(begin, size, *layout);
  return {layout, position == kEndlessBytes ? position : end, position};
}

void AudioReader::Close::operator()(sf_private_tag* file) const { sf_close(file); }

AudioReader::AudioReader(const std::string& path, Truncated truncated, Formats formats,
                         const std::optional<RawFormat>& raw, const AudioPlace& place)
    : path_(input_name(path)), truncated_(truncated) {
  if (place.is_command) {
    command_.emplace(path);
    file_.descriptor = command_->take_output();
  } else {
    file_ = open_input(path);
  }
  if (place.archive_offset) enter_archive(*place.archive_offset, place.archive_bytes);
  try {
    open_whole(formats, raw);
  } catch (const FileError&) {
    stop_if_interrupted();  // which is why bytes were missing
    if (command_) command_->explain_failure(file_.descriptor.get());
    throw;
  }
}

/// Restricts the file to a part of it.
void AudioReader::enter_archive(std::int64_t offset, std::optional<std::int64_t> bytes) {
  if (is_pipe()) {
    throw FileError(path_, fmt::format("is a pipe and has no byte {} to begin at", offset));
  }
  const auto [begin, size] = bytes ? std::pair(offset, *bytes) : find_in_archive(offset);
  path_ += fmt::format(":{}", offset);
  const std::int64_t left = std::max<std::int64_t>(0, file_.bytes - begin);
  if (size == 0 || left == 0) throw FileError(path_, "is empty (0 bytes)");
  file_.origin = begin;
  file_.bytes = std::min(size, left);
}

/// Where the recording begins that an archive of Kaldi has at `offset`, and its bytes: a WAV, or
/// what kaldiio puts before any recording, "AUDIO" and a number of bytes after the number of its
/// own.
std::pair<std::int64_t, std::int64_t> AudioReader::find_in_archive(std::int64_t offset) {
  constexpr std::size_t kAudio = 5, kHead = 16;
  const auto head = peek(file_.descriptor.get(), offset, kHead);
  const std::span<const unsigned char> bytes = head;
  if (head.size() == kHead && text(head) == "AUDI" && head[4] == 'O' && head[kAudio] <= 8) {
    const std::size_t size_bytes = head[kAudio];
    const std::uint64_t size = number(bytes.subspan(kAudio + 1, size_bytes), ByteOrder::little);
    return {offset + static_cast<std::int64_t>(kAudio + 1 + size_bytes),
            static_cast<std::int64_t>(std::min<std::uint64_t>(size, kEndlessBytes))};
  }
  if (head.size() < kHead || !is_wav(head) || text(head) != "RIFF") {
    throw FileError(path_, fmt::format("no WAV begins at byte {} of its {}", offset, file_.bytes));
  }
  const std::uint64_t size = number(bytes.subspan(4, 4), ByteOrder::little);
  if (size == 0 || means_streamed(size, 4)) {
    throw FileError(fmt::format("{}:{}", path_, offset),
                    "the WAV does not say where it ends, which it must in an archive");
  }
  return {offset, static_cast<std::int64_t>(size) + 8};
}

void AudioReader::open_whole(Formats formats, const std::optional<RawFormat>& raw) {
  if (is_pipe()) read_through(-1);
  if (!raw) skip_tags();
  if (!raw && begins_mp3(peek_at_head())) {
    open_mp3();
    return;
  }
  if (!is_pipe() && !raw && formats == Formats::allowed) {
    check_allowed(path_, peek_at_head(), file_.bytes);
  }
  format_ = open(formats, raw);
}

void AudioReader::skip_tags() {
  tag_bytes_ = leading_tag_bytes(peek_at_head());
  if (tag_bytes_ == 0) return;
  if (is_pipe()) {
    bytes_->skip(tag_bytes_);
  } else {
    const std::int64_t bytes = std::min(tag_bytes_, file_.bytes);
    file_.origin += bytes;
    file_.bytes -= bytes;
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

/// Lets libsndfile read through ByteSource.
void AudioReader::read_through(std::int64_t file_bytes) {
  bytes_ = std::make_unique<ByteSource>(file_.descriptor.get(), path_, file_bytes, file_.origin,
                                        file_.bytes);
}

/// Finds where the samples begin and end, if the header says so.
void AudioReader::place_samples() {
  const std::int64_t file_bytes = is_pipe() ? kEndlessBytes : file_.bytes;
  const auto samples = find_samples(*container_, peek_at_head(), file_bytes);
  if (!samples) return;
  const bool needs_size = container_->chunks != nullptr && container_->chunks->needs_size;
  is_streamed_ = means_streamed(samples->size, samples->size_bytes);
  if (is_streamed_) {
    if (needs_size) overwrite_size(*samples);
  } else {
    trailing_ = trailing(container_->chunks, samples->begin, samples->size);
    // Libsndfile would look for more chunks before it plays what it has. The writer of a
    // pipe may keep it open after the samples.
    if (is_pipe() && samples->has_format) bytes_->restrict_to(0, trailing_->position);
  }
  if (is_pipe()) return;
  mismatch_ = find_mismatch(*samples, file_.bytes);
  if (mismatch_ && mismatch_->promised > mismatch_->present && needs_size) {
    read_through(file_.bytes + mismatch_->promised - mismatch_->present);
  }
}

/// Shows libsndfile the size up to the end of the file.
void AudioReader::overwrite_size(const Samples& samples) {
  if (!bytes_) read_through(file_.bytes);
  const std::int64_t size = (is_pipe() ? kEndlessBytes : file_.bytes) - samples.begin;
  std::array<unsigned char, 8> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<unsigned char>(size >> (56 - 8 * i) & 0xff);
  }
  bytes_->overwrite(samples.begin - std::ssize(bytes), bytes);
}

/// Throws FileError if a header stands before samples that should have none.
void AudioReader::check_raw(const RawFormat& raw) {
  if (begins_recording(peek_at_head()(0, 40))) {
    throw FileError(path_, "begins with the header of a recording; omit --raw-rate");
  }
  raw_frame_bytes_ = raw.channels * bytes_of(raw.encoding);
}

/// Checks what libsndfile would believe without a check.
void AudioReader::open_container(Formats formats, std::span<const unsigned char> head) {
  if (is_pipe()) check_piped(path_, *bytes_, formats);
  if (is_wav(head) && formats == Formats::allowed) {
    throw FileError(
        path_, fmt::format("is a WAV without format or samples (PCM, float, mu-law or A-law){}",
                           is_pipe() ? " in its first bytes" : ""));
  }
  if (container_ == nullptr) return;
  if (container_->integrity) {
    if (!bytes_) read_through(file_.bytes);
    bytes_->check_integrity(*container_->integrity);
  }
  place_samples();
}

AudioFormat AudioReader::open(Formats formats, const std::optional<RawFormat>& raw) {
  if (raw) {
    check_raw(*raw);
  } else {
    const auto head = peek_at_head()(0, 40);
    container_ = find_container(head);
    if (container_ != nullptr && container_->read_header != nullptr) {
      pcm_ =
          container_->read_header(path_, peek_at_head(), is_pipe() ? kEndlessBytes : file_.bytes);
    }
    if (!pcm_) open_container(formats, head);
  }
  if (pcm_) {
    if (!bytes_) read_through(file_.bytes);
    bytes_->restrict_to(pcm_->begin, pcm_->bytes);
    if (pcm_->bytes >= 0) {
      trailing_ = trailing(pcm_->layout, pcm_->begin, static_cast<std::uint64_t>(pcm_->bytes));
    }
  }
  const std::int64_t flac_frames = is_flac() ? bytes_->hide_flac_total() : 0;
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
  if (pcm_) format.channel_mask = pcm_->channel_mask;
  if (flac_frames > 0) format.frames = flac_frames;
  if (is_streamed_ && is_pipe()) format.frames = -1;
  goes_on_ = flac_frames > 0;
  if (!is_pipe() && !raw) check_header(info.frames);
  return format;
}

std::size_t AudioReader::read(std::span<float> interleaved) {
  if (ended_) return 0;
  if (!command_) return read_frames(interleaved);
  try {
    const std::size_t got = read_frames(interleaved);
    if (ended_) command_->finish(file_.descriptor.get());
    return got;
  } catch (const FileError&) {
    command_->explain_failure(file_.descriptor.get());
    throw;
  }
}

bool AudioReader::skips_at_once() const {
  return !is_pipe() && !mp3_ && !has_frames_or_pages() &&
         (pcm_ || raw_frame_bytes_ > 0 || container_ != nullptr);
}

std::int64_t AudioReader::skip(std::int64_t frames) {
  if (skips_at_once() && frames < format_.frames - frames_read_) {
    if (sf_seek(sndfile_.get(), frames, SEEK_CUR) != frames_read_ + frames) {
      throw FileError(path_, fmt::format("cannot be read from frame {} on ({})",
                                         frames_read_ + frames, sf_strerror(sndfile_.get())));
    }
    return frames_read_ += frames;
  }
  if (frames == 0) return frames_read_;
  const std::int64_t end = frames_read_ + frames;
  constexpr std::int64_t kPortion = 4096;  // frames
  std::vector<float> dropped(static_cast<std::size_t>(kPortion * format_.channels));
  while (frames_read_ < end && !ended_) {
    stop_if_interrupted();
    const std::int64_t wanted = std::min(end - frames_read_, kPortion);
    read(std::span(dropped).first(static_cast<std::size_t>(wanted * format_.channels)));
  }
  return frames_read_;
}

std::size_t AudioReader::read_frames(std::span<float> interleaved) {
  const auto fit = static_cast<sf_count_t>(interleaved.size()) / format_.channels;
  // Not more than is promised: the writer of a pipe may keep it open after that.
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

/// Compares the bytes of samples that the header promises with those present. Fewer than 4 GiB more
/// may be chunks after the samples.
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
  } else if (has_frames_or_pages()) {
    check_stream();
  }
  if (shortfall_.empty()) check_trailing();
}

/// Compares the frames of an MP3 with its header.
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
    reject_several();
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
    lacks(fmt::format("its {} bytes are not a whole number of frames of {} bytes", raw_bytes,
                      raw_frame_bytes_));
    return;
  }
  if (frames_read_ == format_.frames) {
    // An error of the decoder does not matter: it may have met tags.
    check_surplus();
    return;
  }
  if (has_frames_or_pages() && is_pipe()) check_stream();
  if (is_joined_) return;  // the decoder stumbles over the second one
  if (is_flac() && format_.frames < 0) return check_frames();
  if (is_flac()) check_hole();
  // A truncated FLAC ends in the middle of a block, which is an error of the decoder. So is damage,
  // but then the file goes on.
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

/// Looks for damaged or missing frames in a FLAC with too few samples.
void AudioReader::check_hole() {
  const IntegrityCheck& check = bytes_->finish_check();
  bytes_->check_end();
  if (check.has_another()) return;
  const auto hole = is_pipe() ? check.frames().hole() : hole_of(peek_into(file_));
  if (!hole) return;
  throw FileError(path_, fmt::format("is damaged ({} from sample {} ({:.3f} s) on)",
                                     hole->is_missing ? "frames are missing" : "a frame is broken",
                                     hole->begin, static_cast<double>(hole->begin) / format_.rate));
}

/// Throws FileError for damage of an Ogg or a FLAC that libsndfile overlooks.
void AudioReader::check_stream() {
  const IntegrityCheck& check = bytes_->finish_check();
  bytes_->check_end();
  if (!check.damage().empty()) throw FileError(path_, "is damaged (" + check.damage() + ")");
  if (!check.has_ended()) lacks("its last page is not there");
  if (check.has_another()) reject_several();
}

/// Checks the end of a FLAC of unknown length. Its decoder also fails at tags.
void AudioReader::check_frames() {
  const auto verdict = bytes_->integrity().frames().verdict();
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
    if (bytes_->integrity().has_another()) {
      reject_several();
    } else {
      exceeds(fmt::format("its header promises {} frames, and more are there", frames_read_));
    }
  } else if (is_pipe() && has_frames_or_pages()) {
    check_stream();
  } else if (is_pipe()) {
    check_trailing();
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
void AudioReader::check_trailing() {
  if (!trailing_) return;
  const std::int64_t limit = is_pipe() ? trailing_->end + kWrap : file_.bytes;
  const Peek peek = [&](std::int64_t offset, std::size_t count) -> std::vector<unsigned char> {
    // In an archive another recording follows.
    if (offset > limit) return {};
    if (!is_pipe()) count = std::min(count, static_cast<std::size_t>(limit - offset));
    return bytes_ ? bytes_->read_trailing(offset, count)
                  : gpuconv::peek(file_.descriptor.get(), file_.origin + offset, count);
  };
  const ChunkLayout* const layout = trailing_->layout;
  if (begins_recording(peek(trailing_->end, 40))) return reject_several();
  std::int64_t position = trailing_->position;
  if (layout != nullptr && position > trailing_->end) {  // not everybody writes the padding
    position = end_of_chunk_at(peek, trailing_->end, *layout).value_or(position);
  }
  for (int chunks = 0; chunks < kMostTrailingChunks; ++chunks) {
    const auto head = peek(position, 40);
    if (begins_recording(head)) return reject_several();
    if (const std::int64_t tag = tag_bytes(head); tag > 0) {
      position += tag;
      continue;
    }
    const auto end = layout == nullptr ? std::nullopt : end_of_chunk_at(peek, position, *layout);
    if (!end) break;
    if (text(head) == layout->samples) return reject_several();
    position = *end;
  }
  if (is_like_sound(peek(position, 2 * kMostJunk))) {
    exceeds(fmt::format("more than {} bytes after the samples are not a chunk", kMostJunk));
  }
}

void AudioReader::lacks(const std::string& problem) {
  reject("is truncated (" + problem + ")", "the part that is there");
}

void AudioReader::exceeds(const std::string& problem) {
  reject("is longer than its header says (" + problem + ")", "only the promised part");
}

void AudioReader::reject_several() {
  is_joined_ = true;
  reject("contains several concatenated recordings", "only the first");
}

void AudioReader::reject(const std::string& problem, const char* accepted) {
  shortfall_ = problem;
  if (truncated_ == Truncated::error) {
    throw FileError(path_, problem + "; use --truncated accept to read " + accepted);
  }
}

}  // namespace gpuconv
