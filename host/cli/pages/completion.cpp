#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "host/cli/pages/pages.hpp"

namespace gpuconv {
namespace {

constexpr const char* kOrigin = "# Completion of gpuconv's command line; written by its build.\n";

/// Text between single quotes of a shell; `quote` is how a quote itself is written there.
std::string quoted(const std::string& text, const std::string& quote) {
  std::string escaped = "'";
  for (const char c : text) escaped += c == '\'' ? quote : std::string(1, c);
  return escaped + "'";
}

std::string joined(const std::vector<std::string>& words, const char* between = " ") {
  return fmt::format("{}", fmt::join(words, between));
}

/// Words for a shell that splits at blanks and expands patterns, but not after a backslash.
std::string escaped(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    for (const char c : word) {
      if (std::string_view(" ^*?~#$&;|<>()[]{}\\").find(c) != std::string_view::npos) text += '\\';
      text += c;
    }
  }
  return text;
}

/// The first line: what follows is a list.
std::string line_of(const std::string& words) { return words.substr(0, words.find('\n')); }

bool needs_value(const OptionDescription& option) {
  return !option.value.empty() && !option.has_optional_value;
}

std::vector<std::string> names_of(const std::vector<OptionDescription>& options) {
  std::vector<std::string> names;
  for (const OptionDescription& option : options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return names;
}

std::vector<std::string> names_of(const std::vector<CommandDescription>& commands) {
  std::vector<std::string> names;
  for (const CommandDescription& command : commands) names.push_back(command.name);
  return names;
}

// --- bash -------------------------------------------------------------------------------------

std::string bash_words(const std::vector<std::string>& words) {
  return "_gpuconv_words $'" + joined(words, "\\n") + "'";
}

std::string bash_offer(const OptionDescription& option) {
  switch (option.offer) {
    case Offer::words:
      return bash_words(option.offered);
    case Offer::files:
      return "_gpuconv_files -f";
    case Offer::folders:
      return "_gpuconv_files -d";
    case Offer::nothing:
      break;
  }
  return ":";
}

std::string bash_command(const CommandDescription& command) {
  std::string cases;
  for (const OptionDescription& option : command.options) {
    if (option.value.empty()) continue;
    const std::string offer = bash_offer(option) + "; return";
    // A word after a blank is not the value of an option that needs none.
    cases +=
        fmt::format("        {}) {} ;;\n", joined(option.names, "|"),
                    option.has_optional_value ? "[ -z \"$joined\" ] || { " + offer + "; }" : offer);
  }
  if (!cases.empty()) cases = "      case $before in\n" + cases + "      esac\n";
  std::string arguments = ":";
  if (!command.arguments.empty()) arguments = bash_offer(command.arguments.front());
  return fmt::format(
      "    {})\n{}      case $word in\n        -*) {} ;;\n        *) {} ;;\n"
      "      esac ;;\n",
      command.name, cases, bash_words(names_of(command.options)), arguments);
}

// --- zsh --------------------------------------------------------------------------------------

/// Text in a specification of _arguments, between quotes.
std::string zsh_text(const std::string& text) {
  std::string escaped;
  for (const char c : line_of(text)) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') escaped += '\\';
    if (c == '\'') {
      escaped += "'\\''";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

/// ":METHOD:(a b c)"
std::string zsh_value(const OptionDescription& option) {
  const std::string name = ":" + zsh_text(option.value) + ":";
  switch (option.offer) {
    case Offer::words:
      return name + "(" + escaped(option.offered) + ")";
    case Offer::files:
      return name + "_files";
    case Offer::folders:
      return name + "_files -/";
    case Offer::nothing:
      break;
  }
  return name;
}

std::string zsh_option(const OptionDescription& option) {
  std::string lines;
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    std::string spec = option.is_repeatable ? "'*'" : "'(" + joined(option.names) + ")'";
    spec += name;
    if (needs_value(option)) spec += is_long ? "=" : "+";
    if (option.has_optional_value) spec += "=-";
    spec += "'[" + zsh_text(option.words) + "]";
    if (option.has_optional_value) spec += ":";
    if (!option.value.empty()) spec += zsh_value(option);
    lines += " \\\n        " + spec + "'";
  }
  return lines;
}

std::string zsh_command(const CommandDescription& command) {
  std::string specs;
  for (const OptionDescription& option : command.options) specs += zsh_option(option);
  for (std::size_t i = 0; i < command.arguments.size(); ++i) {
    const OptionDescription& argument = command.arguments[i];
    specs += fmt::format(" \\\n        '{}:{}{}'", i + 1, argument.is_required ? "" : ":",
                         zsh_value(argument).substr(1));
  }
  return fmt::format("    {})\n      _arguments{} ;;\n", command.name, specs);
}

// --- fish -------------------------------------------------------------------------------------

std::string fish_quoted(const std::string& text) { return quoted(line_of(text), "\\'"); }

std::string fish_offer(const OptionDescription& option) {
  switch (option.offer) {
    case Offer::words:
      return " -x -a " + fish_quoted(escaped(option.offered));
    case Offer::files:
      return " -r -F";
    case Offer::folders:
      return " -x -a '(__fish_complete_directories)'";
    case Offer::nothing:
      break;
  }
  return " -x";
}

std::string fish_option(const std::string& condition, const OptionDescription& option) {
  std::string line = "complete -c gpuconv -n " + condition;
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    line += (is_long ? " -l " : " -s ") + name.substr(is_long ? 2 : 1);
  }
  if (needs_value(option)) line += fish_offer(option);
  return line + " -d " + fish_quoted(option.words) + "\n";
}

std::string fish_command(const CommandDescription& command) {
  const std::string condition = "'__fish_seen_subcommand_from " + command.name + "'";
  std::string lines = "\n# " + command.name + "\n";
  for (const OptionDescription& option : command.options) lines += fish_option(condition, option);
  if (command.arguments.empty()) return lines;
  // One kind for all places.
  const OptionDescription& argument = command.arguments.front();
  const bool offers_words = argument.offer == Offer::words;
  return lines + fmt::format("complete -c gpuconv -n {}{}\n", condition,
                             offers_words ? " -a " + fish_quoted(escaped(argument.offered))
                                          : std::string(" -F"));
}

}  // namespace

std::string bash_completion(const ProgramDescription& program) {
  std::string script = kOrigin;
  script += R"(
# Offers those of the lines $1 that begin as the word at the cursor does.
_gpuconv_words() {
  local IFS=$'\n' found
  for found in $(compgen -W "$1" -- "$word"); do
    printf -v found %q "$found"
    COMPREPLY+=("$found")
  done
}

# Offers files (-f) or folders (-d); their names may have blanks.
_gpuconv_files() {
  local IFS=$'\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen "$1" -- "$word"))
}

_gpuconv() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} joined=
  local command=${COMP_WORDS[1]}
  COMPREPLY=()
  # In "--method=cpu" the "=" is a word of its own.
  if [ "$word" = = ]; then
    word= joined=yes
  elif [ "$before" = = ] && [ "$COMP_CWORD" -gt 2 ]; then
    before=${COMP_WORDS[COMP_CWORD-2]} joined=yes
  fi
  if [ "$COMP_CWORD" -eq 1 ]; then
    case $word in
)";
  script += fmt::format("      -*) {} ;;\n      *) {} ;;\n",
                        bash_words(names_of(program.program.options)),
                        bash_words(names_of(program.commands)));
  script += "    esac\n    return\n  fi\n  case $command in\n";
  script += fmt::format("    help) {} ;;\n", bash_words(names_of(program.commands)));
  for (const CommandDescription& command : program.commands) script += bash_command(command);
  return script + "  esac\n}\n\ncomplete -F _gpuconv gpuconv\n";
}

