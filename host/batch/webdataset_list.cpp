// webdataset_list.cpp - shards of WebDataset: recordings in a tar, and JSON beside them
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <deque>
#include <nlohmann/json.hpp>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/batch/list_reader.hpp"
#include "host/files/input_file.hpp"
#include "host/files/location.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kBlock = 512;
constexpr std::size_t kMostText = 1 << 20;  ///< of a JSON file or a long name

/// Recordings of all kinds: one that gpuconv does not read shall fail, not be missing.
constexpr std::string_view kRecordings[] = {
    "wav", "wave", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "aifc", "au", "snd",
    "caf", "w64",  "rf64", "sph", "m4a", "aac",  "mp4", "wma", "webm", "wv",   "ape"};

struct Member {
  std::string name;
  std::int64_t begin = 0;  ///< of its bytes in the file
  std::int64_t bytes = 0;
  int number = 0;  ///< from 1
};

std::string_view text_field(std::string_view header, std::size_t begin, std::size_t size) {
  const std::string_view field = header.substr(begin, size);
  return field.substr(0, field.find('\0'));
}

/// Digits of base 8, or a number of 8 bytes where the first one has its highest bit set.
std::int64_t number_field(std::string_view header, std::size_t begin, std::size_t size) {
  const std::string_view field = header.substr(begin, size);
  std::int64_t number = 0;
  if ((static_cast<unsigned char>(field[0]) & 0x80) != 0) {
    for (std::size_t i = size - 8; i < size; ++i) {
      number = static_cast<std::int64_t>(static_cast<std::uint64_t>(number) << 8 |
                                         static_cast<unsigned char>(field[i]));
    }
    return number;
  }
  const std::string_view digits = trimmed(text_field(header, begin, size));
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, 8);
  const bool is_right = error == std::errc() && end == digits.data() + digits.size();
  return digits.empty() ? 0 : is_right ? number : -1;
}

/// The sum of all bytes of a header, where its own field counts as blanks.
bool has_right_sum(std::string_view header) {
  constexpr std::size_t kSum = 148, kSumBytes = 8;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const bool is_sum = i >= kSum && i < kSum + kSumBytes;
    sum += is_sum ? ' ' : static_cast<unsigned char>(header[i]);
  }
  return sum == number_field(header, kSum, kSumBytes);
}

/// The members of a tar that are files.
class Tar {
 public:
  Tar(const std::string& path, InputFile file) : path_(path), file_(std::move(file)) {}

  /// The number of the member that next() reads, from 1.
  int number() const { return number_; }

  std::string text(const Member& member) const {
    if (member.bytes > static_cast<std::int64_t>(kMostText)) {
      throw BadLine(fmt::format("'{}' has more than {} bytes", member.name, kMostText));
    }
    const auto bytes =
        peek(file_.descriptor.get(), member.begin, static_cast<std::size_t>(member.bytes));
    return {bytes.begin(), bytes.end()};
  }

  /// Nothing at the end. Throws BadLine if the tar is damaged or truncated.
  std::optional<Member> next() {
    std::string long_name;
    std::int64_t long_size = -1;
    for (;;) {
      stop_if_interrupted();
      const std::string header = block();
      if (header.size() < kBlock) throw BadLine("is missing: the tar is truncated");
      if (header.find_first_not_of('\0') == header.npos) {
        check_rest();
        return std::nullopt;
      }
      if (!has_right_sum(header)) {
        throw BadLine(fmt::format("does not begin at byte {}: the tar is damaged", position_));
      }
      Member member;
      member.number = number_;
      member.begin = position_ + static_cast<std::int64_t>(kBlock);
      member.bytes = number_field(header, 124, 12);
      const char kind = header[156];
      const bool is_extension = kind == 'x' || kind == 'g' || kind == 'L' || kind == 'K';
      if (!is_extension && long_size >= 0) member.bytes = long_size;
      if (member.bytes < 0 || member.bytes > file_.bytes - member.begin) {
        throw BadLine("goes on after the end of the file: the tar is truncated");
      }
      constexpr auto kSize = static_cast<std::int64_t>(kBlock);
      position_ = member.begin + (member.bytes + kSize - 1) / kSize * kSize;
      if (kind == 'L') long_name = text_field(text(member), 0, kMostText);
      if (kind == 'x') read_extension(text(member), long_name, long_size);
      if (is_extension) continue;
      ++number_;
      if (kind == '0' || kind == '\0' || kind == '7') {
        member.name = long_name.empty() ? name_in(header) : long_name;
        return member;
      }
      long_name.clear();
      long_size = -1;
    }
  }

 private:
  std::string block() const {
    const auto bytes = peek(file_.descriptor.get(), position_, kBlock);
    return {bytes.begin(), bytes.end()};
  }

  static std::string name_in(std::string_view header) {
    const std::string name(text_field(header, 0, 100));
    // GNU has other things where POSIX has the folder.
    const bool is_posix = header.substr(kTarMagic, 6) == std::string_view("ustar\0", 6);
    const std::string_view folder = is_posix ? text_field(header, 345, 155) : std::string_view();
    return folder.empty() ? name : std::string(folder) + "/" + name;
  }

