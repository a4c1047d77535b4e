// sofa_fixture.hpp - a small SOFA file, written as a test changes it, and what is read of it
#pragma once

#include <string>

#include "host/room/response.hpp"
#include "tests/support/files.hpp"
#include "tests/support/sofa_writer.hpp"

namespace gpuconv::test {

/// Four directions with two taps for each ear; the taps tell which they are, and nothing of sides.
inline SofaContents four_directions() {
  SofaContents file = small_sofa();
  file["SourcePosition"] = {
      {4, 3}, {0, 0, 1, 90, 0, 1, 270, 0, 1, 0, 90, 1}, {{"Type", "spherical"}}};
  file["Data.Delay"] = {{1, 2}, {0, 0}, {}};
  SofaArray taps{{4, 2, 2}, {}, {}};
  for (int i = 0; i < 16; ++i) taps.values.push_back(i + 1);
  file["Data.IR"] = taps;
  return file;
}

class SofaFile : public ::testing::Test {
 protected:
  Response load(const SofaContents& contents, const SofaOptions& options,
                NonFinite nonfinite = NonFinite::error) const {
    write_sofa(path_, contents);
    return load_response(path_, {options, nonfinite});
  }

  Response at(const SofaContents& contents, double azimuth, double elevation) const {
    SofaOptions options;
    options.azimuth = azimuth;
    options.elevation = elevation;
    return load(contents, options);
  }

  std::string refusal(const SofaContents& contents, const SofaOptions& options = {}) const {
    return message_of<FileError>([&] { load(contents, options); });
  }

  const Folder folder_;
  const std::string path_ = folder_.file("file.sofa");
};

}  // namespace gpuconv::test
