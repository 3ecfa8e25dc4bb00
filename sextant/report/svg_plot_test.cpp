#include "sextant/report/svg_plot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <sstream>

#include "sextant/base/check.h"
#include "sextant/report/text.h"
#include "sextant/report/well_formed.h"

namespace sextant {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
const std::string kHostile = "</title><script>alert('x')</script> & \"q\" \x01 \xff\xc0\x80 −β ]]> <!--";

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

bool nice(double step) {
  const double mantissa = step / std::pow(10.0, std::floor(std::log10(step) + 1e-9));
  return std::min({std::abs(mantissa - 1), std::abs(mantissa - 2), std::abs(mantissa - 5)}) < 1e-6;
}

TEST(Ticks, CoverTheValuesAreFewRisingAndNice) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (int trial = 0; trial < 4000; ++trial) {
    const double size = std::pow(10.0, 30 * uniform(random)), offset = trial % 3 == 0 ? 0 : size * 50 * uniform(random);
    const std::vector<double> values{offset + size * uniform(random), offset + size * uniform(random)};
    for (const int most : {3, 5, 9}) {
      const AxisScale scale = make_scale({}, values, most);
      const auto& t = scale.ticks;
      ASSERT_GE(t.size(), 2u);
      ASSERT_LE(t.size(), static_cast<size_t>(most));
      ASSERT_LE(t.front().value, std::min(values[0], values[1]) + 1e-8 * size);
      ASSERT_GE(t.back().value, std::max(values[0], values[1]) - 1e-8 * size);
      ASSERT_LE(scale.min, std::min(values[0], values[1]));
      ASSERT_GE(scale.max, std::max(values[0], values[1]));
      const double step = t[1].value - t[0].value;
      ASSERT_TRUE(nice(step)) << step;
      for (size_t i = 1; i < t.size(); ++i) {
        ASSERT_NEAR(t[i].value - t[i - 1].value, step, step * 1e-6);
        ASSERT_NE(t[i].label, t[i - 1].label);
      }
    }
  }
}

TEST(Ticks, LogarithmicOnesCoverAndAreFew) {
  std::mt19937 random(8);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (int trial = 0; trial < 4000; ++trial) {
    const double low = std::pow(10.0, 20 * uniform(random));
    const double high = low * std::pow(10.0, (trial % 2 ? 1 : 12) * std::abs(uniform(random)));
    const std::vector<double> values{high, low, -1, 0};
    const AxisScale scale = make_scale({.log = true}, values);
    ASSERT_GE(scale.ticks.size(), 2u) << low << " " << high;
    ASSERT_LE(scale.ticks.size(), 7u) << low << " " << high;
    ASSERT_GT(scale.min, 0);
    ASSERT_LE(scale.min, low);
    ASSERT_GE(scale.max, high);
    ASSERT_NEAR(scale.position(scale.min), 0, 1e-12);
    ASSERT_NEAR(scale.position(scale.max), 1, 1e-12);
    for (size_t i = 1; i < scale.ticks.size(); ++i) ASSERT_LT(scale.ticks[i - 1].value, scale.ticks[i].value);
  }
}

std::string labels(const Axis& axis, const std::vector<double>& values) {
  std::string out;
  for (const Tick& tick : make_scale(axis, values).ticks) out += (out.empty() ? "" : " ") + tick.label;
  return out;
}

TEST(Ticks, LabelsReadWell) {
  EXPECT_EQ(labels({}, {0.01, 0.29}), "0.00 0.05 0.10 0.15 0.20 0.25 0.30");
  EXPECT_EQ(labels({}, {1, 3}), "1 2 3");  // epochs are whole
  EXPECT_EQ(labels({}, {-1.5, 60000}), "−20,000 0 20,000 40,000 60,000");
  EXPECT_EQ(labels({}, {0, 2.4e7}), "0 0.5×10⁷ 1.0×10⁷ 1.5×10⁷ 2.0×10⁷ 2.5×10⁷");
  EXPECT_EQ(labels({.log = true}, {1e-6, 0.5}), "10⁻⁶ 10⁻⁵ 10⁻⁴ 0.001 0.01 0.1 1");
  EXPECT_EQ(labels({.log = true}, {3, 40}), "2 5 10 20 50");
  EXPECT_EQ(labels({.min = 0, .max = 1.1}, {}), "0.0 0.2 0.4 0.6 0.8 1.0");
}

