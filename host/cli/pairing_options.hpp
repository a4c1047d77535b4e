// pairing_options.hpp - options of a batch that choose responses, directions and noise for its jobs
#pragma once

#include <string>

#include "host/batch/pairing.hpp"

namespace CLI {
class App;
}

namespace gpuconv {

struct PairingChoices {
  std::string responses, noise;  ///< as given: a pattern, or a list
  PairingOptions options;        ///< without its files
};

/// After the options of a batch and of jobs, some of which exclude these. `choices` must outlive
/// the command line.
void add_pairing_options(CLI::App& command, PairingChoices& choices);

/// The options with the files that they name. Throws FileError and UsageError.
PairingOptions pairing_of(const PairingChoices& choices);

}  // namespace gpuconv
