// usage.hpp - what the parser of the command line leaves to be desired: decimal numbers, sentences
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
class ParseError;
}  // namespace CLI

namespace gpuconv {

/// Makes `option` take one decimal number; neither 010 nor 0x10 means anything but what a person
/// reads. `unit` is for the message: "dB".
void accept_number(CLI::Option* option, double least, double most, const std::string& unit);
void accept_whole_number(CLI::Option* option, std::int64_t least, std::int64_t most);

/// Throws UsageError for what the parser would take for something else: "-gain 3" for -g ain,
/// "--norm=" for --norm, or "help rendre" for "help".
void check_spelling(const CLI::App& app, std::span<const char* const> arguments);

/// Throws UsageError where the value of an option or argument is empty, as that of an unset
/// variable of the shell is.
void check_values(const CLI::App& app);

/// Parses `arguments`, which no shell has split, and checks the values. Throws UsageError.
void parse_arguments(CLI::App& app, const std::vector<std::string>& arguments);

/// What `error` means to a person who typed `arguments` (without the program's name).
std::string sentence_of(const CLI::App& app, const CLI::ParseError& error,
                        std::span<const char* const> arguments);

}  // namespace gpuconv
