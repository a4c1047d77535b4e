#include "host/bench/page/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/base/duration.hpp"
#include "host/bench/page/figures.hpp"

namespace gpuconv {
namespace {

/// Colours after Okabe and Ito, "Color universal design" (2008), told apart by all kinds of colour
/// vision; darker for words and in the light, lighter in the dark.
constexpr const char* kStyle = R"css(
:root { color-scheme: light dark;
  --paper: #fdfdfb; --card: #ffffff; --ink: #1b1d21; --soft: #5d636d; --rule: #e3e4e2;
  --accent: #0065a8;
  --c0: #6d737c; --c1: #0072b2; --c2: #d55e00; --c3: #009e73; --c4: #b0508c; --c5: #c98500;
  --c6: #3b9ad1;
  --t0: #565c64; --t1: #005f96; --t2: #a84a00; --t3: #00724f; --t4: #93386f; --t5: #8a5b00;
  --t6: #1f729f; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14161a; --card: #1b1e23; --ink: #eceef1; --soft: #a2a9b4; --rule: #30353d;
  --accent: #66b8f0;
  --c0: #98a0ab; --c1: #4aa3df; --c2: #f0803c; --c3: #2fc295; --c4: #dd8fc0; --c5: #e8ab2e;
  --c6: #8fd0f5;
  --t0: #b4bbc5; --t1: #6cb8ec; --t2: #f59a63; --t3: #4fd3aa; --t4: #e6a5cf; --t5: #efbb52;
  --t6: #a6daf7; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
main { max-width: 840px; margin: 0 auto; padding: 48px 20px 64px; }
h1 { font-size: 34px; line-height: 1.15; letter-spacing: -0.02em; margin: 0 0 8px; }
h2 { font-size: 21px; line-height: 1.3; letter-spacing: -0.01em; margin: 0 0 4px; }
p { margin: 0 0 14px; }
.soft { color: var(--soft); }
.where { color: var(--soft); font-size: 15px; margin-bottom: 28px; }
.key { display: flex; flex-wrap: wrap; gap: 12px 44px; margin: 0 0 12px; padding: 18px 0;
  border-top: 1px solid var(--rule); border-bottom: 1px solid var(--rule); }
.key div { min-width: 120px; }
.key b { display: block; font-size: 28px; line-height: 1.25; font-weight: 600;
  letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.key span { color: var(--soft); font-size: 14px; }
.warning { border-left: 3px solid var(--c2); padding: 4px 0 4px 12px; }
figure, section { margin: 44px 0 0; }
figure svg { display: block; width: 100%; height: auto; overflow: visible; margin: 12px 0 8px; }
figcaption { max-width: 66ch; }
.narrow { display: none; }
@media (max-width: 640px) {
  main { padding: 28px 14px 44px; }
  h1 { font-size: 27px; }
  .wide { display: none; } .narrow { display: block; }
  .key { gap: 12px 28px; } .key b { font-size: 23px; } }
svg text { font: 12px system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
.tick { fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .title { fill: var(--soft); }
svg .label, svg .words { paint-order: stroke; stroke: var(--paper); stroke-width: 3px;
  stroke-linejoin: round; }
svg .label { font-weight: 600; }
svg .words { fill: var(--ink); }
.grid { stroke: var(--rule); stroke-width: 1; fill: none; }
.axis { stroke: var(--soft); stroke-width: 1; fill: none; }
.notice { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 3; fill: none; }
.line { fill: none; stroke-width: 2; stroke-linecap: round; }
.dashed { stroke-dasharray: 3 5; }
.whisker { fill: none; stroke-width: 1.5; opacity: 0.7; }
.leader { fill: none; stroke-width: 1; opacity: 0.55; }
.dot { stroke-width: 1.5; }
.scroll { overflow-x: auto; margin: 12px 0 8px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; line-height: 1.4;
  font-variant-numeric: tabular-nums; }
th, td { padding: 7px 14px 7px 0; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--rule); }
th { color: var(--soft); font-weight: 500; vertical-align: bottom; }
th:first-child, td:first-child, th:last-child, td:last-child { text-align: left; }
td:last-child { color: var(--soft); }
td small { color: var(--soft); font-size: 12.5px; }
td b { font-weight: 600; }
summary { cursor: pointer; color: var(--accent); margin-top: 12px; }
footer { margin-top: 48px; padding-top: 16px; border-top: 1px solid var(--rule);
  color: var(--soft); font-size: 14px; }
)css";

std::string colour_classes() {
  std::string css;
  for (int i = 0; i <= 6; ++i) {
    css += fmt::format(
        ".line.c{0}, .whisker.c{0}, .leader.c{0}, .dot.c{0} {{ stroke: var(--c{0}); }}\n"
        ".dot.c{0} {{ fill: var(--c{0}); }}\n"
        ".label.t{0} {{ fill: var(--t{0}); }}\n",
        i);
  }
  return css + ".dot.hollow { fill: var(--paper); }\n";
}

std::string table(const std::vector<const Row*>& rows, const BenchReport& report,
                  bool with_problem) {
  std::string html = fmt::format(
      "<div class=\"scroll\"><table><thead><tr>{}<th>median</th><th>min to max</th><th>op/s, of "
      "peak</th><th>bytes, of copy</th><th>error / bound, u</th><th></th></tr></thead><tbody>\n",
      with_problem ? "<th>method</th><th>samples × taps</th>" : "<th>method</th>");
  for (const Row* const row : rows) {
    const Shares shares = shares_of_peaks(*row, report);
    html += fmt::format(
        "<tr><td><b>{}</b></td>{}<td>{}</td><td><small>{} to {}</small></td><td>{}</td><td>{}</td>"
        "<td>{:.3g} / {:.3g}</td><td>{}</td></tr>\n",
        escaped(row->contender),
        with_problem ? fmt::format("<td>{} × {}</td>", row->problem.N, row->problem.K) : "",
        duration(row->seconds.median), duration(row->seconds.min), duration(row->seconds.max),
        percent(shares.operations), percent(shares.bytes), row->error / kUnit,
        row->error_bound / kUnit, escaped(remarks(*row, report)));
  }
  return html + "</tbody></table></div>\n";
}

/// The slowest and the fastest that were measured without noise, and what lies between.
std::string key_numbers(const std::vector<const Row*>& rows) {
  const Row* slowest = nullptr;
  const Row* fastest = nullptr;
  for (const Row* const row : rows) {
    if (row->is_extrapolated || row->is_noisy || !(row->seconds.median > 0)) continue;
    if (slowest == nullptr || row->seconds.median > slowest->seconds.median) slowest = row;
    if (fastest == nullptr || row->seconds.median < fastest->seconds.median) fastest = row;
  }
  if (slowest == nullptr || slowest == fastest) return "";
  const double factor = slowest->seconds.median / fastest->seconds.median;
  return fmt::format(
      "<div class=\"key\"><div><b>{}</b><span>{}</span></div><div><b>{}</b><span>{}</span></div>"
      "<div><b>{} ×</b><span>faster, the same sound</span></div></div>\n",
      duration(slowest->seconds.median), escaped(slowest->contender),
      duration(fastest->seconds.median), escaped(fastest->contender),
      factor < 100 ? fmt::format("{:.2g}", factor) : with_commas(10 * std::lround(factor / 10)));
}

std::string confession(const BenchReport& report) {
  const auto noisy = std::count_if(report.rows.begin(), report.rows.end(),
                                   [](const Row& r) { return r.is_noisy; });
  std::string html = fmt::format(
      "<p>{} numbers, each a median of repeated runs, planned and in memory; marks carry the "
      "interval that holds the true median with 95 % confidence. {} of them are noisy, uncertain "
      "by more than 5&nbsp;% or out of line with other sizes even when measured again: these are "
      "crosses.</p>\n",
      report.rows.size(), noisy == 0 ? "None" : std::to_string(noisy));
  if (report.is_emulated) {
    html +=
        "<p class=\"warning\"><b>All times are meaningless:</b> the GPU is emulated, and "
        "sanitizers slow down everything. No peak was measured.</p>\n";
  }
  if (!report.before.is_trustworthy() || !report.after.is_trustworthy()) {
    html +=
        "<p class=\"warning\"><b>Not to be trusted:</b> a loop of known length took too long; "
        "the machine was too busy to measure on.</p>\n";
  }
  return html;
}

std::string html_of(const Figure& figure) {
  return fmt::format(
      "<figure id=\"{}\">\n<h2>{}</h2>\n<div class=\"wide\">{}</div>\n<div "
      "class=\"narrow\">{}</div>"
      "\n<figcaption>{}</figcaption>\n</figure>\n",
      figure.chart.id, escaped(figure.heading), draw(figure.chart, kWide),
      draw(figure.chart, kNarrow), escaped(figure.sentences));
}

}  // namespace

std::string to_html(const Machine& machine, const BenchReport& report) {
  const Problem* const main = main_problem(report);
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>gpuconv: what a convolution costs</title>\n<style>{}{}</style>\n</head>\n<body>\n"
      "<main>\n<h1>What a convolution costs</h1>\n<p class=\"where\">gpuconv {} on {}{}. {}</p>\n",
      kStyle, colour_classes(), escaped(machine.program), escaped(machine.cpu),
      machine.gpu.empty() ? "; no GPU took part" : " and " + escaped(machine.gpu), when(report));
  if (main != nullptr) {
    html += fmt::format("<p>{}, both ears:</p>\n{}", escaped(words_of(*main)),
                        report.is_emulated ? "" : key_numbers(rows_of(report, *main)));
  }
  html += confession(report);
  for (const Figure& figure : figures_of(machine, report)) html += html_of(figure);
  std::vector<const Row*> all;
  for (const Row& row : report.rows) all.push_back(&row);
  if (main != nullptr) {
    html += fmt::format("<section id=\"table\">\n<h2>The ladder: {}</h2>\n{}",
                        escaped(words_of(*main)), table(rows_of(report, *main), report, false));
    html +=
        "<p class=\"soft\">Operations are counted, not measured: shares say what part of this "
        "machine's measured ceilings a method reaches. More than 100 % of the copy means that "
        "the bytes stayed in a cache. u = 2⁻²⁴.</p>\n";
    html += fmt::format("<details><summary>All {} rows</summary>\n{}</details>\n</section>\n",
                        all.size(), table(all, report, true));
  }
  html += "<footer>";
  for (const Skipped& skipped : report.not_here) {
    html += fmt::format("<p>Not here: {}, {}: {}</p>\n", escaped(skipped.contender),
                        escaped(skipped.problem), escaped(skipped.reason));
  }
  html += fmt::format(
      "<p>The timer: nothing took {}, a loop of {} took {} ({} at best).</p></footer>\n",
      duration(report.before.empty), duration(report.before.asked), duration(report.before.median),
      duration(report.before.shortest));
  return html + "</main>\n</body>\n</html>\n";
}

}  // namespace gpuconv