TEST(Ticks, NothingConstantsAndExtremesStillGiveAnAxis) {
  const std::vector<std::vector<double>> all{{},
                                             {NAN, kInf},
                                             {0},
                                             {5, 5, 5},
                                             {-3e-310},
                                             {1e299},
                                             {-1e299, 1e299},
                                             {1e-290, 2e-290},
                                             {1, 1 + 1e-15},
                                             {1e15, 1e15 + 1}};
  for (const auto& values : all)
    for (const bool log : {false, true}) {
      const AxisScale scale = make_scale({.log = log}, values);
      EXPECT_LT(scale.min, scale.max);
      EXPECT_GE(scale.ticks.size(), 2u);
      for (const double v : values) EXPECT_TRUE(!scale.draws(v) || (scale.min <= v && v <= scale.max)) << v;
    }
  EXPECT_THROW(make_scale({.min = 2, .max = 1}, {}), Error);
  EXPECT_THROW(make_scale({.log = true, .min = 0}, {}), Error);
}

Plot curve(std::vector<double> y) {
  Plot plot{.title = "t", .series = {{.label = "a", .y = std::move(y)}}};
  for (size_t i = 0; i < plot.series[0].y.size(); ++i) plot.series[0].x.push_back(static_cast<double>(i));
  return plot;
}

TEST(SvgPlot, TheLabelOfALineStandsWhereTheCurvesAreNot) {
  const auto label_x = [](Plot plot) {
    plot.reference_lines = {{5, "a level with a name"}};
    const std::string svg = to_svg(plot);
    const size_t at = svg.rfind("x=\"", svg.find(">a level with a name<"));
    return std::strtod(svg.c_str() + at + 3, nullptr);
  };
  // Up and down around the line on one side, far from it on the other.
  const Plot right = curve({9, 9, 9, 9, 9, 4, 6, 4, 6, 4}), left = curve({4, 6, 4, 6, 4, 9, 9, 9, 9, 9});
  EXPECT_LT(label_x(right), 200);
  EXPECT_GT(label_x(left), 300);
  EXPECT_GT(label_x(curve({9, 9, 9, 9, 8})), 300) << "on the right where nothing is in the way";
}

TEST(SvgPlot, IsWellFormedWhateverTheTextsAndNumbers) {
  Plot plot = curve({1, NAN, 1e9, -kInf, 3, 1e-300});
  plot.title = plot.description = plot.x.label = plot.y.label = plot.series[0].label = kHostile;
  plot.reference_lines = {{2, kHostile}, {kInf, "never"}};
  plot.series.push_back({.label = "dots", .x = {1, 2}, .y = {3, NAN}, .mark = Mark::kDots, .dashed = true});
  for (const bool log : {false, true}) {
    plot.x.log = plot.y.log = log;
    for (const bool equal : {false, true}) {
      plot.equal_scale = equal;
      const std::string svg = to_svg(plot);
      EXPECT_EQ(well_formed(svg), "");
      EXPECT_EQ(svg.find("<script"), std::string::npos);
      EXPECT_EQ(svg.find("nan"), std::string::npos);
      EXPECT_EQ(svg.find("inf"), std::string::npos);
      EXPECT_NE(svg.find("role=\"img\""), std::string::npos);
      EXPECT_NE(svg.find("<title id="), std::string::npos);
      EXPECT_EQ(svg, to_svg(plot));
    }
  }
}

TEST(SvgPlot, PointsThatAreNoNumbersLeaveGaps) {
  const auto lines = [](const Plot& plot) {
    return count(to_svg(plot), "stroke-linejoin=\"round\"") - 1;
  };  // legend: 1
  EXPECT_EQ(lines(curve({1, 2, 3, 4, 5})), 1u);
  EXPECT_EQ(lines(curve({1, 2, NAN, 4, 5})), 2u);
  EXPECT_EQ(lines(curve({1, 2, kInf, 4})), 1u);  // the point left alone is a marker
  EXPECT_EQ(lines(curve({NAN, NAN})), 0u);
  Plot log = curve({1, 2, 0, 3, 4, -1, 5, 6});
  log.y.log = true;
  EXPECT_EQ(lines(log), 3u);
}

TEST(SvgPlot, EmptySaysSoAndOnePointIsAMarker) {
  EXPECT_NE(to_svg({}).find("no data"), std::string::npos);
  EXPECT_EQ(well_formed(to_svg({})), "");
  const std::string one = to_svg(curve({42}));
  EXPECT_EQ(one.find("no data"), std::string::npos);
  EXPECT_EQ(count(one, "<circle"), 2u);  // and one in the legend
}

TEST(SvgPlot, ALongLogStaysSmallAndKeepsItsExtremes) {
  std::vector<double> y(200000, 1.0);
  y[77777] = 9;
  const Plot plot = curve(y);
  const std::string svg = to_svg(plot);
  EXPECT_LT(svg.size(), 80000u);
  // The spike reaches 9 on an axis from 0 or 1 to 9 or 10: high above everything else, which lies at 1.
  Plot flat = curve(std::vector<double>(200000, 1.0));
  flat.y.min = 0;
  flat.y.max = 10;
  Plot spike = plot;
  spike.y = flat.y;
  EXPECT_NE(to_svg(spike), to_svg(flat));
}

