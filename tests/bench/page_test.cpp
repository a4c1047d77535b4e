// page_test.cpp - words stand where they can be read, and the page hides nothing
#include "host/bench/page/page.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "host/bench/page/figures.hpp"
#include "host/bench/page/ladder.hpp"
#include "host/bench/page/layout.hpp"
#include "host/bench/page/response_plot.hpp"
#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

void expect_near(const std::vector<double>& values, const std::vector<double>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(values[i], expected[i], 1e-9 * std::abs(expected[i]) + 1e-12) << i;
  }
}

TEST(TicksTest, ArePowersOfTenThinnedOutOrDigitsBetweenThem) {
  expect_near(ticks(0.9, 1100, 10), {1, 10, 100, 1000});
  expect_near(ticks(1e-6, 1e3, 5), {1e-6, 1e-4, 1e-2, 1, 1e2});
  expect_near(ticks(3, 60, 10), {5, 10, 20, 50});
  expect_near(ticks(1e-3, 1e-1, 10), {1e-3, 1e-2, 1e-1});
  expect_near(ticks(200, 70e3, 4), {1e3, 1e4});      // no room for 2 and 5
  expect_near(ticks(2, 60, 4), {2, 5, 10, 20, 50});  // one power of ten would be no axis
}

TEST(SpreadTest, MovesAsLittleAsItMust) {
  expect_near(spread({10, 50, 90}, 10, 0, 100), {10, 50, 90});
  expect_near(spread({50, 50}, 10, 0, 100), {45, 55});
  expect_near(spread({0, 1, 80}, 10, 0, 100), {0, 10, 80});
  expect_near(spread({99, 100}, 10, 0, 100), {90, 100});
  expect_near(spread({5, 5, 5}, 100, 0, 100), {0, 50, 100});  // too many: evenly
  expect_near(spread({7}, 10, 0, 100), {7});
}

TEST(LabelsTest, TakesTheFirstFreePlaceWithinTheFrame) {
  Labels labels({0, 0, 200, 100}, 6, 12);
  EXPECT_STREQ(labels.put(50, 50, "word").anchor, "start");
  EXPECT_STREQ(labels.put(50, 50, "word").anchor, "end");
  EXPECT_STREQ(labels.put(50, 50, "word").anchor, "middle");
  EXPECT_STREQ(labels.put(190, 50, "word").anchor, "end");  // right of it is no room
}

/// Boxes of `count` labels of ten letters, 60 by 12, for the same point of a frame of 400 by 100.
std::vector<Box> crowd(Labels& labels, int count) {
  std::vector<Box> boxes;
  for (int i = 0; i < count; ++i) {
    const Labels::Place place = labels.put(390, 95, "ten letter");
    const double left = place.x - (place.anchor[0] == 's' ? 0 : place.anchor[0] == 'e' ? 60 : 30);
    boxes.push_back({left, place.y - 9.6, left + 60, place.y + 2.4});
  }
  return boxes;
}

bool overlap(const Box& a, const Box& b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

TEST(LabelsTest, AFullCornerSendsWordsToTheNearestFreePlace) {
  for (const bool has_lines : {false, true}) {
    Labels labels({0, 0, 400, 100}, 6, 12);
    // A line through the whole frame: words go on it rather than on words.
    if (has_lines) labels.keep_free({0, 0, 400, 100});
    const std::vector<Box> boxes = crowd(labels, 25);
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      EXPECT_GE(boxes[i].left, 0);
      EXPECT_LE(boxes[i].right, 400);
      EXPECT_GE(boxes[i].top, 0);
      EXPECT_LE(boxes[i].bottom, 100);
      for (std::size_t j = 0; j < i; ++j) EXPECT_FALSE(overlap(boxes[i], boxes[j])) << i << j;
    }
  }
}

TEST(LabelsTest, WordsOfAFullFrameAreNotCutOff) {
  Labels labels({0, 0, 400, 100}, 6, 12);
  for (const Box& box : crowd(labels, 200)) {
    EXPECT_GE(box.left, 0);
    EXPECT_LE(box.right, 400);
    EXPECT_GE(box.top, -1e-9);
    EXPECT_LE(box.bottom, 100 + 1e-9);
  }
}

