// kaldi_list.cpp - Kaldi's wav.scp: an ID and where the recording is
#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <unordered_map>

#include "host/base/error.hpp"
#include "host/batch/list_reader.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kMostLineBytes = 65'536;
constexpr std::string_view kWhite = " \t";

/// Takes the first word off `text`.
std::string_view take_word(std::string_view& text) {
  text = trimmed(text);
  const std::string_view word = text.substr(0, text.find_first_of(kWhite));
  text = trimmed(text.substr(word.size()));
  return word;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

using Channels = std::unordered_map<std::string, int>;

/// The channels of recordings by their IDs: "ID FILE CHANNEL", where A is the first.
Channels channels_in(const std::string& path) {
  Channels channels;
  ListText text(path);
  std::string line;
  int line_number = 1;
  try {
    for (; text.next_line(line, kMostLineBytes); line_number = text.line()) {
      std::string_view rest = line;
      const std::string_view id = take_word(rest);
      if (id.empty()) continue;
      take_word(rest);
      const std::string_view channel = take_word(rest);
      const auto number = channel.size() == 1 && channel[0] >= 'A' && channel[0] <= 'Z'
                              ? std::optional<std::int64_t>(channel[0] - 'A' + 1)
                              : whole_number(channel);
      if (!number || *number < 1 || *number > 1024 || !rest.empty()) {
        throw BadLine("is not an ID, a file and a channel such as A or 1");
      }
      channels[std::string(id)] = static_cast<int>(*number);
    }
  } catch (const BadLine& bad) {
    throw FileError(path, fmt::format("line {}: {}", line_number, bad.what()));
  }
  return channels;
}

class KaldiReader final : public ListReader {
 public:
  KaldiReader(ListText& text, const std::optional<std::string>& folder, bool allows_commands)
      : text_(text), allows_commands_(allows_commands) {
    if (!folder) return;
    const std::string path = std::filesystem::path(*folder) / "reco2file_and_channel";
    std::error_code error;
    if (std::filesystem::exists(path, error)) channels_ = channels_in(path);
  }

  ListFormat format() const override { return ListFormat::kaldi; }
  int line() const override { return line_; }

  bool next(DraftJob& job) override {
    do {
      line_ = text_.line();
      if (!text_.next_line(row_, kMostLineBytes)) return false;
    } while (trimmed(row_).empty());
    std::string_view rest = row_;
    if (kWhite.find(rest.front()) != kWhite.npos) throw BadLine("is not an ID and a path");
    job.id = take_word(rest);
    if (rest.empty()) throw BadLine("is not an ID and a path");
    job.input = rest;
    if (rest.ends_with('|')) {
      if (!allows_commands_) {
        throw BadLine("is a command, which gpuconv runs only with --allow-commands");
      }
      job.is_command = true;
      return true;
    }
    const std::size_t colon = rest.rfind(':');
    if (colon != rest.npos && colon > 0) {
      job.archive_offset = whole_number(rest.substr(colon + 1));
      if (job.archive_offset) job.input = rest.substr(0, colon);
    }
    // A command has taken the channel out, and so may whoever wrote a file of one channel.
    if (const auto found = channels_.find(job.id); found != channels_.end()) {
      job.channel = found->second;
      job.channel_is_of_several = true;
    }
    return true;
  }

 private:
  ListText& text_;
  bool allows_commands_;
  Channels channels_;
  int line_ = 1;
  std::string row_;
};

}  // namespace

std::unique_ptr<ListReader> kaldi_reader(ListText& text, const std::optional<std::string>& folder,
                                         bool allows_commands) {
  return std::make_unique<KaldiReader>(text, folder, allows_commands);
}

}  // namespace gpuconv
