#include "host/cli/usage.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/error.hpp"
#include "host/base/spelling.hpp"

namespace gpuconv {
namespace {

/// All of `text` as a decimal number, which may begin with "+".
template <typename Number>
std::optional<Number> decimal(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

template <typename Number>
void accept(CLI::Option* option, Number least, Number most, const std::string& what) {
  const auto rewrite = [=](std::string& text) -> std::string {
    const std::optional<Number> number = decimal<Number>(text);
    if (!number || !(*number >= least && *number <= most)) {
      return fmt::format("'{}', expected {} from {} to {}", text, what, least, most);
    }
    text = fmt::format("{}", *number);
    return {};
  };
  option->transform(CLI::Validator(rewrite, ""));
}

const CLI::App* parsed_command(const CLI::App& app) {
  const std::vector<CLI::App*> commands = app.get_subcommands();
  return commands.empty() ? nullptr : commands.front();
}

const CLI::App* command_named(const CLI::App& app, std::string_view name) {
  for (const CLI::App* const command : app.get_subcommands({})) {
    if (command->get_name() == name) return command;
  }
  return nullptr;
}

bool is_option_like(std::string_view argument) {
  return argument.size() > 1 && argument[0] == '-' && !decimal<double>(argument);
}

/// The option of `command` whose name `name` nearly is; empty if there is none.
std::string nearest(const CLI::App& command, const std::string& name) {
  std::vector<std::string> names;
  for (const CLI::Option* const option : command.get_options()) {
    if (!option->get_positional() && option->get_name().size() >= 4) {
      names.push_back(option->get_name());
    }
  }
  return nearest_word(name, std::vector<std::string_view>(names.begin(), names.end()));
}

std::string about_unknown_option(const CLI::App& app, const CLI::App& command,
                                 const std::string& argument) {
  const std::string name = argument.substr(0, argument.find('='));
  if (command.get_option_no_throw(name) != nullptr) {
    return name + " stands after '--', where only files may";
  }
  std::string sentence = fmt::format("{} has no option {}", command.get_name(), name);
  if (const std::string near = nearest(command, name); !near.empty()) {
    return sentence + "; did you mean " + near + "?";
  }
  for (const CLI::App* const other : app.get_subcommands({})) {
    if (other->get_option_no_throw(name) == nullptr) continue;
    return sentence + "; " + other->get_name() + " has";
  }
  if (name.find('.') != name.npos) sentence += "; a file of that name is ./" + argument;
  return sentence;
}

/// Where there are more arguments than the command has names for.
std::string about_too_many(const CLI::App& command, const std::string& argument) {
  std::string taken;
  for (const CLI::Option* const option : command.get_options()) {
    if (!option->get_positional() || option->count() == 0) continue;
    taken += fmt::format("{}{} is '{}'", taken.empty() ? "" : ", ", option->get_name(),
                         option->results().front());
  }
  return fmt::format("'{}' is one too many{}{}", argument, taken.empty() ? "" : ": ", taken);
}

/// Where an option comes first: of a command that follows, or of none.
std::string about_first_option(const CLI::App& app, std::span<const char* const> arguments) {
  const std::string first = arguments.front();
  const std::string name = first.substr(0, first.find('='));
  for (const char* const argument : arguments) {
    const CLI::App* const command = command_named(app, argument);
    if (command == nullptr) continue;
    if (command->get_option_no_throw(name) == nullptr) break;
    return fmt::format("{} belongs after the command: gpuconv {} {}", name, argument, first);
  }
  return fmt::format("unknown option {} before a command", name);
}

std::string about_no_command(const CLI::App& app, std::span<const char* const> arguments) {
  std::string commands;
  for (const CLI::App* const command : app.get_subcommands({})) {
    commands += (commands.empty() ? "" : ", ") + command->get_name();
  }
  if (arguments.empty()) return "a command is missing: " + commands;
  return fmt::format("unknown command '{}' (commands: {})", arguments.front(), commands);
}

}  // namespace

void accept_number(CLI::Option* option, double least, double most, const std::string& unit) {
  accept(option, least, most, unit);
}

void accept_whole_number(CLI::Option* option, std::int64_t least, std::int64_t most) {
  accept(option, least, most, "a whole number");
}

void check_spelling(const CLI::App& app, std::span<const char* const> arguments) {
  const std::string_view first = arguments.empty() ? "-" : arguments[0];
  const CLI::App* const command = command_named(app, first);
  if (command == nullptr && !first.starts_with('-')) {
    // The parser would answer "--help" after it.
    throw UsageError(about_no_command(app, arguments) + "; see 'gpuconv --help'");
  }
  if (command == nullptr) return;
  for (const std::string argument : arguments.subspan(1)) {
    if (argument == "--") return;
    // Which the parser takes for a flag without a value.
    if (argument.starts_with("--") && argument.ends_with('=') &&
        command->get_option_no_throw(argument.substr(0, argument.size() - 1)) != nullptr) {
      throw UsageError(argument + ": is empty");
    }
    const std::string name = "-" + argument.substr(0, argument.find('='));
    if (argument.size() < 3 || argument[0] != '-' || argument[1] == '-') continue;
    if (command->get_option_no_throw(name) != nullptr) {
      throw UsageError(fmt::format("{}: did you mean {}?", name.substr(1), name));
    }
  }
}

void check_values(const CLI::App& app) {
  const CLI::App* const command = parsed_command(app);
  if (command == nullptr) return;
  for (const CLI::Option* const option : command->get_options()) {
    for (const std::string& value : option->results()) {
      if (value.empty()) throw UsageError(option->get_name() + ": is empty");
    }
  }
}

std::string sentence_of(const CLI::App& app, const CLI::ParseError& error,
                        std::span<const char* const> arguments) {
  const CLI::App* const command = parsed_command(app);
  if (!arguments.empty() && arguments[0][0] == '-') return about_first_option(app, arguments);
  if (command == nullptr) return about_no_command(app, arguments);
  std::string words = error.what();
  const std::string subject = words.substr(0, words.find(':'));
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    const bool is_repeated = words.find("received") != words.npos;
    return subject + (is_repeated ? ": is given more than once" : ": its value is missing");
  }
  if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr) {
    constexpr std::string_view kExcludes = " excludes ";
    const std::size_t found = words.find(kExcludes);
    if (found != words.npos) words.replace(found, kExcludes.size(), " cannot be combined with ");
    return words;
  }
  const bool has_extras = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  if (!has_extras && dynamic_cast<const CLI::RequiredError*>(&error) == nullptr) return words;
  std::vector<std::string> unknown = command->remaining();
  for (std::string& argument : app.remaining()) unknown.push_back(std::move(argument));
  std::string before;
  std::string surplus;
  for (const std::string argument : arguments) {
    const bool is_unknown = std::ranges::find(unknown, argument) != unknown.end();
    if (before == "--norm" && decimal<double>(argument)) {
      return "--norm takes its level with '=': --norm=" + argument;
    }
    if (is_unknown && is_option_like(argument) && argument != "--") {
      return about_unknown_option(app, *command, argument);
    }
    if (is_unknown && argument != "--") surplus = argument;
    before = argument;
  }
  if (!surplus.empty()) return about_too_many(*command, surplus);
  // One letter of several after one "-".
  return unknown.empty() ? words : about_unknown_option(app, *command, unknown.front());
}

void parse_arguments(CLI::App& app, const std::vector<std::string>& arguments) {
  std::vector<const char*> words;
  for (const std::string& argument : arguments) words.push_back(argument.c_str());
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    check_values(app);
  } catch (const CLI::ParseError& error) {
    throw UsageError(sentence_of(app, error, words));
  }
}

}  // namespace gpuconv
