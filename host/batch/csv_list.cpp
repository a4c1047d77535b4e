// csv_list.cpp - tables: values between commas, semicolons or tabs
#include <fmt/format.h>

#include <algorithm>

#include "host/batch/list_reader.hpp"

namespace gpuconv {
namespace {

/// A file with a longer row is not a table.
constexpr std::size_t kMostRowBytes = 65'536;

/// Splits a row into fields. One in quotes may hold delimiters, ends of lines, and quotes that are
/// written twice. False if the row ends within quotes.
bool split_row(std::string_view row, char delimiter, std::vector<std::string>& fields) {
  std::size_t count = 0;
  for (;;) {
    if (count == fields.size()) fields.emplace_back();
    std::string& field = fields[count++];
    field.clear();
    if (!row.starts_with('"')) {
      field = row.substr(0, row.find(delimiter));
      if (field.find('"') != field.npos) throw BadLine("has a quote within a field");
      row.remove_prefix(field.size());
    } else {
      for (;;) {
        const std::size_t end = row.find('"', 1);
        if (end == row.npos) return false;
        field += row.substr(1, end - 1);
        row.remove_prefix(end + 1);
        if (!row.starts_with('"')) break;
        field += '"';
      }
      if (!row.empty() && row.front() != delimiter) throw BadLine("goes on after a quote");
    }
    if (row.empty()) break;
    row.remove_prefix(1);  // the delimiter
  }
  fields.resize(count);
  return true;
}

class CsvReader final : public ListReader {
 public:
  explicit CsvReader(ListText& text) : text_(text) {}

  ListFormat format() const override { return ListFormat::csv; }
  int line() const override { return line_; }
  std::string warning() const override { return unknown_.warning(); }

  bool next(DraftJob& job) override {
    if (columns_.empty()) {
      if (!next_row()) return false;
      name_columns();
    }
    if (!next_row()) return false;
    if (fields_.size() != columns_.size()) {
      throw BadLine(fmt::format("has {} field{} where line {} names {}", fields_.size(),
                                fields_.size() == 1 ? "" : "s", named_in_, columns_.size()));
    }
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (columns_[i] != nullptr) {
        set(job, *columns_[i], fields_[i]);
      } else {
        pass_on(job, names_[i], json_of(fields_[i]));
      }
    }
    return true;
  }

 private:
  /// Reads a row into fields_, over the ends of lines that stand in quotes.
  bool next_row() {
    do {
      line_ = text_.line();
      if (!text_.next_line(row_, kMostRowBytes)) return false;
      if (row_.ends_with('\r')) row_.pop_back();
    } while (row_.starts_with('#') || trimmed(row_).empty());
    if (columns_.empty()) delimiter_ = delimiter_of(row_);
    while (!split_row(row_, delimiter_, fields_)) {
      std::string rest;
      if (!text_.next_line(rest, kMostRowBytes) || row_.size() + rest.size() >= kMostRowBytes) {
        throw BadLine("has a quote that is not closed");
      }
      if (rest.ends_with('\r')) rest.pop_back();
      row_.append("\n").append(rest);
    }
    return true;
  }

  /// The one of which there are most in the row that names the columns.
  static char delimiter_of(std::string_view head) {
    char best = ',';
    for (const char delimiter : {';', '\t'}) {
      if (std::ranges::count(head, delimiter) > std::ranges::count(head, best)) best = delimiter;
    }
    return best;
  }

  void name_columns() {
    named_in_ = line_;
    for (const std::string& field : fields_) {
      const std::string name(trimmed(field));
      const Column* const column = find_column(name);
      const bool is_twice = column != nullptr
                                ? std::ranges::find(columns_, column) != columns_.end()
                                : std::ranges::find(names_, name) != names_.end();
      if (is_twice) throw BadLine(fmt::format("names the column '{}' twice", name));
      columns_.push_back(column);
      names_.push_back(name);
    }
    if (std::ranges::all_of(columns_, [](const Column* column) { return column == nullptr; })) {
      throw BadLine(
          fmt::format("must name the columns ({}); '{}' is none", all_columns(), names_.front()));
    }
    if (std::ranges::find(columns_, find_column("input")) == columns_.end()) {
      throw BadLine("names no column 'input'");
    }
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i] == nullptr) unknown_.add(names_[i]);
    }
  }

  ListText& text_;
  int line_ = 1;
  std::string row_;
  std::vector<std::string> fields_;
  char delimiter_ = ',';
  std::vector<const Column*> columns_;  ///< null: unknown
  std::vector<std::string> names_;
  int named_in_ = 0;
  UnknownColumns unknown_;
};

}  // namespace

std::unique_ptr<ListReader> csv_reader(ListText& text) { return std::make_unique<CsvReader>(text); }

}  // namespace gpuconv
