#include "host/cli/trace_file.hpp"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <span>

#include "host/cli/message.hpp"
#include "host/cli/side_files.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMicroseconds = 1e6;

/// Numbers of rows, in the order of their first span.
class Rows {
 public:
  explicit Rows(const Trace& trace) {
    for (const Trace::Span& span : trace.spans()) add(span.row);
    for (const Trace::Arrow& arrow : trace.arrows()) {
      add(arrow.from);
      add(arrow.to);
    }
  }
  const std::map<Trace::Row, int>& all() const { return numbers_; }
  Json place(const Trace::Row& row) const {
    return {{"pid", process(row)}, {"tid", numbers_.at(row)}};
  }
  static int process(const Trace::Row& row) { return row.is_stream ? 2 : 1; }

 private:
  void add(const Trace::Row& row) {
    numbers_.try_emplace(row, static_cast<int>(numbers_.size()) + 1);
  }

  std::map<Trace::Row, int> numbers_;
};

Json name_of(const char* what, int process, int row, const std::string& name) {
  return {{"ph", "M"}, {"name", what}, {"pid", process}, {"tid", row}, {"args", {{"name", name}}}};
}

Json event(const char* phase, const std::string& name, const Json& place, double seconds) {
  Json json{{"ph", phase}, {"name", name}};
  json.update(place);
  json["ts"] = kMicroseconds * seconds;
  return json;
}

}  // namespace

std::string to_chrome_json(const Trace& trace, const std::string& gpu) {
  const Rows rows(trace);
  // As text at once: as JSON in memory they would take ten times as much.
  std::string text = R"({"displayTimeUnit":"ms","traceEvents":[)";
  const auto add = [&](const Json& event) {
    text += text.back() == '[' ? "\n" : ",\n";
    text += event.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  add(name_of("process_name", 1, 0, "CPU"));
  if (!gpu.empty()) add(name_of("process_name", 2, 0, "GPU: " + gpu));
  for (const auto& [row, number] : rows.all()) {
    add(name_of("thread_name", Rows::process(row), number,
                row.is_stream ? "stream: " + row.name : row.name));
  }
  for (const Trace::Span& span : trace.spans()) {
    Json json = event("X", span.name, rows.place(span.row), span.start);
    json["dur"] = kMicroseconds * (span.end - span.start);
    add(json);
  }
  int id = 0;
  for (const Trace::Arrow& arrow : trace.arrows()) {
    ++id;
    for (const bool is_start : {true, false}) {
      Json json = event(is_start ? "s" : "f", "waits", rows.place(is_start ? arrow.from : arrow.to),
                        is_start ? arrow.start : arrow.end);
      json["cat"] = "event";
      json["id"] = id;
      // Bound to the span around it, not to the next one.
      if (!is_start) json["bp"] = "e";
      add(json);
    }
  }
  return text.append("\n]}\n");
}

TraceFile::TraceFile(const std::string& path, const Job& job)
    : path_(path), file_(open_beside("--trace", path, job)) {}

void TraceFile::write(const JobReport& report) {
  const auto& device = report.choice.device;
  const std::string text = to_chrome_json(trace_, device ? device->name : "");
  file_->write(std::as_bytes(std::span(text)));
  file_->publish();
  if (trace_.is_full()) {
    print_message("warning", fmt::format("{}: holds the first {} spans or arrows, not all of them",
                                         path_, Trace::kMost));
  }
}

}  // namespace gpuconv