TEST(SvgPlot, AFieldLiesInItsRectangleBelowTheSeries) {
  Plot plot{.series = {{.label = "data", .x = {-1, 1}, .y = {0, 1}, .mark = Mark::kDots}}};
  plot.field = {.label = "p(x)", .left = -2, .right = 2, .bottom = -1, .top = 3, .columns = 2, .values = {0, 1, 2, 4}};
  const std::string svg = to_svg(plot);
  EXPECT_EQ(well_formed(svg), "");
  EXPECT_EQ(count(svg, "<image"), 2u);  // the scale of colours, and the field
  EXPECT_LT(svg.rfind("<image"), svg.rfind("clip-path"));
  EXPECT_NE(svg.find(">p(x)<"), std::string::npos);
  EXPECT_NE(svg.find(">4<"), std::string::npos);
  plot.series = {};
  EXPECT_EQ(to_svg(plot).find("no data"), std::string::npos);
  plot.field->values.pop_back();
  EXPECT_THROW(to_svg(plot), Error);
  plot.field = {.left = 1, .right = 1, .columns = 1, .values = {1}};
  EXPECT_THROW(to_svg(plot), Error);
}

TEST(HeatField, TheHighestRowComesFirstAndMoreIsDarker) {
  const Picture picture = to_picture({.columns = 2, .values = {0, 1, 2, NAN}});
  EXPECT_EQ(picture.height, 2);
  const auto red = [&](size_t pixel) { return picture.pixels[3 * pixel]; };
  EXPECT_EQ(red(0), 8);    // 2, the most: the second row of values is the upper one
  EXPECT_EQ(red(1), 128);  // no number: grey
  EXPECT_EQ(red(2), 247);
  EXPECT_LT(red(3), red(2));
  EXPECT_GT(red(3), red(0));
  const Picture level = to_picture({.columns = 1, .values = {0, 0}});  // nothing anywhere: the lightest
  EXPECT_EQ(level.pixels[0], 247);
}

TEST(SvgPlot, SeriesThatContradictThemselvesAreRefused) {
  EXPECT_THROW(to_svg({.series = {{.x = {1}, .y = {}}}}), Error);
  EXPECT_THROW(to_csv({.series = {{.x = {1}, .y = {1}, .colour = 10}}}), Error);
}

TEST(Csv, NumbersComeBackExactly) {
  std::mt19937_64 random(9);
  Plot plot{.series = {{.label = "a, \"b\""}, {.label = "c"}}};
  for (int i = 0; i < 2000; ++i) {
    const double x = std::bit_cast<double>(random()), y = std::bit_cast<double>(random());
    auto& s = plot.series[i % 2];
    s.x.push_back(x);
    s.y.push_back(y);
  }
  std::istringstream csv(to_csv(plot));
  std::string line;
  std::getline(csv, line);
  EXPECT_EQ(line, "series,x,y");
  for (const Series& s : plot.series)
    for (size_t i = 0; i < s.x.size(); ++i) {
      ASSERT_TRUE(std::getline(csv, line));
      const std::string name = csv_field(s.label) + ",";
      ASSERT_TRUE(line.starts_with(name)) << line;
      const size_t comma = line.find(',', name.size());
      const double x = std::strtod(line.c_str() + name.size(), nullptr),
                   y = std::strtod(line.c_str() + comma + 1, nullptr);
      ASSERT_TRUE(x == s.x[i] || (std::isnan(x) && std::isnan(s.x[i]))) << line;
      ASSERT_TRUE(y == s.y[i] || (std::isnan(y) && std::isnan(s.y[i]))) << line;
    }
  EXPECT_FALSE(std::getline(csv, line));
}

TEST(Csv, AFieldAddsItsCellsAndAColumn) {
  Plot plot{.series = {{.label = "a", .x = {1}, .y = {2.5}}}};
  plot.field = {.label = "p", .left = 0, .right = 2, .bottom = 0, .top = 1, .columns = 2, .values = {3, 4.5}};
  EXPECT_EQ(to_csv(plot), "series,x,y,value\np,0.5,0.5,3\np,1.5,0.5,4.5\na,1,2.5,\n");
}

TEST(Csv, ALabelWithALineBreakIsQuoted) {
  const Plot plot{.series = {{.label = "a", .x = {1}, .y = {2.5}}, {.label = "b\nc", .x = {1}, .y = {NAN}}}};
  EXPECT_EQ(to_csv(plot), "series,x,y\na,1,2.5\n\"b\nc\",1,nan\n");
}

}  // namespace
}  // namespace sextant