TEST(LayoutTest, CountsLettersNotBytes) { EXPECT_EQ(letters("2⁻²⁴ µs"), 7); }

TEST(ChartTest, EscapesWhatHasAMeaningInHtml) {
  EXPECT_EQ(escaped("a<b & \"c\">"), "a&lt;b &amp; &quot;c&quot;&gt;");
}

TEST(ChartTest, RefusesToDrawNothing) {
  const auto words = [](double) { return std::string(); };
  EXPECT_THROW(draw({"empty", "", {"", words}, {"", words}, {}, {}}, kWide), std::invalid_argument);
}

/// A report of both places, six sizes and four numbers of taps.
BenchReport invented() {
  BenchReport report;
  report.before = report.after = {20e-9, 2e-3, 2.01e-3, 2.5e-3};
  report.cpu_peaks = {1e11, 1e10};
  report.peaks = {6e13, 4e12};
  const auto add = [&](const char* name, Processor processor, double N, double K, double seconds) {
    Row row;
    row.problem = {"", std::int64_t(N), std::int64_t(K)};
    row.contender = name;
    row.processor = processor;
    row.seconds = {seconds, seconds, seconds, seconds, seconds, 7};
    row.operations = 4 * N * K;
    row.traffic.bytes = 12 * N;
    row.error = 1e-7;
    row.error_bound = direct_error_bound(row.problem.K).relative;
    row.is_right = true;
    report.rows.push_back(row);
  };
  for (const double N : {1e3, 2e3, 4e3, 8e3, 16e3, 32e3}) {
    add("cpu-naive", Processor::cpu, N, N / 4, 1e-9 * N * N);
    add("cpu-cooley-tukey", Processor::cpu, N, N / 4, 1e-7 * N * std::log2(N));
    add("gpu-direct", Processor::gpu, N, N / 4, 1e-5);
  }
  for (const double K : {1.0, 10.0, 100.0, 1000.0}) {
    add("cpu-naive", Processor::cpu, 5e3, K, 1e-6 * K);
    add("cpu-cooley-tukey", Processor::cpu, 5e3, K, 50e-6);
  }
  return report;
}

const Machine kMachine{"1.2", "a <fast> processor", "a card"};

TEST(FigureTest, FindsWhereTheTransformBeginsToPay) {
  for (const Figure& figure : figures_of(kMachine, invented())) {
    if (figure.chart.id != "crossover") continue;
    ASSERT_GE(figure.chart.notices.size(), 1u);
    EXPECT_NEAR(figure.chart.notices[0].x, 50, 1e-6);
    EXPECT_EQ(figure.chart.notices[0].words, "CPU, one thread: 50 taps");
    return;
  }
  FAIL() << "no such figure";
}

TEST(FigureTest, ReadsNoCrossoverOffNoisyMarks) {
  BenchReport report = invented();
  const auto row = [&](const char* name, std::int64_t K) -> Row& {
    return *std::find_if(report.rows.begin(), report.rows.end(), [&](const Row& one) {
      return one.contender == name && one.problem.N == 5000 && one.problem.K == K;
    });
  };
  const auto is_read = [&] {
    for (const Figure& figure : figures_of(kMachine, report)) {
      if (figure.chart.id != "crossover") continue;
      const bool is_refused =
          says(figure.sentences,
               {"CPU, one thread: not determined: noisy, CPU, all cores: not determined: noisy"});
      EXPECT_EQ(figure.chart.notices.empty(), is_refused) << figure.sentences;
      return !is_refused;
    }
    return false;
  };
  Row& slow = row("cpu-naive", 100);
  slow.is_noisy = slow.is_out_of_line = true;
  EXPECT_FALSE(is_read());
  EXPECT_TRUE(says(to_html(kMachine, report), {"<path class=\"dot c1\""}));
  slow.is_noisy = slow.is_out_of_line = false;
  row("cpu-cooley-tukey", 1000).is_noisy = true;  // far from the crossing
  EXPECT_TRUE(is_read());
  // It may have been faster than the one that seems best.
  Row third = row("cpu-naive", 10);
  third.contender = "cpu-threads";
  third.seconds = {60e-6, 1e-6, 1e-3, 1e-6, 1e-3, 7};
  third.is_noisy = true;
  report.rows.push_back(third);
  third.problem.K = 100;
  third.is_noisy = false;
  report.rows.push_back(third);
  for (const Figure& figure : figures_of(kMachine, report)) {
    if (figure.chart.id != "crossover") continue;
    EXPECT_TRUE(says(figure.sentences,
                     {"CPU, one thread: 50 taps", "CPU, all cores: not determined: noisy"}))
        << figure.sentences;
  }
}

