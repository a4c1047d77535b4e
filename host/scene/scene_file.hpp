// scene_file.hpp - reads the file of a scene: docs/scene.schema.json
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "host/render/scene_request.hpp"

namespace gpuconv {

/// Reads `path`, - for standard input. Paths of its voices are relative to its folder. Throws
/// FileError, which names the voice.
SceneRequest read_scene(const std::string& path);

/// The keys of a scene and of a voice.
std::span<const std::string_view> scene_keys();
std::span<const std::string_view> voice_keys();

}  // namespace gpuconv
