#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "host/cli/cli.hpp"
#include "host/cli/pages/pages.hpp"

namespace gpuconv {
namespace {

/// Text as roff reads it: no character steers it, and a hyphen stays one that can be copied.
std::string roff(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    const bool begins_line = escaped.empty() || escaped.back() == '\n';
    if (begins_line && (c == '.' || c == '\'')) escaped += "\\&";
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else if (c == '\n') {
      escaped += "\n.br\n";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string bold(const std::string& text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + roff(text) + "\\fR"; }

std::string capitals(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string beginning(const std::string& name, const std::string& words) {
  return fmt::format(".TH {} 1 \"\" \"gpuconv {}\" \"gpuconv\"\n.SH NAME\n{} \\- {}\n",
                     roff(capitals(name)), roff(version()), roff(name), roff(words));
}

/// "-m, --method METHOD"
std::string option_line(const OptionDescription& option) {
  if (option.names.empty()) return italic(option.value);
  std::string line;
  for (const std::string& name : option.names) line += (line.empty() ? "" : ", ") + bold(name);
  if (option.value.empty()) return line;
  if (option.has_optional_value) return line + "[=" + italic(option.value) + "]";
  return line + " " + italic(option.value);
}

std::string entries(const std::vector<OptionDescription>& options, const std::string& section) {
  std::string text;
  for (const OptionDescription& option : options) {
    if (option.section != section) continue;
    text += ".TP\n" + option_line(option) + "\n" + roff(option.words);
    if (!option.preset.empty()) text += " (default " + roff(option.preset) + ")";
    text += "\n";
    if (option.value == "METHOD" || option.value == "PROBLEM") {
      text += fmt::format(".br\n{}: {}\n", italic(option.value),
                          roff(fmt::format("{}", fmt::join(option.offered, ", "))));
    }
  }
  return text;
}

std::string exit_status() {
  std::string text = ".SH EXIT STATUS\n";
  for (const ExitCode& exit : kExitCodes) {
    text += fmt::format(".TP\n.B {}\n{}\n", roff(exit.code), roff(exit.words));
  }
  return text;
}

std::string see_also(const ProgramDescription& program, const std::string& but) {
  std::string text;
  if (!but.empty()) text += ".BR gpuconv (1)";
  for (const CommandDescription& command : program.commands) {
    if (command.name == but) continue;
    text += fmt::format("{}.BR gpuconv\\-{} (1)", text.empty() ? "" : ",\n", roff(command.name));
  }
  return ".SH SEE ALSO\n" + text + "\n";
}

}  // namespace

std::string manual_page(const ProgramDescription& program) {
  // "gpuconv - hear a dry recording ..." is what the help begins with.
  const std::string& title = program.program.words;
  std::string page = beginning("gpuconv", title.substr(title.find(" - ") + 3));
  page +=
      ".SH SYNOPSIS\n.B gpuconv\n.I COMMAND\n[\\fIARGUMENTS\\fR]\n.br\n.B gpuconv\n.I COMMAND\n"
      ".B \\-\\-help\n.SH COMMANDS\n";
  for (const CommandDescription& command : program.commands) {
    page += fmt::format(".TP\n{}\n{}; see\n.BR gpuconv\\-{} (1)\n", bold(command.name),
                        roff(command.words), roff(command.name));
  }
  page += ".SH OPTIONS\n";
  for (const std::string& section : program.program.sections()) {
    page += entries(program.program.options, section);
  }
  return page + exit_status() + see_also(program, "");
}

std::string manual_page(const ProgramDescription& program, const CommandDescription& command) {
  std::string words = command.words;
  words[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(words[0])));
  std::string page = beginning("gpuconv-" + command.name, words);
  page += fmt::format(".SH SYNOPSIS\n{} {}", bold("gpuconv"), bold(command.name));
  if (!command.options.empty()) page += " [" + italic("OPTIONS") + "]";
  for (const OptionDescription& argument : command.arguments) {
    page +=
        argument.is_required ? " " + italic(argument.value) : " [" + italic(argument.value) + "]";
  }
  page += "\n";
  if (!command.arguments.empty()) page += ".SH ARGUMENTS\n";
  for (const OptionDescription& argument : command.arguments) {
    page += entries({argument}, argument.section);
  }
  page += ".SH OPTIONS\n";
  const std::vector<std::string> sections = command.sections();
  for (const std::string& section : sections) {
    if (section != "Options") page += ".SS " + roff(section) + "\n";
    page += entries(command.options, section);
  }
  return page + exit_status() + see_also(program, command.name);
}

}  // namespace gpuconv
