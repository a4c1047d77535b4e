// pages.hpp - manual pages and completions from the description of the command line
#pragma once

#include <string>

#include "host/cli/pages/description.hpp"

namespace gpuconv {

/// gpuconv(1), and gpuconv-COMMAND(1), as input of groff's macros "man".
std::string manual_page(const ProgramDescription& program);
std::string manual_page(const ProgramDescription& program, const CommandDescription& command);

/// Scripts that the shells load: bash-completion/completions/gpuconv, site-functions/_gpuconv,
/// vendor_completions.d/gpuconv.fish. None needs anything but its shell.
std::string bash_completion(const ProgramDescription& program);
std::string zsh_completion(const ProgramDescription& program);
std::string fish_completion(const ProgramDescription& program);

}  // namespace gpuconv