  /// "LENGTH KEY=VALUE\n", where LENGTH counts the whole record.
  static void read_extension(std::string_view text, std::string& name, std::int64_t& size) {
    while (!text.empty()) {
      std::size_t length = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
      const auto digits = static_cast<std::size_t>(end - text.data());
      if (error != std::errc() || length <= digits + 1 || length > text.size()) {
        throw BadLine("has a damaged extended header");
      }
      const std::string_view record = text.substr(digits + 1, length - digits - 2);
      if (record.starts_with("path=")) name = record.substr(5);
      if (record.starts_with("size=")) {
        std::from_chars(record.data() + 5, record.data() + record.size(), size);
      }
      text.remove_prefix(length);
    }
  }

  /// After the mark of the end there is padding, which is zeros.
  void check_rest() const {
    constexpr std::size_t kPortion = 1 << 16;
    for (std::int64_t position = position_;; position += static_cast<std::int64_t>(kPortion)) {
      const auto bytes = peek(file_.descriptor.get(), position, kPortion);
      if (bytes.empty()) return;
      if (std::ranges::any_of(bytes, [](unsigned char byte) { return byte != 0; })) {
        throw BadLine("stands after the end of the tar: gpuconv does not read concatenated ones");
      }
    }
  }

  std::string path_;
  InputFile file_;
  std::int64_t position_ = 0;
  int number_ = 1;
};

/// The key of a member, which it shares with those of the same sample, and its kind: the name up to
/// and after the first dot that is not in a folder.
std::pair<std::string_view, std::string_view> split_name(std::string_view name) {
  if (name.starts_with("./")) name.remove_prefix(2);
  const std::size_t slash = name.rfind('/');
  const std::size_t dot = name.find('.', slash == name.npos ? 0 : slash + 1);
  if (dot == name.npos) return {name, {}};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

class WebDatasetReader final : public ListReader {
 public:
  WebDatasetReader(const std::string& path, InputFile file)
      : path_(path), tar_(path, std::move(file)) {}

  ListFormat format() const override { return ListFormat::jsonl; }
  int line() const override { return line_; }

  bool next(DraftJob& job) override {
    while (ready_.empty()) {
      line_ = tar_.number();
      if (has_ended_) return false;
      read_sample();
    }
    job = std::move(ready_.front());
    ready_.pop_front();
    line_ = job.line;
    return true;
  }

 private:
  /// Makes jobs of the next members that share a key.
  void read_sample() {
    std::string key, extra;
    if (!member_) member_ = tar_.next();
    if (member_) key = split_name(member_->name).first;
    for (; member_ && split_name(member_->name).first == key; member_ = tar_.next()) {
      line_ = member_->number;
      const std::string kind(split_name(member_->name).second);
      if (kind == "json") add_json(*member_, extra);
      if (!key.empty() && !key.ends_with('/') && is_recording(kind)) add_job(*member_, key, kind);
      line_ = tar_.number();
    }
    for (DraftJob& job : ready_) job.extra = extra;
    has_ended_ = !member_;
  }

  static bool is_recording(std::string_view kind) {
    std::string last(kind.substr(kind.rfind('.') + 1));
    std::ranges::transform(last, last.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return std::ranges::find(kRecordings, last) != std::end(kRecordings);
  }

  void add_json(const Member& member, std::string& extra) const {
    const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
      if (depth <= kMostLevels) return true;
      throw BadLine(
          fmt::format("'{}' is nested too deeply (limit {} levels)", member.name, kMostLevels));
    };
    const Json json = Json::parse(tar_.text(member), limit_depth, false);
    if (!json.is_object()) throw BadLine(fmt::format("'{}' is not a JSON object", member.name));
    DraftJob job;
    for (const auto& [key, value] : json.items()) pass_on(job, key, value.dump());
    extra = job.extra;
  }

  void add_job(const Member& member, const std::string& key, std::string_view kind) {
    DraftJob job;
    job.line = member.number;
    job.input = path_;
    job.is_in_list = true;
    job.id = key;
    // "a.left.wav" and "a.right.wav" are two recordings of one sample.
    const std::size_t dot = kind.rfind('.');
    job.output = key + (dot == kind.npos ? "" : "." + std::string(kind.substr(0, dot))) + ".wav";
    job.archive_offset = member.begin;
    job.archive_bytes = member.bytes;
    ready_.push_back(std::move(job));
  }

  std::string path_;
  Tar tar_;
  std::optional<Member> member_;
  std::deque<DraftJob> ready_;
  bool has_ended_ = false;
  int line_ = 1;
};

}  // namespace

std::unique_ptr<ListReader> webdataset_reader(const std::string& path) {
  if (is_special_file(path)) return nullptr;  // a pipe cannot be opened twice
  InputFile file = open_input(path);
  const auto head = peek(file.descriptor.get(), 0, kBlock);
  if (!is_tar({reinterpret_cast<const char*>(head.data()), head.size()})) return nullptr;
  return std::make_unique<WebDatasetReader>(path, std::move(file));
}

}  // namespace gpuconv