std::string zsh_completion(const ProgramDescription& program) {
  std::string script = std::string("#compdef gpuconv\n") + kOrigin;
  script += "\n_gpuconv() {\n  local context state state_descr line\n  typeset -A opt_args\n";
  script += "  local -a commands=(\n";
  for (const CommandDescription& command : program.commands) {
    script += "    '" + command.name + ":" + zsh_text(command.words) + "'\n";
  }
  script += "  )\n  _arguments -C";
  for (const OptionDescription& option : program.program.options) script += zsh_option(option);
  script +=
      " \\\n        '1:command:->command' '*::argument:->argument' && return\n"
      "  if [[ $state == command ]]; then\n    _describe command commands\n    return\n  fi\n"
      "  case $words[1] in\n    help)\n      _describe command commands ;;\n";
  for (const CommandDescription& command : program.commands) script += zsh_command(command);
  return script + "  esac\n}\n\n_gpuconv \"$@\"\n";
}

std::string fish_completion(const ProgramDescription& program) {
  std::string script = kOrigin;
  script += "\ncomplete -c gpuconv -f\n";
  for (const CommandDescription& command : program.commands) {
    script += fmt::format("complete -c gpuconv -n __fish_use_subcommand -a {} -d {}\n",
                          command.name, fish_quoted(command.words));
  }
  for (const OptionDescription& option : program.program.options) {
    script += fish_option("__fish_use_subcommand", option);
  }
  for (const CommandDescription& command : program.commands) script += fish_command(command);
  return script;
}

}  // namespace gpuconv
