// main.cpp - gpuconv_pages FOLDER: writes manual pages and completions; the build starts it
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>

#include "host/cli/cli.hpp"
#include "host/cli/pages/pages.hpp"

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw std::runtime_error(path.string() + ": cannot be written");
}

void write_pages(const std::filesystem::path& folder) {
  CLI::App app;
  gpuconv::RunIt run_it;
  gpuconv::add_commands(app, run_it);
  const gpuconv::ProgramDescription program = gpuconv::describe(app);
  write(folder / "man1/gpuconv.1", gpuconv::manual_page(program));
  for (const gpuconv::CommandDescription& command : program.commands) {
    write(folder / ("man1/gpuconv-" + command.name + ".1"), gpuconv::manual_page(program, command));
  }
  write(folder / "bash/gpuconv", gpuconv::bash_completion(program));
  write(folder / "zsh/_gpuconv", gpuconv::zsh_completion(program));
  write(folder / "fish/gpuconv.fish", gpuconv::fish_completion(program));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: gpuconv_pages FOLDER\n", stderr);
    return 1;
  }
  try {
    write_pages(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gpuconv_pages: %s\n", error.what());
    return 1;
  }
}
