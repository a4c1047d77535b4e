// recording.hpp - a recording of a job: opened to be checked, and read as often as is needed
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/read/input_tolerance.hpp"
#include "host/read/split_source.hpp"

namespace gpuconv {

/// Calls `action`. An Error that it throws of the file `path` begins with `voice` instead:
/// "voice 2 (talker.wav): cannot be opened"; of something else, after it. Empty: as it is.
void name_voice(const std::string& voice, const std::string& path,
                const std::function<void()>& action);

/// Channels of one file, each a source of its own.
class Recording {
 public:
  /// Opens it. Throws as SourceReader does, with the name of the `voice` that it is of, if any.
  Recording(const std::string& path, const SourceOptions& options, const ChooseChannels& choose,
            const std::string& voice = "");

  const AudioFormat& format() const { return format_; }
  std::int64_t length() const { return length_; }              ///< as that of a MeasuredSource
  std::int64_t least_length() const { return least_length_; }  ///< see MeasuredSource
  std::optional<std::int64_t> exact_length() const { return exact_length_; }
  bool has_more() const { return has_more_; }
  /// So far.
  Repairs repairs() const;

  /// See SplitSource. Opens the file if it is closed, and closes it after its end.
  std::size_t read(std::size_t index, std::span<float> block);

  /// The next read() begins again, which a pipe cannot. No channel will be read but those for
  /// which want() is called after that.
  void restart();
  void want(std::size_t index) { is_wanted_[index] = true; }

  /// Whether read() may have to wait for another program: a pipe, a device or a command.
  bool may_wait() const;

  /// Closes a file that can be opened again, until read() needs it.
  void close_until_read();

 private:
  void open();
  void close();

  std::string path_;
  SourceOptions options_;
  ChooseChannels choose_;
  std::string voice_;
  std::unique_ptr<SplitSource> file_;  ///< null: closed
  std::vector<bool> is_wanted_;        ///< of each channel
  bool is_read_ = false;
  bool has_ended_ = false;
  AudioFormat format_;
  std::int64_t length_ = 0;
  std::int64_t least_length_ = 0;
  std::optional<std::int64_t> exact_length_;
  bool has_more_ = false;
  Repairs repairs_;  ///< when it was closed
};

}  // namespace gpuconv
