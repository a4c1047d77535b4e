// scene_file_test.cpp - what a scene may say, and the errors where it says something else
#include "host/scene/scene_file.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

using Json = nlohmann::json;

class SceneFile : public ::testing::Test {
 protected:
  SceneRequest read(const std::string& text) const {
    write_bytes(path_, text);
    return read_scene(path_);
  }
  SceneRequest voice(const std::string& keys) const {
    return read(R"({"voices": [{"input": "a.wav", "response": "r.wav")" + keys + "}]}");
  }
  void refuses(const std::string& text, std::initializer_list<std::string_view> parts) const {
    const std::string message = message_of<FileError>([&] { read(text); });
    EXPECT_TRUE(message.starts_with(path_ + ": ")) << message;
    EXPECT_TRUE(says(message, parts)) << text;
  }
  void refuses_voice(const std::string& keys, std::initializer_list<std::string_view> parts) const {
    const std::string message = message_of<FileError>([&] { voice(keys); });
    EXPECT_TRUE(says(message, {"voice 1 (a.wav): "})) << message;
    EXPECT_TRUE(says(message, parts)) << keys;
  }

  const Folder folder_;
  const std::string path_ = folder_.file("scene.json");
};

TEST_F(SceneFile, SaysWhatEachVoiceIs) {
  const SceneRequest scene = read(R"({"rate": 48000, "voices": [
    {"input": "a.wav", "response": "r.wav"},
    {"input": "/b/c.wav", "channel": 2, "start": 1.5, "gain": -3, "response": "sub/k.sofa",
     "azimuth": 30, "elevation": -10.5, "distance": 1, "id": "Tom-2_é.x"},
    {"input": "-", "response": "../r.wav"}]})");
  EXPECT_EQ(scene.file, path_);
  EXPECT_EQ(scene.rate, 48'000);
  ASSERT_EQ(scene.voices.size(), 3u);
  const VoiceRequest& first = scene.voices[0];
  EXPECT_EQ(first.name, "voice 1 (a.wav)");
  EXPECT_EQ(first.id, "1");
  EXPECT_EQ(first.input, folder_.file("a.wav"));
  EXPECT_EQ(first.response, folder_.file("r.wav"));
  EXPECT_EQ(first.channel, std::nullopt);
  EXPECT_EQ(first.start, 0);
  EXPECT_EQ(first.gain_db, 0);
  EXPECT_EQ(first.sofa, SofaOptions{});
  const VoiceRequest& second = scene.voices[1];
  EXPECT_EQ(second.input, "/b/c.wav");
  EXPECT_EQ(second.id, "Tom-2_é.x");
  EXPECT_EQ(second.channel, 2);
  EXPECT_EQ(second.start, 1.5);
  EXPECT_EQ(second.gain_db, -3);
  EXPECT_EQ(second.response, folder_.file("sub/k.sofa"));
  EXPECT_EQ(second.sofa.azimuth, 30);
  EXPECT_EQ(second.sofa.elevation, -10.5);
  EXPECT_EQ(second.sofa.distance, 1);
  EXPECT_EQ(scene.voices[2].input, "-");
  EXPECT_EQ(scene.voices[2].id, "3");
  EXPECT_EQ(voice("").rate, std::nullopt);
}

TEST_F(SceneFile, NamesTheKeyThatWasMeant) {
  refuses_voice(R"(, "azimut": 3)", {"unknown key 'azimut'; did you mean 'azimuth'?"});
  refuses_voice(R"(, "Gain": 3)", {"did you mean 'gain'?"});
  refuses_voice(R"(, "colour": 3)", {"unknown key 'colour'; known are input, channel, "});
  refuses_voice(R"(, "": 3)", {"unknown key ''; known are"});
  refuses(R"({"voice": []})", {"unknown key 'voice'; did you mean 'voices'?"});
  refuses(R"({"voices": [{"response": "r.wav", "imput": "a.wav"}]})",
          {"voice 1: unknown key 'imput'; did you mean 'input'?"});
}

