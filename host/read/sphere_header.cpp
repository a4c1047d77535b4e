#include "host/read/sphere_header.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <string_view>

#include "host/base/error.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kSizeEnd = 16;  // of the two lines that every header begins with
constexpr std::int64_t kMostHeaderBytes = 1 << 20;

/// The fields of a header by their names: "sample_rate -i 16000".
using Fields = std::map<std::string_view, std::string_view>;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

Fields parse_fields(std::string_view header) {
  Fields fields;
  while (!header.empty()) {
    const std::string_view line = trimmed(header.substr(0, header.find('\n')));
    header.remove_prefix(std::min(header.find('\n'), header.size() - 1) + 1);
    if (line == "end_head") break;
    const std::size_t name_end = line.find_first_of(" \t");
    if (name_end == line.npos) continue;
    const std::string_view typed = trimmed(line.substr(name_end));  // "-i 16000", "-s2 01"
    const std::size_t type_end = typed.find_first_of(" \t");
    if (!typed.starts_with('-') || type_end == typed.npos) continue;
    fields.emplace(line.substr(0, name_end), trimmed(typed.substr(type_end)));
  }
  return fields;
}

class SphereHeader {
 public:
  SphereHeader(const std::string& path, std::string_view header)
      : path_(path), fields_(parse_fields(header)) {}

  std::string_view text(std::string_view name) const {
    const auto field = fields_.find(name);
    return field == fields_.end() ? std::string_view() : field->second;
  }

  /// A whole number, which some write as a real one ("16000.000"); `otherwise` if it is absent.
  std::int64_t number(std::string_view name, std::int64_t otherwise) const {
    const std::string_view value = text(name);
    if (value.empty()) return otherwise;
    double parsed = -1;
    const auto end = std::from_chars(value.data(), value.data() + value.size(), parsed);
    constexpr double kMost = 0x1p52;
    if (end.ptr != value.data() + value.size() || !(parsed >= 0 && parsed <= kMost) ||
        parsed != std::floor(parsed)) {
      reject(name);
    }
    return static_cast<std::int64_t>(parsed);
  }

  [[noreturn]] void reject(std::string_view name) const {
    throw FileError(path_, fmt::format("is a NIST SPHERE file whose {} is '{}', which gpuconv does "
                                       "not read",
                                       name, printable(text(name))));
  }

  /// Of the samples, by sample_coding, sample_n_bytes and sample_byte_format.
  RawFormat format() const {
    const std::string_view coding = text("sample_coding");
    if (coding.find(',') != coding.npos) {
      throw FileError(path_, fmt::format("is a NIST SPHERE file with compressed samples ({}); "
                                         "convert it first (for example sph2pipe -f wav FILE "
                                         "out.wav)",
                                         printable(coding)));
    }
    RawFormat format;
    constexpr std::int64_t kMostNumber = 0x7fffffff;  // rejected later, with the limits
    format.rate = static_cast<int>(std::min(number("sample_rate", 0), kMostNumber));
    format.channels = static_cast<int>(std::min(number("channel_count", 1), kMostNumber));
    format.encoding = encoding(coding);
    format.is_big_endian = is_big_endian(bytes_of(format.encoding));
    if (format.channels > 1 && text("channels_interleaved") == "FALSE") {
      reject("channels_interleaved");
    }
    return format;
  }

 private:
  static std::string printable(std::string_view value) {
    std::string text(value.substr(0, 80));
    std::ranges::replace_if(
        text, [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
    return text;
  }

  RawEncoding encoding(std::string_view coding) const {
    const bool is_ulaw = coding == "ulaw" || coding == "mu-law" || coding == "mulaw";
    const bool is_alaw = coding == "alaw" || coding == "a-law";
    const bool is_companded = is_ulaw || is_alaw;
    if (!is_companded && !coding.empty() && coding != "pcm") reject("sample_coding");
    switch (number("sample_n_bytes", is_companded ? 1 : 2)) {
      case 1:
        return is_ulaw ? RawEncoding::ulaw : is_alaw ? RawEncoding::alaw : RawEncoding::s8;
      case 2:
        if (!is_companded) return RawEncoding::s16;
        break;
      case 3:
        if (!is_companded) return RawEncoding::s24;
        break;
      case 4:
        if (!is_companded) return RawEncoding::s32;
        break;
      default:
        break;
    }
    reject("sample_n_bytes");
  }

  /// "01", "012" and "0123" are little-endian, "10", "210" and "3210" big-endian. Some write the
  /// shortest of them whatever the size of a sample.
  bool is_big_endian(int sample_bytes) const {
    if (sample_bytes == 1) return false;
    const std::string_view order = text("sample_byte_format");
    if (order == "01" || order == "10") return order == "10";
    const std::string_view little = std::string_view("0123").substr(0, order.size());
    if (order.size() != static_cast<std::size_t>(sample_bytes)) reject("sample_byte_format");
    if (order == little) return false;
    if (!std::equal(order.begin(), order.end(), little.rbegin())) reject("sample_byte_format");
    return true;
  }

  const std::string& path_;
  Fields fields_;
};

}  // namespace

std::optional<PcmHeader> find_sphere(const std::string& path, const Peek& peek, std::int64_t) {
  const auto head = peek(0, kSizeEnd);
  const std::string_view lines(reinterpret_cast<const char*>(head.data()), head.size());
  if (!lines.starts_with(kSphereMagic)) return std::nullopt;
  const std::string_view second = trimmed(lines.substr(kSphereMagic.size()));
  std::int64_t header_bytes = 0;
  const auto end = std::from_chars(second.data(), second.data() + second.size(), header_bytes);
  if (end.ptr != second.data() + second.size() ||
      header_bytes < static_cast<std::int64_t>(kSizeEnd) || header_bytes > kMostHeaderBytes) {
    throw FileError(path, fmt::format("is a NIST SPHERE file without a size of its header (limit "
                                      "{}..{} bytes)",
                                      kSizeEnd, kMostHeaderBytes));
  }
  const auto bytes = peek(0, static_cast<std::size_t>(header_bytes));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (std::ssize(bytes) < header_bytes) {
    throw FileError(path, fmt::format("is a NIST SPHERE file that ends within its header ({} of {} "
                                      "bytes)",
                                      bytes.size(), header_bytes));
  }
  const SphereHeader header(path, text.substr(kSizeEnd));
  const RawFormat format = header.format();
  const std::int64_t count = header.number("sample_count", 0);
  const std::int64_t frame_bytes = std::int64_t{format.channels} * bytes_of(format.encoding);
  std::int64_t size = -1;
  if (count > 0 && frame_bytes > 0) {
    if (count > kEndlessBytes / frame_bytes) header.reject("sample_count");
    size = count * frame_bytes;
  }
  return PcmHeader{"NIST SPHERE", nullptr, format, header_bytes, size, 8};
}

}  // namespace gpuconv