TEST(FigureTest, AreThoseThatTheRowsAllow) {
  std::vector<std::string> ids;
  for (const Figure& figure : figures_of(kMachine, invented())) ids.push_back(figure.chart.id);
  EXPECT_EQ(
      ids, (std::vector<std::string>{"scaling", "crossover", "roofline", "roofline-gpu", "error"}));
  BenchReport few = invented();
  few.rows.resize(3);  // one size
  few.peaks = {};
  ids.clear();
  for (const Figure& figure : figures_of(kMachine, few)) ids.push_back(figure.chart.id);
  EXPECT_EQ(ids, std::vector<std::string>{"roofline"});
  EXPECT_TRUE(figures_of(kMachine, {}).empty());
}

TEST(FigureTest, MainProblemIsTheLargestThatMostTookPartIn) {
  BenchReport report = invented();
  EXPECT_EQ(main_problem(report)->N, 32'000);
  for (Row& row : report.rows) row.is_extrapolated = row.problem.N == 32'000;
  EXPECT_EQ(main_problem(report)->N, 16'000);
  EXPECT_EQ(main_problem({}), nullptr);
}

TEST(LadderTest, MarksWhatIsExtrapolatedOrNoisy) {
  BenchReport report = invented();
  report.rows[15].is_extrapolated = true;  // of the main problem
  report.rows[16].is_noisy = true;
  report.rows[17].is_right = false;
  const std::string svg = ladder_svg(kMachine, report);
  EXPECT_TRUE(says(svg, {"32,000 samples", ">cpu-naive<", "dot hollow", "l10 10m0 -10l-10 10",
                         ">extrapolated<", ">noisy<", ">WRONG<", "a &lt;fast&gt; processor, a card",
                         "prefers-color-scheme: dark"}))
      << svg;
  EXPECT_EQ(ladder_svg(kMachine, {}), "");
}

TEST(LadderTest, HasRoomForTheLongestTimeAndRemark) {
  BenchReport report = invented();
  report.rows[15].is_extrapolated = true;
  report.rows[15].seconds.median = report.rows[15].seconds.high = 5178;
  const std::string svg = ladder_svg(kMachine, report);
  const auto at = svg.find("86.3 min <tspan class=\"soft\">extrapolated<");
  ASSERT_NE(at, std::string::npos) << svg;
  const auto begin = svg.rfind("x=\"", at) + 3;
  const double x = std::stod(svg.substr(begin, svg.find('"', begin) - begin));
  constexpr double kBoldLetter = 7.7;  // 13 px high, as browsers draw it
  EXPECT_LE(x + kBoldLetter * letters("86.3 min extrapolated"), 960);
}

TEST(PageTest, ConfessesWhatIsWrongNoisyOrNotMeasured) {
  BenchReport report = invented();
  const std::string good = to_html(kMachine, report);
  EXPECT_TRUE(says(good, {"a &lt;fast&gt; processor and a card", "None of them are noisy",
                          "32,000 samples × 8,000 taps", "<b>1.02 s</b>", "Every mark lies below"}))
      << good.substr(0, 9000);
  EXPECT_EQ(good.find("WRONG"), std::string::npos);
  EXPECT_EQ(good.find("Not to be trusted"), std::string::npos);
  EXPECT_EQ(good.find("e+"), std::string::npos);  // no number is written as 1e+05

  EXPECT_EQ(good.find("meaningless"), std::string::npos);
  report.is_emulated = true;
  EXPECT_TRUE(
      says(to_html(kMachine, report), {"All times are meaningless", "meaningless: emulated"}));
  report.is_emulated = false;

  report.after.shortest = 1;
  report.date = "2026-11-29T16:20:30Z";
  report.load_after = 3.14;
  report.cores = 2;
  report.rows[0].is_right = false;
  report.rows[0].error = 1;
  report.rows[1].is_noisy = true;
  report.rows[2].is_extrapolated = true;
  report.rows[2].measured = {"", 500, 125};
  report.not_here = {{"gpu-cufft", "p", "no library & no card"}};
  EXPECT_TRUE(says(
      to_html({"1.2", "c", ""}, report),
      {"no GPU took part. 2026-11-29 16:20 UTC; load 0.0 before, 3.1 after, 2 cores",
       "Not to be trusted", "WRONG RESULT", "1 of them are noisy", "extrapolated from 500 x 125",
       "SOME MARKS LIE ABOVE THEIR BOUND", "gpu-cufft, p: no library &amp; no card"}));
}

// What a viewer does with the picture: the bytes of the PNG, unpacked.
std::string pixels_of(const std::string& svg, std::size_t from) {
  const std::string_view head = "data:image/png;base64,";
  const std::size_t begin = svg.find(head, from) + head.size();
  const std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string png;
  unsigned bits = 0;
  int count = 0;
  for (std::size_t i = begin; svg[i] != '"' && svg[i] != '='; ++i) {
    bits = bits << 6 | static_cast<unsigned>(letters.find(svg[i]));
    if ((count += 6) < 8) continue;
    count -= 8;
    png += static_cast<char>(bits >> count & 0xFF);
  }
  const auto number = [&](std::size_t at) {
    std::size_t value = 0;
    for (std::size_t k = 0; k < 4; ++k)
      value = value << 8 | static_cast<unsigned char>(png[at + k]);
    return value;
  };
  EXPECT_EQ(png.substr(1, 3), "PNG");
  std::string pixels((3 * number(16) + 1) * number(20), '\0');
  const std::size_t data = png.find("IDAT");
  uLongf size = pixels.size();
  EXPECT_EQ(uncompress(reinterpret_cast<Bytef*>(pixels.data()), &size,
                       reinterpret_cast<const Bytef*>(png.data() + data + 4), number(data - 4)),
            Z_OK);
  EXPECT_EQ(size, pixels.size());
  return pixels;
}

TEST(ResponsePlotTest, ShowsATone) {
  constexpr int kRate = 16'000;
  Response response;
  response.rate = kRate;
  response.latency_frames = 160;
  for (const Side side : kSides) response.taps[side].resize(kRate);
  for (std::size_t n = 4000; n < 12'000; ++n) {  // from 240 ms on, of the left ear alone
    response.taps.left[n] =
        static_cast<float>(std::sin(2 * std::numbers::pi * 1000 * static_cast<double>(n) / kRate));
  }
  const std::string svg = response_svg(response, "a <tone>");
  EXPECT_TRUE(says(svg, {"a &lt;tone&gt;", ">0 s<", ">0.8 s<", ">1k<", "16000 taps at 16000 Hz"}));
  const std::string left = pixels_of(svg, 0);
  const std::string right = pixels_of(svg, svg.find("base64") + 10);
  constexpr std::size_t kRow = 3 * 852 + 1;
  const auto brightness = [&](const std::string& pixels, double share, double hertz) {
    const double height = std::log(hertz / 60) / std::log(8000.0 / 60);
    const auto row = static_cast<std::size_t>(std::lround(149 * (1 - height)));
    const auto column = static_cast<std::size_t>(852 * share);
    return static_cast<unsigned char>(pixels[row * kRow + 1 + 3 * column + 1]);  // green
  };
  EXPECT_GT(brightness(left, 0.5, 1000), 230);
  EXPECT_LT(brightness(left, 0.1, 1000), 20);   // before it
  EXPECT_LT(brightness(left, 0.5, 200), 60);    // below it
  EXPECT_LT(brightness(left, 0.5, 5000), 60);   // above it
  EXPECT_LT(brightness(right, 0.5, 1000), 20);  // both ears have one scale
}

TEST(ResponsePlotTest, TakesWhatIsShortOrSilent) {
  for (const std::size_t K : {1, 2, 300}) {
    Response silent;
    silent.taps = {Signal(K), Signal(K)};
    silent.rate = 48'000;
    const std::string svg = response_svg(silent, "nothing");
    EXPECT_EQ(svg.find("nan"), std::string::npos) << K;
    EXPECT_EQ(svg.find("inf"), std::string::npos) << K;
    pixels_of(svg, 0);
  }
}

}  // namespace
}  // namespace gpuconv::test