TEST_F(SceneFile, RefusesValuesOfTheWrongKindOrRange) {
  refuses_voice(R"(, "channel": 0)", {"channel is 0, not a whole number from 1 to 1024"});
  refuses_voice(R"(, "channel": 1.5)", {"channel is 1.5"});
  refuses_voice(R"(, "channel": 18446744073709551615)", {"channel is 18446744073709551615"});
  refuses_voice(R"(, "start": -0.1)", {"start is -0.1, not a number from 0 to 1000000 s"});
  refuses_voice(R"(, "start": "1")", {R"(start is "1")"});
  refuses_voice(R"(, "start": null)", {"start is null"});
  refuses_voice(R"(, "gain": 201)", {"gain is 201", "200 dB"});
  refuses_voice(R"(, "azimuth": 361)", {"azimuth is 361", "degrees"});
  refuses_voice(R"(, "elevation": 91)", {"elevation is 91"});
  refuses_voice(R"(, "distance": -1)", {"distance is -1"});
  refuses_voice(R"(, "id": "")", {R"(id is "", not text)"});
  refuses_voice(R"(, "id": "a/b")", {"id 'a/b' is not a name"});
  refuses_voice(R"(, "id": "a b")", {"id 'a b' is not a name"});
  refuses_voice(R"(, "id": 7)", {"id is 7, not text"});
  refuses(R"({"voices": [{"input": 3, "response": "r.wav"}]})", {"voice 1: input is 3, not text"});
  refuses(R"({"voices": [{"input": "a.wav"}]})", {"voice 1 (a.wav): has no 'response'"});
  refuses(R"({"voices": [{"input": "a.wav", "response": "-"}]})", {"response is -"});
  refuses(R"({"voices": [{"response": "a.wav"}]})", {"voice 1: has no 'input'"});
  refuses(R"({"voices": [{"input": "a", "response": "r"}, 7]})", {"voice 2: is not a JSON object"});
  refuses(R"({"voices": [{"input": "a", "response": "r", "id": "2"},
                         {"input": "b", "response": "r"}]})",
          {"voice 2 (b): id '2' is already that of another voice"});
  refuses(R"({"voices": []})", {"voices is an empty list"});
  refuses(R"({"voices": {}})", {"voices is not a list of voices"});
  refuses(R"({"rate": 16000})", {"has no 'voices'"});
  refuses(R"({"rate": 0, "voices": []})", {"rate is 0, not a whole number from 1 to 768000"});
}

TEST_F(SceneFile, RefusesWhatIsNotJson) {
  refuses("{\n  \"voices\": [\n    {]\n", {"line 3, column 6: is not JSON"});
  refuses("input,output\na,b\n", {"line 1, column 1: is not JSON"});
  refuses("[]", {"is not a JSON object"});
  refuses("7", {"is not a JSON object"});
  refuses(R"({"voices": 1} x)", {"is not JSON"});
  refuses(R"({"rate": 1, "rate": 2, "voices": []})", {"names 'rate' twice in one object"});
  refuses(R"({"voices": [{"input": "a", "input": "b"}]})", {"names 'input' twice in one object"});
  refuses(std::string(100, '['), {"is nested too deeply (limit 16 levels)"});
  refuses(std::string("{\"voices\": [{\"input\": \"\xff\"}]}"), {"is not JSON"});
  const std::string missing = folder_.file("missing.json");
  EXPECT_TRUE(says(message_of<FileError>([&] { read_scene(missing); }), {missing, "cannot be"}));
}

// ---- the schema -------------------------------------------------------------------------------

Json schema() { return Json::parse(read_bytes(GPUCONV_SOURCE_DIR "/docs/scene.schema.json")); }

