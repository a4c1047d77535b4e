#include "tests/support/specimens.hpp"

#include <sndfile.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "host/write/output.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"

namespace gpuconv::test {
namespace {

constexpr std::uint64_t kFrames = 32;
constexpr std::uint64_t kRate = 16'000;
constexpr std::uint64_t kDataBytes = kFrames * 2 * 2;  // 16-bit PCM

/// 32 frames of 16-bit noise.
std::string samples() {
  Random random(5);
  std::string bytes;
  for (std::uint64_t i = 0; i < kDataBytes; ++i) bytes.push_back(static_cast<char>(random.next()));
  return bytes;
}

void add_fmt(SpecimenWriter& out, std::uint64_t format, std::uint64_t bytes) {
  out.text("fmt ").number("fmt size", bytes, 4).number("format", format, 2);
  out.number("channels", 2, 2).number("rate", kRate, 4).number("byte rate", kRate * 4, 4);
  out.number("block align", 4, 2).number("bits", 16, 2);
}

Specimen wav() {
  SpecimenWriter out;
  out.text("RIFF").number("RIFF size", 36 + kDataBytes, 4).text("WAVE");
  add_fmt(out, 1, 16);
  out.text("data").number("data size", kDataBytes, 4);
  return out.finish("WAV", ".wav", samples());
}

/// With the chunks that samplers, editors and broadcasters add.
Specimen wav_with_chunks() {
  SpecimenWriter out;
  out.text("RIFF").number("RIFF size", 0, 4).text("WAVE");
  add_fmt(out, 1, 16);
  out.text("fact").number("fact size", 4, 4).number("fact frames", kFrames, 4);
  out.text("cue ").number("cue size", 4 + 24, 4).number("cue count", 1, 4).number("cue id", 1, 4);
  out.number("cue position", 3, 4).text("data").number("cue chunk start", 0, 4);
  out.number("cue block start", 0, 4).number("cue offset", 3, 4);
  out.text("smpl").number("smpl size", 36 + 24, 4);
  for (const char* const name :
       {"maker", "product", "period", "note", "fraction", "SMPTE", "SMPTE offset"}) {
    out.number(std::string("smpl ") + name, 0, 4);
  }
  out.number("smpl loops", 1, 4).number("smpl extra", 0, 4).number("loop id", 1, 4);
  out.number("loop type", 0, 4).number("loop start", 0, 4).number("loop end", 31, 4);
  out.number("loop fraction", 0, 4).number("loop plays", 0, 4);
  out.text("LIST").number("LIST size", 4 + 8 + 4, 4).text("INFOISFT");
  out.number("ISFT size", 4, 4).text("none");
  out.text("PEAK").number("PEAK size", 24, 4).number("PEAK version", 1, 4);
  out.number("PEAK time", 0, 4).number("peak 1", 0, 4).number("place 1", 0, 4);
  out.number("peak 2", 0, 4).number("place 2", 0, 4);
  out.text("data").number("data size", kDataBytes, 4);
  out.set("RIFF size", out.size() - 8 + kDataBytes);
  return out.finish("WAV with chunks", ".wav", samples());
}

Specimen wavex() {
  SpecimenWriter out;
  out.text("RIFF").number("RIFF size", 60 + kDataBytes, 4).text("WAVE");
  add_fmt(out, 0xfffe, 40);
  out.number("extension size", 22, 2).number("valid bits", 16, 2).number("speakers", 3, 4);
  out.number("GUID format", 1, 4).number("GUID 2", 0, 2).number("GUID 3", 0x10, 2);
  out.number("GUID 4", 0x719b'3800'aa00'0080, 8);
  out.text("data").number("data size", kDataBytes, 4);
  return out.finish("WAVEX", ".wav", samples());
}

/// RF64, or BW64 with the chunks of an audio definition model.
Specimen rf64(const std::string& magic) {
  SpecimenWriter out;
  out.text(magic).number(magic + " size", 0xffffffff, 4).text("WAVE");
  out.text("ds64").number("ds64 size", 28, 4).number("ds64 RIFF size", 0, 8);
  out.number("ds64 data size", kDataBytes, 8).number("ds64 frames", kFrames, 8);
  out.number("ds64 table length", 0, 4);
  add_fmt(out, 1, 16);
  if (magic == "BW64") {
    out.text("chna").number("chna size", 4 + 40, 4).number("tracks", 1, 2).number("UIDs", 1, 2);
    out.number("track", 1, 2).text("ATU_00000001AT_00031001_01AP_00031001").number("pad", 0, 1);
    out.text("axml").number("axml size", 8, 4).text("<a></a> ");
  }
  out.text("data").number("data size", 0xffffffff, 4);
  out.set("ds64 RIFF size", out.size() - 8 + kDataBytes);
  return out.finish(magic, "." + magic, samples());
}

/// Text, each digit of which is a field.
Specimen sphere() {
  std::string header =
      "NIST_1A\n    256\ndatabase_id -s4 DEMO\nchannel_count -i 2\nsample_count -i 32\n"
      "sample_rate -i 16000\nsample_n_bytes -i 2\nsample_byte_format -s2 01\n"
      "sample_coding -s3 pcm\nend_head\n";
  header.resize(256, ' ');
  SpecimenWriter out;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string name = "digit at byte " + std::to_string(i);
    if (header[i] >= '0' && header[i] <= '9') {
      out.number(name, static_cast<unsigned char>(header[i]), 1);
    } else {
      out.text(header.substr(i, 1));
    }
  }
  return out.finish("SPHERE", ".sph", samples());
}

Specimen w64() {
  const std::string riff("\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00", 12);
  const std::string other("\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a", 12);
  SpecimenWriter out;
  out.text("riff").text(riff).number("riff size", 0, 8).text("wave").text(other);
  out.text("fmt ").text(other).number("fmt size", 24 + 16, 8).number("format", 1, 2);
  out.number("channels", 2, 2).number("rate", kRate, 4).number("byte rate", kRate * 4, 4);
  out.number("block align", 4, 2).number("bits", 16, 2);
  out.text("data").text(other).number("data size", 24 + kDataBytes, 8);
  out.set("riff size", out.size() + kDataBytes);
  return out.finish("W64", ".w64", samples());
}

/// AIFF, or AIFC with a compression type.
Specimen aiff(const std::string& compression) {
  SpecimenWriter out(Order::big);
  const bool is_aifc = !compression.empty();
  out.text("FORM").number("FORM size", 0, 4).text(is_aifc ? "AIFC" : "AIFF");
  if (is_aifc) out.text("FVER").number("FVER size", 4, 4).number("FVER time", 0xa2805140, 4);
  out.text("COMM").number("COMM size", is_aifc ? 24 : 18, 4).number("channels", 2, 2);
  out.number("frames", kFrames, 4).number("bits", 16, 2);
  out.number("rate exponent", 0x400c, 2).number("rate mantissa", 0xfa00'0000'0000'0000, 8);
  if (is_aifc) {
    out.text(compression).number("compression name length", 0, 1).number("pad", 0, 1);
  }
  out.text("MARK").number("MARK size", 2 + 8, 4).number("markers", 1, 2).number("marker id", 1, 2);
  out.number("marker place", 3, 4).number("marker name length", 1, 1).text("a");
  out.text("INST").number("INST size", 20, 4).number("note", 60, 1).number("detune", 0, 1);
  out.number("low note", 0, 1).number("high note", 127, 1).number("low velocity", 1, 1);
  out.number("high velocity", 127, 1).number("INST gain", 0, 2);
  for (const char* const loop : {"sustain", "release"}) {
    out.number(std::string(loop) + " mode", 1, 2).number(std::string(loop) + " begin", 1, 2);
    out.number(std::string(loop) + " end", 1, 2);
  }
  out.text("SSND").number("SSND size", 8 + kDataBytes, 4).number("SSND offset", 0, 4);
  out.number("SSND block", 0, 4);
  out.set("FORM size", out.size() - 8 + kDataBytes);
  return out.finish(is_aifc ? "AIFC" : "AIFF", ".aiff", samples());
}

Specimen caf() {
  SpecimenWriter out(Order::big);
  out.text("caff").number("version", 1, 2).number("flags", 0, 2);
  out.text("desc").number("desc size", 32, 8).number("rate", 0x40cf'4000'0000'0000, 8);
  out.text("lpcm").number("desc flags", 0, 4).number("packet bytes", 4, 4);
  out.number("packet frames", 1, 4).number("channels", 2, 4).number("bits", 16, 4);
  out.text("chan").number("chan size", 12, 8).number("layout", 0x650002, 4);
  out.number("speakers", 0, 4).number("descriptions", 0, 4);
  out.text("info").number("info size", 4 + 4, 8).number("info count", 1, 4);
  out.text(std::string_view("a\0b\0", 4));
  out.text("data").number("data size", 4 + kDataBytes, 8).number("edits", 0, 4);
  return out.finish("CAF", ".caf", samples());
}

Specimen au() {
  SpecimenWriter out(Order::big);
  out.text(".snd").number("offset", 24, 4).number("data size", kDataBytes, 4);
  out.number("encoding", 3, 4).number("rate", kRate, 4).number("channels", 2, 4);
  return out.finish("AU", ".au", samples());
}

/// What our own writer makes of noise.
std::string encoded(const std::string& extension) {
  const Folder folder;
  const std::string path = folder.file("specimen" + extension);
  const Signal ear = noise(kFrames, 7);
  WetWriter writer(path, {}, static_cast<int>(kRate));
  writer.write({ear, ear});
  writer.finish();
  return read_bytes(path);
}

Specimen flac() {
  Specimen flac{"FLAC", ".flac", encoded(".flac"), {}, 0, nullptr};
  const auto field = [&](const std::string& name, std::size_t offset, int bytes,
                         Order order = Order::big) {
    flac.fields.push_back({name, offset, bytes, order});
  };
  field("block type", 4, 1);
  field("STREAMINFO size", 5, 3);
  field("least block", 8, 2);
  field("largest block", 10, 2);
  field("least frame", 12, 3);
  field("largest frame", 15, 3);
  field("rate, channels, bits and total", 18, 8);
  field("checksum", 26, 8);
  field("next block type", 42, 1);
  field("next block size", 43, 3);
  field("vendor length", 46, 4, Order::little);
  // The frame: after the metadata blocks, the last of which has the highest bit of its type set.
  std::size_t end = 4;
  for (bool is_last = false; !is_last;) {
    const Field size{"", end + 1, 3, Order::big};
    is_last = (flac.bytes.at(end) & 0x80) != 0;
    end += 4 + get(flac.bytes, size);
  }
  for (std::size_t byte = 0; byte < 16; ++byte) {
    field("byte " + std::to_string(byte) + " of the frame", end + byte, 1);
  }
  flac.header_bytes = end + 16;
  return flac;
}

/// CRC-32 of Ogg: polynomial 0x04c11db7, not reflected, over the page with this field at 0.
std::uint32_t ogg_crc(std::string_view page) {
  std::uint32_t crc = 0;
  for (const char c : page) {
    crc ^= std::uint32_t{static_cast<unsigned char>(c)} << 24;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc >> 31) * 0x04c11db7u);
  }
  return crc;
}

void mend_ogg(std::string& bytes) {
  for (std::size_t page = bytes.find("OggS"); page != std::string::npos;) {
    const std::size_t next = bytes.find("OggS", page + 4);
    const Field checksum{"", page + 22, 4, Order::little};
    if (checksum.offset + 4 > bytes.size()) return;
    put(bytes, checksum, 0);
    put(bytes, checksum, ogg_crc(std::string_view(bytes).substr(page, next - page)));
    page = next;
  }
}

Specimen ogg() {
  Specimen ogg{"Ogg", ".ogg", encoded(".ogg"), {}, 0, mend_ogg};
  const auto field = [&](const std::string& name, std::size_t offset, int bytes) {
    ogg.fields.push_back({name, offset, bytes, Order::little});
  };
  std::size_t page = 0;
  for (const char* const which : {"first", "second", "third"}) {
    const std::string of = std::string(" of the ") + which + " page";
    field("version" + of, page + 4, 1);
    field("type" + of, page + 5, 1);
    field("granule" + of, page + 6, 8);
    field("serial" + of, page + 14, 4);
    field("number" + of, page + 18, 4);
    field("checksum" + of, page + 22, 4);
    field("segments" + of, page + 26, 1);
    field("first segment" + of, page + 27, 1);
    page = ogg.bytes.find("OggS", page + 4);
    if (page == std::string::npos) break;
  }
  constexpr std::size_t kId = 28;  // the identification header of Vorbis
  field("packet type", kId, 1);
  field("Vorbis version", kId + 7, 4);
  field("channels", kId + 11, 1);
  field("rate", kId + 12, 4);
  field("largest bit rate", kId + 16, 4);
  field("nominal bit rate", kId + 20, 4);
  field("least bit rate", kId + 24, 4);
  field("block sizes", kId + 28, 1);
  field("framing", kId + 29, 1);
  const std::size_t comment = ogg.bytes.find("\x03vorbis");
  field("vendor length", comment + 7, 4);
  const std::size_t setup = ogg.bytes.find("\x05vorbis");
  for (std::size_t byte = 7; byte < 20; ++byte) {
    field("byte " + std::to_string(byte) + " of the set-up", setup + byte, 1);
  }
  ogg.header_bytes = comment + 40;
  return ogg;
}

/// 32 frames of what LAME makes of noise, by way of libsndfile: all else is said to be padding. No
/// bytes where libsndfile was built without MP3.
Specimen mp3() {
  const Folder folder;
  SF_INFO info{};
  info.samplerate = static_cast<int>(kRate);
  info.channels = 2;
  info.format = SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III;
  SNDFILE* const file = sf_open(folder.file("a").c_str(), SFM_WRITE, &info);
  if (file == nullptr) return {"MP3", ".mp3", "", {}, 0, nullptr};
  const Signal sound = noise(2'000, 7);
  sf_writef_float(file, sound.data(), std::ssize(sound) / 2);
  sf_close(file);
  Specimen mp3{"MP3", ".mp3", read_bytes(folder.file("a")), {}, 0, nullptr};
  const auto field = [&](const std::string& name, std::size_t offset, int bytes) {
    mp3.fields.push_back({name, offset, bytes, Order::big});
  };
  for (std::size_t byte = 0; byte < 4; ++byte) {
    field("byte " + std::to_string(byte) + " of the first header", byte, 1);
  }
  const std::size_t tag = mp3.bytes.find("LAME") - 120;  // after flags, counts and a table
  field("name of the header", tag, 4);
  field("flags", tag + 4, 4);
  field("frames", tag + 8, 4);
  field("bytes", tag + 12, 4);
  field("delay and padding", tag + 120 + 21, 3);
  const std::uint64_t frames = get(mp3.bytes, mp3.fields[6]);
  constexpr std::uint64_t kDelay = 1000, kDecoderDelay = 529, kFrameSamples = 576;
  const std::uint64_t padding = frames * kFrameSamples - kDelay - kFrames;
  put(mp3.bytes, mp3.fields.back(), kDelay << 12 | padding);
  if (padding < kDecoderDelay || padding > 0xfff) throw std::logic_error("another padding");
  const std::size_t second = mp3.bytes.find(mp3.bytes.substr(0, 2), 4);
  for (std::size_t byte = 0; byte < 24; ++byte) {
    field("byte " + std::to_string(byte) + " of the second frame", second + byte, 1);
  }
  mp3.header_bytes = second + 24;
  return mp3;
}

template <typename Named>
const Named& named(const std::vector<Named>& all, const std::string& name) {
  const auto found = std::ranges::find(all, name, &Named::name);
  if (found == all.end()) throw std::invalid_argument("there is no " + name);
  return *found;
}

}  // namespace

SpecimenWriter& SpecimenWriter::text(std::string_view characters) {
  bytes_ += characters;
  return *this;
}

SpecimenWriter& SpecimenWriter::number(const std::string& name, std::uint64_t value, int bytes) {
  fields_.push_back({name, bytes_.size(), bytes, order_});
  bytes_ += order_ == Order::big ? big(value, bytes) : little(value, bytes);
  return *this;
}

void SpecimenWriter::set(const std::string& name, std::uint64_t value) {
  put(bytes_, named(fields_, name), value);
}

Specimen SpecimenWriter::finish(const std::string& name, const std::string& extension,
                                const std::string& samples) const {
  return {name, extension, bytes_ + samples, fields_, bytes_.size(), nullptr};
}

void put(std::string& bytes, const Field& field, std::uint64_t value) {
  const std::string digits =
      field.order == Order::big ? big(value, field.bytes) : little(value, field.bytes);
  bytes.replace(field.offset, digits.size(), digits);
}

std::uint64_t get(const std::string& bytes, const Field& field) {
  std::uint64_t value = 0;
  for (int i = 0; i < field.bytes; ++i) {
    const int place = field.order == Order::big ? i : field.bytes - 1 - i;
    const char byte = bytes.at(field.offset + static_cast<std::size_t>(place));
    value = value << 8 | static_cast<unsigned char>(byte);
  }
  return value;
}

const std::vector<Specimen>& specimens() {
  static const std::vector<Specimen> all = [] {
    std::vector<Specimen> specimens{
        wav(),    wav_with_chunks(), wavex(), rf64("RF64"), rf64("BW64"), w64(),
        aiff(""), aiff("sowt"),      caf(),   au(),         flac(),       ogg(),
        sphere()};
    if (Specimen one = mp3(); !one.bytes.empty()) specimens.push_back(std::move(one));
    return specimens;
  }();
  return all;
}

const Specimen& specimen(const std::string& name) { return named(specimens(), name); }

std::string changed(const std::string& name, const std::string& field, std::uint64_t value) {
  const Specimen& whole = specimen(name);
  std::string bytes = whole.bytes;
  put(bytes, named(whole.fields, field), value);
  return bytes;
}

}  // namespace gpuconv::test
