// json_list.cpp - objects: with our keys, NeMo's or Lhotse's
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "host/batch/lhotse_list.hpp"
#include "host/batch/list_reader.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

/// Words and their times make cuts of Lhotse long; an object beyond this is not a job.
constexpr std::size_t kMostObjectBytes = 1 << 20;

/// Takes the texts of objects out of a list.
class ObjectTexts {
 public:
  ObjectTexts(ListText& text, bool is_document) : text_(text), is_document_(is_document) {}

  /// The line where the object begins.
  int line() const { return line_; }

  bool next(std::string& object) {
    return is_document_ ? next_in_document(object) : next_line(object);
  }

 private:
  bool next_line(std::string& object) {
    do {
      line_ = text_.line();
      if (!text_.next_line(object, kMostObjectBytes)) return false;
    } while (trimmed(object).empty());
    return true;
  }

  /// Objects follow each other, or stand in one array with commas between them.
  bool next_in_document(std::string& object) {
    int c = next_mark();
    if (c == '[' && !is_in_array_ && count_ == 0) {
      is_in_array_ = true;
      c = next_mark();
      if (c == ']') return end_array();
    } else if (is_in_array_ && count_ > 0 && c >= 0) {
      if (c == ']') return end_array();
      if (c != ',') throw BadLine("has no comma or ] after an object of its array");
      c = next_mark();
    }
    if (c < 0 && is_in_array_) throw BadLine("ends within an array");
    if (c < 0) return false;
    if (c != '{') throw BadLine("is not a JSON object");
    ++count_;
    take_object(object);
    return true;
  }

  bool end_array() {
    if (next_mark() >= 0) throw BadLine("stands after the end of the array");
    return false;
  }

  /// The next character that is not a blank, in line_; -1 at the end.
  int next_mark() {
    for (;;) {
      line_ = text_.line();
      const int c = text_.get();
      if (c < 0 ||
          std::string_view(" \t\r\n").find(static_cast<char>(c)) == std::string_view::npos) {
        return c;
      }
    }
  }

  /// The rest of an object, up to its last brace.
  void take_object(std::string& object) {
    object = "{";
    bool is_in_string = false, is_escaped = false;
    for (int depth = 1; depth > 0;) {
      const int next = text_.get();
      if (next < 0) throw BadLine("begins an object that does not end");
      const char c = static_cast<char>(next);
      object += c;
      if (object.size() > kMostObjectBytes) {
        throw BadLine(fmt::format("begins an object of more than {} bytes", kMostObjectBytes));
      }
      if (is_escaped) {
        is_escaped = false;
      } else if (is_in_string) {
        is_escaped = c == '\\';
        is_in_string = c != '"';
      } else {
        is_in_string = c == '"';
        depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
      }
    }
    if (object.find('\0') != object.npos) throw BadLine("holds a zero byte");
  }

  ListText& text_;
  bool is_document_;
  bool is_in_array_ = false;
  std::size_t count_ = 0;
  int line_ = 1;
};

/// Throws BadLine unless it is an object whose keys differ.
Json parsed(const std::string& text) {
  std::size_t keys = 0;
  const auto count_keys = [&](int depth, Json::parse_event_t event, Json&) {
    if (depth > kMostLevels) {
      throw BadLine(fmt::format("is nested too deeply (limit {} levels)", kMostLevels));
    }
    keys += event == Json::parse_event_t::key && depth == 1;
    return true;
  };
  Json json = Json::parse(text, count_keys, false);
  if (!json.is_object()) throw BadLine("is not a JSON object");
  if (json.size() == keys) return json;
  std::set<std::string> seen;
  const auto refuse_second = [&](int depth, Json::parse_event_t event, Json& key) {
    if (event == Json::parse_event_t::key && depth == 1 &&
        !seen.insert(key.get<std::string>()).second) {
      throw BadLine(fmt::format("names '{}' twice", key.get<std::string>()));
    }
    return true;
  };
  return Json::parse(text, refuse_second, false);
}

ListFormat format_of(const Json& first) {
  if (first.contains("audio_filepath") && !first.contains("input")) return ListFormat::nemo;
  return is_of_lhotse(first) ? ListFormat::lhotse : ListFormat::jsonl;
}

class JsonReader final : public ListReader {
 public:
  JsonReader(ListText& text, bool is_document, std::optional<ListFormat> format,
             bool allows_commands)
      : objects_(text, is_document), format_(format), allows_commands_(allows_commands) {}

  int line() const override { return objects_.line(); }
  bool is_relative_to_list() const override { return format_ == ListFormat::nemo; }
  ListFormat format() const override { return format_.value_or(ListFormat::jsonl); }
  std::string warning() const override { return unknown_.warning(); }

  bool next(DraftJob& job) override {
    if (!objects_.next(text_)) return false;
    const Json json = parsed(text_);
    if (!format_) format_ = format_of(json);
    if (*format_ == ListFormat::lhotse) {
      read_lhotse(json, allows_commands_, job);
    } else {
      read_keys(json, job);
    }
    return true;
  }

 private:
  void read_keys(const Json& json, DraftJob& job) {
    const bool is_nemo = *format_ == ListFormat::nemo;
    seen_.clear();
    for (const auto& [key, value] : json.items()) {
      const Column* const column = find_column(is_nemo && key == "audio_filepath" ? "input" : key);
      if (is_nemo && key == "input") throw BadLine("names 'input' where NeMo has audio_filepath");
      if (column == nullptr) {
        pass_on(job, key, value.dump());
        if (!is_nemo) unknown_.add(key);  // NeMo has its own, such as the text
      } else {
        if (std::ranges::find(seen_, column) != seen_.end()) {  // "id" and "ID"
          throw BadLine(fmt::format("names '{}' twice", column->name));
        }
        seen_.push_back(column);
        set_value(job, *column, key, value);
      }
    }
    if (is_nemo && job.input.empty()) throw BadLine("names no audio_filepath");
  }

  static void set_value(DraftJob& job, const Column& column, const std::string& key,
                        const Json& value) {
    const bool is_number = column.unit != nullptr;
    if (value.is_null()) return;
    if (value.is_string()) return set(job, column, value.get_ref<const std::string&>());
    if (value.is_number() && is_number) return set(job, column, value.get<double>());
    if (value.is_number_integer() && column.name == "id") return set(job, column, value.dump());
    throw BadLine(fmt::format("{} is not {}", key, is_number ? "a number" : "text"));
  }

  ObjectTexts objects_;
  std::optional<ListFormat> format_;
  bool allows_commands_;
  std::string text_;
  std::vector<const Column*> seen_;
  UnknownColumns unknown_;
};

}  // namespace

std::unique_ptr<ListReader> json_reader(ListText& text, bool is_document,
                                        std::optional<ListFormat> format, bool allows_commands) {
  return std::make_unique<JsonReader>(text, is_document, format, allows_commands);
}

}  // namespace gpuconv
