// list_text.hpp - the text of a list: a file or a pipe, compressed by gzip or not
#pragma once

#include <zlib.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "host/files/input_file.hpp"

namespace gpuconv {

/// Of JSON: what reads and writes it calls itself for each level.
inline constexpr int kMostLevels = 500;

/// A line that cannot be understood; read_list() adds the list's name and the line's number.
struct BadLine : std::runtime_error {
  /// `line` 0: the one that is being read.
  explicit BadLine(const std::string& what, int line_number = 0)
      : std::runtime_error(what), line(line_number) {}

  int line;
};

/// Where a header of a tar has "ustar".
inline constexpr std::size_t kTarMagic = 257;

/// Whether these are the first bytes of a tar.
inline bool is_tar(std::string_view head) {
  return head.size() > kTarMagic && head.substr(kTarMagic).starts_with("ustar");
}

class ListText {
 public:
  /// Throws FileError if `path` ("-": standard input) cannot be opened, or is sound, a SOFA
  /// file or a tar.
  explicit ListText(const std::string& path);

  /// The first character that is neither a blank nor the end of a line; 0 if there is none in the
  /// first portion. Nothing is consumed.
  char first() const;

  /// Reads the next line, without its end. False at the end of the text. Throws BadLine if it has
  /// more than `most` bytes, or a zero. Not together with get().
  bool next_line(std::string& line, std::size_t most);

  /// The next byte, or -1 at the end.
  int get() {
    if (begin_ == end_ && !fill()) return -1;
    const char c = *begin_++;
    if (c == '\n') count_line();
    return static_cast<unsigned char>(c);
  }

  /// The line that next_line() will read, or that the next byte belongs to; from 1.
  int line() const { return lines_ + 1; }

 private:
  bool fill();
  std::size_t read_file(std::vector<char>& bytes, std::size_t least);
  std::size_t inflate_some();
  void check_beginning();
  void count_line();

  struct End {
    void operator()(z_stream_s* stream) const { ::inflateEnd(stream), delete stream; }
  };

  std::string name_;
  InputFile file_;
  std::vector<char> packed_;               ///< bytes of the file, if it is compressed
  std::unique_ptr<z_stream_s, End> gzip_;  ///< null: it is not compressed
  bool is_within_member_ = false;          ///< of a gzip file, which may have several
  std::vector<char> bytes_;                ///< text
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
  int lines_ = 0;  ///< that have been read, or begun by next_line()
};

}  // namespace gpuconv
