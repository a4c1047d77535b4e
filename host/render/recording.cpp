#include "host/render/recording.hpp"

#include "host/base/error.hpp"
#include "host/files/input_file.hpp"
#include "host/files/location.hpp"

namespace gpuconv {

void name_voice(const std::string& voice, const std::string& path,
                const std::function<void()>& action) {
  if (voice.empty()) return action();
  try {
    action();
  } catch (const GpuError&) {
    throw;
  } catch (const Error& error) {
    const std::string what = error.what();
    const std::string file = input_name(path) + ": ";
    throw Error(error.exit(),
                voice + ": " + (what.starts_with(file) ? what.substr(file.size()) : what));
  }
}

Recording::Recording(const std::string& path, const SourceOptions& options,
                     const ChooseChannels& choose, const std::string& voice)
    : path_(path), options_(options), voice_(voice) {
  std::vector<int> chosen;
  choose_ = [&](const AudioFormat& format) { return chosen = choose(format); };
  open();
  // The next time it may be another file, but these are the channels.
  choose_ = [this, chosen](const AudioFormat& format) {
    if (format.channels == format_.channels && format.rate == format_.rate) return chosen;
    throw FileError(input_name(path_), "has changed while gpuconv was reading it");
  };
  MeasuredSource& source = file_->source();
  format_ = source.reader().format();
  length_ = source.length();
  least_length_ = source.least_length();
  exact_length_ = source.exact_length();
  has_more_ = source.has_more();
  is_wanted_.resize(chosen.size());
}

void Recording::open() {
  name_voice(voice_, path_,
             [&] { file_ = std::make_unique<SplitSource>(path_, options_, choose_); });
}

void Recording::close() {
  if (file_) repairs_ = repairs();
  file_.reset();
}

Repairs Recording::repairs() const {
  if (!file_) return repairs_;
  const SourceReader& reader = file_->source().reader();
  return {reader.replaced(), reader.shortfall(), reader.remark()};
}

std::size_t Recording::read(std::size_t index, std::span<float> block) {
  if (has_ended_) return 0;
  if (!file_) open();
  if (!is_read_) file_->read_only(is_wanted_);
  is_read_ = true;
  std::size_t count = 0;
  name_voice(voice_, path_, [&] { count = file_->read(index, block); });
  has_ended_ = file_->has_ended();
  if (has_ended_) close();
  return count;
}

void Recording::restart() {
  if (is_read_) close();
  is_read_ = has_ended_ = false;
  is_wanted_.assign(is_wanted_.size(), false);
}

bool Recording::may_wait() const { return options_.is_command || is_special_file(path_); }

void Recording::close_until_read() {
  if (!may_wait()) close();
}

}  // namespace gpuconv
