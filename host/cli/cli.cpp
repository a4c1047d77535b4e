#include "host/cli/cli.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string_view>
#include <vector>

#include "host/base/error.hpp"
#include "host/cli/message.hpp"
#include "host/cli/usage.hpp"

namespace gpuconv {

namespace {

/// As people write options: --norm[=DBFS], --raw-rate HZ; what else a value must be is said when it
/// is not.
class Help final : public CLI::Formatter {
 public:
  Help() { column_width(34); }

  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    std::string name = Formatter::make_option_name(option, is_positional);
    for (std::size_t begin; (begin = name.find('{')) != name.npos;) {
      name.erase(begin, name.find('}', begin) - begin + 1);
    }
    return may_have_value(option) ? name.append("[=").append(type_of(option)).append("]") : name;
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    const bool has_value = option->get_items_expected_max() > 0 && !may_have_value(option);
    if (option->get_positional() || !has_value) return "";
    std::string words = " ";
    words.append(type_of(option));
    const std::string& value = option->get_default_str();
    return value.empty() ? words : words.append("=").append(value);
  }

 private:
  static bool may_have_value(const CLI::Option* option) {
    return option->get_expected_min() == 0 && !type_of(option).empty();
  }
  static std::string type_of(const CLI::Option* option) {
    const std::string type = option->get_type_name();
    return type.substr(0, type.find(':'));
  }
};

/// "Exit codes: 0 done, 1 usage, ...", in lines that a terminal has room for.
std::string exit_codes() {
  constexpr std::size_t kColumns = 98;
  std::string text = "Exit codes:";
  std::size_t begin = 0;  // of the line
  for (const ExitCode& exit : kExitCodes) {
    const std::string entry = fmt::format("{} {}", exit.code, exit.words);
    if (&exit != kExitCodes) text += ',';
    const bool is_full = text.size() - begin + entry.size() > kColumns;
    text += is_full ? '\n' : ' ';
    if (is_full) begin = text.size();
    text += entry;
  }
  return text;
}

/// "help" and "version" are asked for in this way, too.
std::vector<const char*> with_aliases(int argc, const char* const* argv) {
  std::vector<const char*> arguments(argv + 1, argv + argc);
  const std::string_view first = arguments.empty() ? "" : arguments.front();
  if (first == "help") {
    arguments.erase(arguments.begin());
    arguments.push_back("--help");
  }
  if (first == "version") arguments.front() = "--version";
  return arguments;
}

}  // namespace

void add_commands(CLI::App& app, RunIt& run_it) {
  app.name("gpuconv");
  app.description("gpuconv - hear a dry recording in a real room, convolved on a GPU");
  app.set_version_flag("--version", version_page);
  app.require_subcommand(1);
  app.formatter(std::make_shared<Help>());
  app.footer(exit_codes() + ".\n'gpuconv COMMAND --help' explains a command.");
  add_render(app, run_it);
  add_batch(app, run_it);
  add_scene(app, run_it);
  add_methods(app, run_it);
  add_devices(app, run_it);
  add_info(app, run_it);
  add_selftest(app, run_it);
  add_bench(app, run_it);
}

int run(int argc, const char* const* argv) {
  CLI::App app;
  RunIt run_it;
  add_commands(app, run_it);
  const std::vector<const char*> arguments = with_aliases(argc, argv);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    check_spelling(app, arguments);
    app.parse(reversed);
    check_values(app);
  } catch (const CLI::Success& asked) {  // --help, --version
    app.exit(asked);
    flush_output();
    return static_cast<int>(Exit::done);
  } catch (const CLI::ParseError& error) {
    const bool has_command = !app.get_subcommands().empty();
    throw UsageError(
        fmt::format("{}; see 'gpuconv {}--help'", sentence_of(app, error, arguments),
                    has_command ? app.get_subcommands().front()->get_name() + " " : ""));
  }
  const int exit_code = run_it();
  flush_output();
  return exit_code;
}

}  // namespace gpuconv
