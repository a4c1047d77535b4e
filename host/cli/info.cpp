// info.cpp - gpuconv info FILE: what an audio or SOFA file holds
#include "host/audio/info.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "host/cli/cli.hpp"
#include "host/cli/message.hpp"

namespace gpuconv {

void add_info(CLI::App& app, RunIt& run_it) {
  const auto path = std::make_shared<std::string>();
  CLI::App* const command = app.add_subcommand("info", "Say what an audio or SOFA file holds");
  command->add_option("FILE", *path, "audio or SOFA file")->required();
  const auto any = std::make_shared<bool>(false);
  command->add_flag("--allow-any-format", *any, kAllowAnyFormat);
  command->callback([&run_it, path, any] {
    run_it = [path, any] {
      const Formats formats = *any ? Formats::any : Formats::listed;
      for (const std::string& line : describe(*path, formats)) print("{}\n", one_line(line));
      return 0;
    };
  });
}

}  // namespace gpuconv
