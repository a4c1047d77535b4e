#include "host/cli/pages/description.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>
#include <string_view>

#include "host/bench/presets.hpp"
#include "host/methods/method.hpp"

namespace gpuconv {
namespace {

std::vector<std::string> parts_of(const std::string& text, char between) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find(between, begin)) != text.npos; begin = end + 1) {
    parts.push_back(text.substr(begin, end - begin));
  }
  parts.push_back(text.substr(begin));
  return parts;
}

std::vector<std::string> names_of_methods() {
  std::vector<std::string> names;
  for (const Method& method : methods()) names.emplace_back(method.name);
  return names;
}

std::vector<std::string> names_of_presets() {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) names.emplace_back(preset.name);
  return names;
}

std::vector<std::string> names_of_problems() {
  std::set<std::string> names;
  for (const Preset& preset : presets()) {
    for (const Processor processor : {Processor::cpu, Processor::gpu}) {
      for (const Problem& problem : preset.problems(processor)) names.insert(problem.name);
    }
  }
  return {names.begin(), names.end()};
}

/// Numbers, and what only a person can know.
constexpr std::array<std::string_view, 16> kFree = {
    "DB", "DBFS", "DEGREES", "HZ", "I/N",     "KIND=DB", "LEFT,RIGHT", "METRES",
    "MS", "N",    "ROUTES",  "S",  "SECONDS", "SIZE",    "TIME",       "TEXT"};

void choose_offer(OptionDescription& option, const std::string& of) {
  const std::string& value = option.value;
  const bool is_argument = option.names.empty();
  option.offer = Offer::words;
  if (value == "METHOD") {
    option.offered = names_of_methods();
    if (!option.preset.empty()) option.offered.push_back(option.preset);
  } else if (value == "DEVICE") {
    option.offered = {"auto", "cpu", "cuda"};
  } else if (value == "PROBLEM") {
    option.offered = names_of_problems();
  } else if (value == "BENCHMARK") {
    option.offered = names_of_presets();
  } else if (value.find('|') != value.npos) {
    option.offered = parts_of(value, '|');
  } else if (value == "FOLDER") {
    option.offer = Offer::folders;
  } else if (value.starts_with("FILE") || is_argument) {
    option.offer = Offer::files;
  } else {
    option.offer = Offer::nothing;
    if (!value.empty() && std::ranges::find(kFree, value) == kFree.end()) {
      throw std::logic_error(of + ": shells do not know what to offer for " + value);
    }
  }
}

OptionDescription describe(const CLI::Option& option, const std::string& command) {
  OptionDescription described;
  const bool is_argument = option.get_positional();
  for (const std::string& name : option.get_snames()) described.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) described.names.push_back("--" + name);
  const std::string type = option.get_type_name();
  // A flag has no type, unless it is one that may have a value.
  const bool has_value = !type.empty();
  if (is_argument) {
    described.value = option.get_name();
  } else if (has_value) {
    described.value = type.substr(0, type.find(':'));
    described.has_optional_value = option.get_expected_min() == 0;
  }
  described.is_repeatable = option.get_expected_max() > 1;
  described.is_required = option.get_required();
  described.words = option.get_description();
  described.preset = option.get_default_str();
  described.section = option.get_group();
  choose_offer(described, command + " " + option.get_name());
  return described;
}

CommandDescription describe_command(const CLI::App& app) {
  CommandDescription command;
  command.name = app.get_name();
  command.words = app.get_description();
  for (const CLI::Option* const option : app.get_options()) {
    const bool is_argument = option->get_positional();
    (is_argument ? command.arguments : command.options).push_back(describe(*option, command.name));
  }
  return command;
}

}  // namespace

std::vector<std::string> CommandDescription::sections() const {
  std::vector<std::string> names;
  for (const OptionDescription& option : options) {
    if (std::ranges::find(names, option.section) == names.end()) names.push_back(option.section);
  }
  return names;
}

ProgramDescription describe(const CLI::App& app) {
  ProgramDescription described;
  described.program = describe_command(app);
  for (const CLI::App* const command : app.get_subcommands({})) {
    described.commands.push_back(describe_command(*command));
  }
  return described;
}

}  // namespace gpuconv
