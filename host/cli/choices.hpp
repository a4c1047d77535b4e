// choices.hpp - options whose value is one of a few names
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <string>

namespace gpuconv {

/// Makes `option` accept the names in `choices`, which must outlive the command line.
template <typename Choice>
void accept_only(CLI::Option* option, const std::map<std::string, Choice>& choices) {
  std::string names;
  for (const auto& [choice, value] : choices) names += (names.empty() ? "" : "|") + choice;
  const auto replace_by_number = [&choices, names](std::string& text) -> std::string {
    const auto choice = choices.find(text);
    if (choice == choices.end()) return fmt::format("'{}', expected {}", text, names);
    text = std::to_string(static_cast<int>(choice->second));
    return {};
  };
  option->transform(CLI::Validator(replace_by_number, ""))->type_name(names);
}

}  // namespace gpuconv
