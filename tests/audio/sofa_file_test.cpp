// sofa_file_test.cpp - what is made of libmysofa's structures; whole files are in sofa_test.cpp
#include "host/audio/sofa_file.hpp"

#include <cerrno>
#include <list>
#include <set>

#include "host/error.hpp"
#include "tests/support/files.hpp"

namespace gpuconv {
namespace {

using namespace test;

/// Structures of libmysofa with two directions, two ears and three taps.
class Hrtf {
 public:
  Hrtf() {
    file_.M = 2;
    file_.R = 2;
    file_.N = 3;
    set(file_.DataSamplingRate, {48'000});
    set(file_.SourcePosition, {0, 0, 1, 90, 0, 1}, "spherical");
    set(file_.ReceiverPosition, {0, 0.09f, 0, 0, -0.09f, 0}, "cartesian");
    set(file_.ListenerView, {1, 0, 0}, "cartesian");
    set(file_.ListenerUp, {0, 0, 1});
    set(file_.DataIR, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    set(file_.DataDelay, {0, 0});
  }

  Hrtf(const Hrtf&) = delete;  // the structures point into the lists
  Hrtf& operator=(const Hrtf&) = delete;

  Hrtf& set(MYSOFA_ARRAY& array, std::vector<float> values, const char* type = nullptr) {
    array.values = values_.emplace_back(std::move(values)).data();
    array.elements = static_cast<unsigned>(values_.back().size());
    array.attributes = nullptr;
    if (type != nullptr) {
      std::string& text = texts_.emplace_back(type);
      array.attributes = &attributes_.emplace_back(MYSOFA_ATTRIBUTE{nullptr, type_, text.data()});
    }
    return *this;
  }

  MYSOFA_HRTF& operator*() { return file_; }
  MYSOFA_HRTF* operator->() { return &file_; }

  SofaFile read() const {
    SofaFile file = sofa_of("file.sofa", file_);
    check_sofa("file.sofa", file);
    return file;
  }
  std::string refusal() const {
    return message_of<FileError>([&] { read(); });
  }

 private:
  char type_[5] = "Type";
  std::list<std::vector<float>> values_;
  std::list<std::string> texts_;
  std::list<MYSOFA_ATTRIBUTE> attributes_;
  MYSOFA_HRTF file_{};
};

TEST(SofaFileTest, GivesWhatIsThere) {
  const SofaFile file = Hrtf().read();
  EXPECT_EQ(file.M, 2);
  EXPECT_EQ(file.rate, 48'000);
  EXPECT_EQ(file.directions[1].azimuth, 90);
  EXPECT_EQ(file.taps.size(), 12u);
}

TEST(SofaFileTest, RefusesADimensionThatNoIntHolds) {
  Hrtf hrtf;
  hrtf->M = 0x8000'0000u;
  EXPECT_TRUE(says(hrtf.refusal(), {"file.sofa: dimension M is 2147483648"}));
}

TEST(SofaFileTest, RefusesTwoRates) {
  Hrtf hrtf;
  hrtf.set(hrtf->DataSamplingRate, {48'000, 48'000});
  EXPECT_EQ(hrtf.read().rate, 48'000);
  hrtf.set(hrtf->DataSamplingRate, {48'000, 44'100});
  EXPECT_TRUE(says(hrtf.refusal(), {"mixes sample rates (48000 and 44100 Hz)"}));
}

TEST(SofaFileTest, RefusesWhatIsMissing) {
  const struct {
    MYSOFA_ARRAY MYSOFA_HRTF::*array;
    const char* words;
  } missing[] = {{&MYSOFA_HRTF::DataSamplingRate, "has no Data.SamplingRate"},
                 {&MYSOFA_HRTF::DataDelay, "has no Data.Delay"},
                 {&MYSOFA_HRTF::ReceiverPosition, "has no ReceiverPosition"},
                 {&MYSOFA_HRTF::SourcePosition, "'' (spherical or cartesian are read)"},
                 {&MYSOFA_HRTF::DataIR, "Data.IR has 0 values"}};
  for (const auto& [array, words] : missing) {
    Hrtf hrtf;
    (*hrtf).*array = {};
    EXPECT_TRUE(says(hrtf.refusal(), {words}));
  }
}

TEST(SofaFileTest, AHeadThatIsNotUprightIsRefused) {
  Hrtf hrtf;
  hrtf->ListenerUp = {};
  EXPECT_NO_THROW(hrtf.read()) << "as most heads are";
  hrtf.set(hrtf->ListenerUp, {0, 0, 1, 0, 0.5f, 0.5f});
  EXPECT_TRUE(says(hrtf.refusal(), {"ListenerUp of measurement 1", "elevation 45.0", "upright"}));
  hrtf.set(hrtf->ListenerUp, {0, 0, -1});
  EXPECT_TRUE(says(hrtf.refusal(), {"ListenerUp of measurement 0", "elevation -90.0"}))
      << "head down, the ears change sides";
  // Without a type of its own it has the one of ListenerView.
  hrtf.set(hrtf->ListenerView, {0, 0, 1}, "spherical").set(hrtf->ListenerUp, {0, 90, 1});
  EXPECT_NO_THROW(hrtf.read());
  hrtf.set(hrtf->ListenerUp, {90, 0, 1});
  EXPECT_TRUE(says(hrtf.refusal(), {"azimuth 90.0, elevation 0.0"})) << "lies on its right side";
  hrtf.set(hrtf->ListenerUp, {0, 0, 1});
  EXPECT_NO_THROW(hrtf.read()) << "metres where the type says degrees";
  hrtf.set(hrtf->ListenerUp, {0, 0, 0}, "cartesian");
  EXPECT_TRUE(says(hrtf.refusal(), {"ListenerUp of measurement 0 has no direction"}));
}

TEST(SofaFileTest, SourcesAreWhereTheListenerHasThem) {
  Hrtf hrtf;
  hrtf.set(hrtf->SourcePosition, {3, 2, 1.2f, 1, 4, 1.2f}, "cartesian");
  EXPECT_NEAR(hrtf.read().directions[0].azimuth, 33.69, 0.01);
  hrtf.set(hrtf->ListenerPosition, {1, 2, 1.2f}, "cartesian");
  EXPECT_EQ(hrtf.read().directions[0].azimuth, 0);
  EXPECT_EQ(hrtf.read().directions[0].elevation, 0);
  EXPECT_EQ(hrtf.read().directions[1].azimuth, 90);
  hrtf.set(hrtf->SourcePosition, {1, 2, 2}, "cartesian");
  hrtf.set(hrtf->ListenerPosition, {2, 2, 2, 1, 2, 1});
  ASSERT_EQ(hrtf.read().directions.size(), 2u) << "a head that moves about";
  EXPECT_EQ(hrtf.read().directions[0].azimuth, 180);
  EXPECT_EQ(hrtf.read().directions[1].elevation, 90);
  hrtf.set(hrtf->ListenerPosition, {1, 2, 2});
  EXPECT_TRUE(says(hrtf.refusal(), {"SourcePosition of measurement 0 has no direction"}));
  hrtf.set(hrtf->ListenerPosition, {1, 2});
  EXPECT_TRUE(says(hrtf.refusal(), {"ListenerPosition has 2 values"}));
}

TEST(SofaFileTest, AnglesAreSeenFromTheMiddleOnly) {
  Hrtf hrtf;
  hrtf.set(hrtf->ListenerPosition, {0, 0, 0});
  EXPECT_NO_THROW(hrtf.read());
  hrtf.set(hrtf->ListenerPosition, {0, 0, 1.7f});
  EXPECT_TRUE(says(hrtf.refusal(), {"ListenerPosition is not (0, 0, 0)", "Cartesian"}));
  hrtf.set(hrtf->SourcePosition, {1, 0, 1.7f, 0, 1, 1.7f}, "cartesian");
  EXPECT_EQ(hrtf.read().directions[1].azimuth, 90);
  hrtf.set(hrtf->ListenerPosition, {0, 0, 1.7f}, "spherical");
  EXPECT_TRUE(says(hrtf.refusal(), {"ListenerPosition is not (0, 0, 0)"}));
}

TEST(SofaFileTest, EveryErrorOfLibmysofaHasWords) {
  std::set<std::string> words;
  const int codes[] = {MYSOFA_INVALID_FORMAT,
                       MYSOFA_UNSUPPORTED_FORMAT,
                       MYSOFA_NO_MEMORY,
                       MYSOFA_READ_ERROR,
                       MYSOFA_INVALID_ATTRIBUTES,
                       MYSOFA_INVALID_DIMENSIONS,
                       MYSOFA_INVALID_DIMENSION_LIST,
                       MYSOFA_INVALID_COORDINATE_TYPE,
                       MYSOFA_INTERNAL_ERROR,
                       ENOENT};
  for (const int code : codes) words.insert(words_of_libmysofa(code));
  EXPECT_EQ(words.size(), std::size(codes));
  EXPECT_EQ(words_of_libmysofa(MYSOFA_INTERNAL_ERROR), "libmysofa error -1");
  EXPECT_EQ(words_of_libmysofa(ENOENT), "No such file or directory");
}

}  // namespace
}  // namespace gpuconv
