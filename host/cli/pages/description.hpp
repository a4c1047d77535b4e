// description.hpp - the command line as data, for manual pages and for the completion of shells
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace gpuconv {

/// What a shell may offer where a value is to come.
enum class Offer { nothing, words, files, folders };

/// An option, or an argument by its place: then it has no names.
struct OptionDescription {
  std::vector<std::string> names;   ///< "-m", "--method"
  std::string value;                ///< "METHOD"; empty for a flag
  bool has_optional_value = false;  ///< only after a "=": --norm[=DBFS]
  bool is_repeatable = false;
  bool is_required = false;
  std::string words;    ///< what it does
  std::string preset;   ///< its value if it is not given, where the help does not say it in words
  std::string section;  ///< "Output"
  Offer offer = Offer::nothing;
  std::vector<std::string> offered;  ///< where words are
};

struct CommandDescription {
  std::string name;
  std::string words;
  std::vector<OptionDescription> arguments;
  std::vector<OptionDescription> options;

  /// Sections of the options, in their order.
  std::vector<std::string> sections() const;
};

struct ProgramDescription {
  CommandDescription program;  ///< its own options
  std::vector<CommandDescription> commands;
};

/// Throws std::logic_error for a value of which it does not know what to offer: a new kind of value
/// needs a decision there.
ProgramDescription describe(const CLI::App& app);

}  // namespace gpuconv
