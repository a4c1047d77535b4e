// trace_test.cpp - ranges are kept while a trace is taken, each on the row of its thread
#include "cuda/runtime/trace.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "cuda/runtime/range.hpp"
#include "host/cli/trace_file.hpp"
#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

TEST(TraceTest, KeepsRangesWithTheirNamesAndTimes) {
  { const Range before("before"); }
  Trace trace;
  {
    const Range outer("outer");
    const Range inner("convolve", Side::right);
  }
  const std::vector<Trace::Span> spans = trace.spans();
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0].name, "convolve right");  // the one that ended first
  EXPECT_EQ(spans[1].name, "outer");
  EXPECT_LE(spans[1].start, spans[0].start);
  EXPECT_LE(spans[0].start, spans[0].end);
  EXPECT_LE(spans[0].end, spans[1].end);
  EXPECT_LE(spans[1].end, trace.now());
  EXPECT_EQ(spans[0].row, spans[1].row);
  EXPECT_FALSE(spans[0].row.is_stream);
}

TEST(TraceTest, HoldsNoMoreThanAPersonTakes) {
  Trace trace;
  const Trace::Row row = Trace::this_thread();
  std::size_t text_of_thousand = 0;
  for (std::size_t i = 0; i < Trace::kMost; ++i) {
    if (i == 1000) text_of_thousand = to_chrome_json(trace, "").size();
    trace.add(Trace::Span{row, "read", 0, 1});
  }
  EXPECT_LT(text_of_thousand, 100u * 1000);
  EXPECT_FALSE(trace.is_full());
  trace.add(Trace::Span{row, "read", 0, 1});
  EXPECT_TRUE(trace.is_full());
  EXPECT_EQ(trace.spans().size(), Trace::kMost);
  for (std::size_t i = 0; i <= Trace::kMost; ++i) trace.add(Trace::Arrow{row, 0, row, 1});
  EXPECT_EQ(trace.arrows().size(), Trace::kMost);
}

TEST(TraceTest, SaysSoWhereItDoesNotHoldAll) {
  const Folder folder;
  TraceFile file(folder.file("trace.json"), Job{});
  for (std::size_t i = 0; i <= Trace::kMost; ++i) {
    Trace::current()->add(Trace::Span{Trace::this_thread(), "read", 0, 1});
  }
  ::testing::internal::CaptureStderr();
  file.write({});
  EXPECT_TRUE(says(::testing::internal::GetCapturedStderr(),
                   {"warning: ", "trace.json: holds the first 100000 spans or arrows, not all"}));
  EXPECT_TRUE(read_bytes(folder.file("trace.json")).ends_with("}\n]}\n"));
}

TEST(TraceTest, ThereIsOneAtATime) {
  EXPECT_EQ(Trace::current(), nullptr);
  {
    const Trace trace;
    EXPECT_EQ(Trace::current(), &trace);
    EXPECT_THROW(Trace(), std::logic_error);
    EXPECT_EQ(Trace::current(), &trace);
  }
  EXPECT_EQ(Trace::current(), nullptr);
}

TEST(TraceTest, ThreadsHaveRowsOfTheirOwnAndLeaveThemToLaterOnes) {
  const Trace::Row here = Trace::this_thread();
  EXPECT_EQ(Trace::this_thread(), here);
  Trace::Row first, second;
  std::thread([&] { first = Trace::this_thread(); }).join();
  std::thread([&] { second = Trace::this_thread(); }).join();
  EXPECT_NE(first, here);
  EXPECT_EQ(second, first);
}

TEST(TraceTest, BecomesEventsThatChromeUnderstands) {
  Trace trace;
  const Trace::Row main{false, "thread 1"}, upload{true, "upload"}, left{true, "left"};
  trace.add(Trace::Span{main, "read", 0, 1e-3});
  trace.add(Trace::Span{upload, "upload", 1e-3, 2e-3});
  trace.add(Trace::Span{left, "convolve", 2e-3, 5e-3});
  trace.add(Trace::Arrow{upload, 2e-3, left, 2e-3});
  const auto events = nlohmann::json::parse(to_chrome_json(trace, "a card")).at("traceEvents");
  const auto find = [&](const char* phase, const char* name) {
    for (const auto& event : events) {
      if (event.at("ph") == phase && event.at("name") == name) return event;
    }
    throw std::runtime_error(name);
  };
  const auto convolve = find("X", "convolve");
  EXPECT_DOUBLE_EQ(convolve.at("ts"), 2000);
  EXPECT_DOUBLE_EQ(convolve.at("dur"), 3000);
  EXPECT_EQ(convolve.at("pid"), 2);
  EXPECT_EQ(find("X", "read").at("pid"), 1);
  EXPECT_NE(convolve.at("tid"), find("X", "upload").at("tid"));
  EXPECT_EQ(find("s", "waits").at("tid"), find("X", "upload").at("tid"));
  EXPECT_EQ(find("f", "waits").at("tid"), convolve.at("tid"));
  EXPECT_EQ(find("s", "waits").at("id"), find("f", "waits").at("id"));
  std::vector<std::string> names;
  for (const auto& event : events) {
    if (event.at("ph") == "M") names.push_back(event.at("args").at("name"));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"CPU", "GPU: a card", "thread 1", "stream: left",
                                             "stream: upload"}));
}

}  // namespace
}  // namespace gpuconv::test