/// Why `value` does not obey `rule`, which may only use keywords that are understood here; or
/// empty.
std::string why_invalid(const Json& value, const Json& rule) {
  static const std::set<std::string> understood{
      "$schema",    "title",     "description", "type",     "required", "additionalProperties",
      "properties", "minimum",   "maximum",     "minItems", "maxItems", "items",
      "minLength",  "maxLength", "pattern"};
  for (const auto& [keyword, unused] : rule.items()) {
    if (!understood.contains(keyword)) return "unknown keyword " + keyword;
  }
  const std::string type = rule.at("type");
  const bool fits =
      (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
      (type == "string" && value.is_string()) || (type == "number" && value.is_number()) ||
      (type == "integer" && value.is_number_integer());
  if (!fits) return value.dump() + " is no " + type;
  if (value.is_number() && (value < rule.at("minimum") || value > rule.at("maximum"))) {
    return value.dump() + " is out of range";
  }
  if (value.is_string()) {
    const auto text = value.get<std::string>();
    if (text.size() < rule.value("minLength", 0u)) return "too short";
    if (text.size() > rule.value("maxLength", 1000u)) return "too long";
    if (rule.contains("pattern") &&
        !std::regex_search(text, std::regex(rule["pattern"].get<std::string>()))) {
      return text + " does not match";
    }
  }
  if (value.is_array()) {
    if (value.size() < rule.at("minItems")) return "too few";
    for (const Json& one : value) {
      if (std::string why = why_invalid(one, rule.at("items")); !why.empty()) return why;
    }
  }
  if (!value.is_object()) return "";
  for (const Json& name : rule.at("required")) {
    if (!value.contains(name)) return "no " + name.dump();
  }
  for (const auto& [name, one] : value.items()) {
    const auto known = rule.at("properties").find(name);
    if (known == rule.at("properties").end()) return "unknown " + name;
    if (std::string why = why_invalid(one, *known); !why.empty()) return name + ": " + why;
  }
  return "";
}

std::set<std::string> names_of(const Json& object) {
  std::set<std::string> names;
  for (const auto& [name, unused] : object.items()) names.insert(name);
  return names;
}

TEST(SceneSchema, HasTheKeysOfTheParser) {
  const Json rules = schema();
  EXPECT_FALSE(rules.at("additionalProperties").get<bool>());
  EXPECT_EQ(names_of(rules.at("properties")),
            std::set<std::string>(scene_keys().begin(), scene_keys().end()));
  const Json& voice = rules.at("properties").at("voices").at("items");
  EXPECT_FALSE(voice.at("additionalProperties").get<bool>());
  EXPECT_EQ(names_of(voice.at("properties")),
            std::set<std::string>(voice_keys().begin(), voice_keys().end()));
}

/// The parser and the schema agree on each of these; which is right does not matter here.
TEST_F(SceneFile, IsWhatTheSchemaSays) {
  const Json rules = schema();
  const std::vector<std::pair<bool, std::string>> values{
      {true, R"("channel": 1024)"}, {false, R"("channel": 1025)"},  {false, R"("channel": 0)"},
      {true, R"("start": 0)"},      {false, R"("start": -1)"},      {false, R"("start": 1000001)"},
      {true, R"("gain": -200)"},    {false, R"("gain": -201)"},     {true, R"("azimuth": -360)"},
      {false, R"("azimuth": 361)"}, {false, R"("elevation": 91)"},  {true, R"("elevation": -90)"},
      {true, R"("distance": 2.5)"}, {false, R"("distance": -0.5)"}, {true, R"("id": "A-z_0.9")"},
      {false, R"("id": "a/b")"},    {false, R"("id": "")"},         {false, R"("id": "a\"b")"},
      {false, R"("id": "a[")"},     {false, R"("id": "a{")"},       {false, R"("gain": "1")"},
      {false, R"("other": 1)"},     {true, R"("id": "é")"}};
  for (const auto& [is_valid, value] : values) {
    const std::string text =
        R"({"voices": [{"input": "a.wav", "response": "r.wav", )" + value + "}]}";
    EXPECT_EQ(why_invalid(Json::parse(text), rules).empty(), is_valid)
        << value << why_invalid(Json::parse(text), rules);
    bool is_read = true;
    try {
      read(text);
    } catch (const FileError&) {
      is_read = false;
    }
    EXPECT_EQ(is_read, is_valid) << value;
  }
  for (const std::string text :
       {R"({})", R"({"voices": []})", R"({"voices": [{}]})", R"({"voices": [{"input": "a"}]})",
        R"({"rate": 0, "voices": [{"input": "a", "response": "b"}]})",
        R"({"rate": 1.5, "voices": [{"input": "a", "response": "b"}]})"}) {
    EXPECT_NE(why_invalid(Json::parse(text), rules), "") << text;
    EXPECT_THROW(read(text), FileError) << text;
  }
}

/// Every block of JSON in docs/scenes.md that is a scene.
TEST_F(SceneFile, TheExamplesOfThePageAreValid) {
  const std::string page = read_bytes(GPUCONV_SOURCE_DIR "/docs/scenes.md");
  const Json rules = schema();
  int count = 0;
  for (std::size_t at = 0; (at = page.find("{\"voices\"", at)) != page.npos; ++at) {
    Json json;
    std::istringstream(page.substr(at)) >> json;
    EXPECT_EQ(why_invalid(json, rules), "") << json.dump(2);
    EXPECT_EQ(read(json.dump()).voices.size(), json["voices"].size());
    ++count;
  }
  EXPECT_GE(count, 2);
}

}  // namespace
}  // namespace gpuconv::test
