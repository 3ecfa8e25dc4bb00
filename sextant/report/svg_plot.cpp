#include "sextant/report/svg_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "sextant/base/check.h"
#include "sextant/base/hash.h"
#include "sextant/base/number_text.h"
#include "sextant/report/png.h"
#include "sextant/report/svg.h"
#include "sextant/report/text.h"

namespace sextant {
namespace {

using svg::number;

constexpr double kWidth = 560, kEdge = 14, kAreaHeight = 250;
constexpr size_t kLegendCharacters = 46;

struct Point {
  double x, y;
};

// Where the axes lie in the drawing.
struct Area {
  double left, top, width, height;
  AxisScale x, y;
  bool empty;  // no point can be drawn

  double at_x(double value) const { return left + width * x.position(value); }
  double at_y(double value) const { return top + height * (1 - y.position(value)); }
};

void check_plot(const Plot& plot) {
  if (plot.field) check_field(*plot.field);
  for (const Series& s : plot.series) {
    SEXTANT_CHECK(s.x.size() == s.y.size(), "[plot] expected x and y of one length in series '", s.label, "'; got ",
                  s.x.size(), " and ", s.y.size());
    SEXTANT_CHECK(s.colour >= -1 && s.colour < svg::kColours, "[plot] expected a colour 0 to ", svg::kColours - 1,
                  " (-1: by position); got ", s.colour, " in series '", s.label, "'");
  }
}

// The runs of points between gaps, in drawing units, thinned: of neighbours in one half-unit column only the first, the
// lowest, the highest and the last are kept, which looks the same and bounds the size of a long log.
std::vector<std::vector<Point>> runs(const Area& area, const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<std::vector<Point>> out(1);
  int64_t column = 0;
  size_t start = 0;  // of the points in the present column
  const auto thin = [&](std::vector<Point>& run) {
    if (run.size() - start <= 4) return;
    const auto by_y = [](const Point& a, const Point& b) { return a.y < b.y; };
    const auto first = run.begin() + static_cast<std::ptrdiff_t>(start);
    auto [low, high] = std::minmax_element(first, run.end(), by_y);
    if (low > high) std::swap(low, high);
    const std::array kept{*first, *low, *high, run.back()};
    run.erase(first, run.end());
    run.insert(run.end(), kept.begin(), kept.end());
  };
  for (size_t i = 0; i < x.size(); ++i) {
    if (!area.x.draws(x[i]) || !area.y.draws(y[i])) {
      thin(out.back());
      if (!out.back().empty()) out.emplace_back();
      start = 0;
      continue;
    }
    const Point point{area.at_x(x[i]), area.at_y(y[i])};
    if (const auto here = std::llround(std::clamp(point.x, -1e6, 1e6) * 2); here != column || out.back().empty()) {
      thin(out.back());
      column = here;
      start = out.back().size();
    }
    // What lies far outside a prescribed range is cut off anyway; a bound keeps the numbers short.
    out.back().push_back({std::clamp(point.x, -1e4, 1e4), std::clamp(point.y, -1e4, 1e4)});
  }
  thin(out.back());
  if (out.back().empty()) out.pop_back();
  return out;
}

std::string path_data(const std::vector<Point>& points) {
  std::string out;
  for (const Point& p : points) out += concat(out.empty() ? "M" : "L", number(p.x), " ", number(p.y));
  return out;
}

// One marker; shapes differ so that series are told apart without colour.
std::string marker(size_t shape, Point p) {
  const auto polygon = [&](std::string_view points) {
    return concat("<path transform=\"translate(", number(p.x), " ", number(p.y), ")\" d=\"", points, "\"/>");
  };
  switch (shape % 5) {
    case 0:
      return concat("<circle cx=\"", number(p.x), "\" cy=\"", number(p.y), "\" r=\"3.8\"/>");
    case 1:
      return polygon("M-3.4-3.4h6.8v6.8h-6.8z");
    case 2:
      return polygon("M0-4.6 4.4 3.4h-8.8z");
    case 3:
      return polygon("M0-5 4.6 0 0 5-4.6 0z");
    default:
      return polygon("M0 4.6 4.4-3.4h-8.8z");
  }
}

// The colour of a series, and with it the shape of its markers.
size_t colour(const Series& s, size_t position) {
  return s.colour >= 0 ? static_cast<size_t>(s.colour) : position % svg::kColours;
}

std::string stroke(const Series& s, double width) {
  return concat(" fill=\"none\" stroke=\"currentColor\" stroke-width=\"", number(width), "\" stroke-linejoin=\"round\"",
                s.dashed ? " stroke-dasharray=\"6.5 5\"" : " stroke-linecap=\"round\"");
}

// Markers of a dashed series are hollow.
std::string marker_group(const Series& s, std::string_view markers) {
  return concat(
      s.dashed ? "<g class=\"hollow\" stroke=\"currentColor\" stroke-width=\"1.8\">" : "<g fill=\"currentColor\">",
      markers, "</g>");
}

std::string draw_line(const Area& area, const Series& s, size_t shape) {
  std::string out, markers;
  for (const auto& run : runs(area, s.x, s.y)) {
    // Where thousands of points share the width, a thin line shows more of them.
    if (run.size() > 1) out += concat("<path d=\"", path_data(run), "\"", stroke(s, run.size() > 900 ? 1 : 2.2), "/>");
    const size_t stride = s.x.size() <= 25 ? 1 : std::max<size_t>(1, run.size() / 7);
    for (size_t i = run.size() == 1 ? 0 : stride == 1 ? 0 : stride / 2; i < run.size(); i += stride)
      markers += marker(shape, run[i]);
  }
  return markers.empty() ? out : out + marker_group(s, markers);
}

std::string draw_dots(const Area& area, const Series& s, size_t shape) {
  std::string shapes, dots;
  const bool few = s.x.size() <= 60;
  for (size_t i = 0; i < s.x.size(); ++i) {
    if (!area.x.draws(s.x[i]) || !area.y.draws(s.y[i])) continue;
    const Point p{std::clamp(area.at_x(s.x[i]), -1e4, 1e4), std::clamp(area.at_y(s.y[i]), -1e4, 1e4)};
    if (few)
      shapes += marker(shape, p);
    else
      dots += concat("M", number(std::round(p.x * 10) / 10), " ", number(std::round(p.y * 10) / 10), "h0");
  }
  if (few) return concat("<g fill=\"currentColor\" fill-opacity=\".85\">", shapes, "</g>");
  // A round line cap at a line of no length is a dot: the smallest way to write thousands.
  return concat("<path d=\"", dots, "\" stroke=\"currentColor\" stroke-opacity=\".7\" stroke-width=\"",
                s.x.size() > 1500 ? "3" : "4.4", "\" stroke-linecap=\"round\"/>");
}

std::string embedded(const Picture& picture, double x, double y, double width, double height) {
  return concat("<image x=\"", number(x), "\" y=\"", number(y), "\" width=\"", number(width), "\" height=\"",
                number(height), "\" preserveAspectRatio=\"none\" href=\"data:image/png;base64,",
                base64(encode_png(picture)), "\"/>");
}

std::string draw_field(const Area& area, const std::optional<HeatField>& field) {
  if (!field) return "";
  const double left = area.at_x(field->left), top = area.at_y(field->top);
  return embedded(to_picture(*field), left, top, area.at_x(field->right) - left, area.at_y(field->bottom) - top);
}

std::string three_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g", value);
  return text;
}

// The scale of a field's colours with its ends, from `y` downwards; moves `y` below it.
std::string draw_colour_scale(const std::optional<HeatField>& field, double& y) {
  if (!field) return "";
  const auto [low, high] = colour_range(*field);
  HeatField bar{.columns = 64};
  for (int i = 0; i < 64; ++i) bar.values.push_back(i);
  double x = kEdge;
  const auto word = [&](const std::string& content) {
    std::string out = svg::text(x, y + 14, "start", "m", content);
    x += static_cast<double>(character_count(content)) * svg::kCharacter + 8;
    return out;
  };
  const std::string name = field->label.empty() ? "" : word(field->label), from = word(three_digits(low));
  const std::string colours = embedded(to_picture(bar), x, y + 2, 120, 14);
  x += 128;
  const std::string to = word(three_digits(high));
  y += svg::kLine + 8;
  return concat(name, from, colours, to);
}

std::string draw_series(const Area& area, const Plot& plot, std::string_view clip) {
  std::string out = concat("<g clip-path=\"url(#", clip, ")\">");
  for (size_t i = 0; i < plot.series.size(); ++i) {
    const Series& s = plot.series[i];
    const size_t k = colour(s, i);
    out +=
        concat("<g class=\"k", k, "\">", s.mark == Mark::kDots ? draw_dots(area, s, k) : draw_line(area, s, k), "</g>");
  }
  return out + "</g>";
}

// The legend in columns from `y` downwards; moves `y` below it.
std::string draw_legend(const Plot& plot, double& y) {
  constexpr double kSpace = 14, kRoom = kWidth - 2 * kEdge;
  const bool lines = std::ranges::any_of(plot.series, [](const Series& s) { return s.mark == Mark::kLine; });
  const double swatch = lines ? 30 : 12;
  size_t longest = 0, entries = 0;
  for (const Series& s : plot.series)
    longest = std::max(longest, std::min(character_count(s.label), kLegendCharacters));
  const double widest = swatch + 6 + static_cast<double>(longest) * svg::kCharacter + kSpace;
  const auto columns = static_cast<size_t>(std::max(1.0, std::floor((kRoom + kSpace) / widest)));
  std::string out;
  for (size_t i = 0; i < plot.series.size(); ++i) {
    const Series& s = plot.series[i];
    const auto label = wrap(s.label, kLegendCharacters, 1);
    if (label.empty()) continue;
    if (entries > 0 && entries % columns == 0) y += svg::kLine;
    const double x = kEdge + static_cast<double>(entries++ % columns) * widest;
    const Point middle{x + swatch / 2, y + 9};
    out += concat("<g class=\"k", colour(s, i), "\">");
    if (s.mark == Mark::kLine)
      out += concat("<path d=\"M", number(x), " ", number(middle.y), "h", number(swatch), "\"", stroke(s, 2.2), "/>");
    out += concat(marker_group(s, marker(colour(s, i), middle)), "</g>",
                  svg::text(x + swatch + 6, y + 14, "start", "", label[0]));
  }
  if (!out.empty()) y += svg::kLine + 8;
  return out;
}

std::string draw_axes(const Area& area) {
  std::string lines, labels;
  const double right = area.left + area.width, bottom = area.top + area.height;
  for (const Tick& tick : area.y.ticks) {
    const double y = area.at_y(tick.value);
    lines += concat("M", number(area.left), " ", number(y), "H", number(right));
    labels += svg::text(area.left - 8, y + 5, "end", "m", tick.label);
  }
  std::string marks;
  for (const Tick& tick : area.x.ticks) {
    const double x = area.at_x(tick.value);
    lines += concat("M", number(x), " ", number(area.top), "V", number(bottom));
    marks += concat("M", number(x), " ", number(bottom), "v5");
    labels += svg::text(x, bottom + 21, "middle", "m", tick.label);
  }
  return concat("<path d=\"", lines, "\" stroke=\"currentColor\" stroke-opacity=\".12\"/><path d=\"M",
                number(area.left), " ", number(bottom), "H", number(right), marks,
                "\" stroke=\"currentColor\" stroke-opacity=\".55\" ", "fill=\"none\"/>", labels);
}

// How much of the curves lies in a box: points along them, since a line may cross it between two of its own.
int covered(const Area& area, const Plot& plot, double left, double top, double right, double bottom) {
  constexpr int kSteps = 16;
  int hits = 0;
  for (const Series& s : plot.series)
    for (size_t i = 0; i < s.x.size(); ++i) {
      const size_t before = i > 0 && s.mark == Mark::kLine ? i - 1 : i;
      const Point from{area.at_x(s.x[before]), area.at_y(s.y[before])}, to{area.at_x(s.x[i]), area.at_y(s.y[i])};
      for (int k = 1; k <= kSteps; ++k) {  // a point that can't be drawn is NaN or infinite, and in no box
        const double x = from.x + (to.x - from.x) * k / kSteps, y = from.y + (to.y - from.y) * k / kSteps;
        hits += x >= left && x <= right && y >= top && y <= bottom;
      }
    }
  return hits;
}

// Its label stands where the curves leave most room: above or below, on the right, on the left or between.
std::string draw_reference_label(const Area& area, const Plot& plot, double y, const std::string& label) {
  const double width = static_cast<double>(character_count(label)) * svg::kCharacter, free = area.width - width - 8;
  int least = 0;
  Point best{-1, 0};
  for (const double shift : {1.0, 0.0, 0.5})
    for (const double baseline : {y - 6, y + 17}) {
      if (baseline < area.top + 14 || baseline > area.top + area.height) continue;
      const double x = area.left + 4 + free * shift;
      const int hits = covered(area, plot, x - 4, baseline - 14, x + width + 4, baseline + 4);
      if (best.x < 0 || hits < least) least = hits, best = {x, baseline};
    }
  return best.x < 0 ? "" : svg::text(best.x, best.y, "start", "ov", label);
}

std::string draw_reference_lines(const Area& area, const Plot& plot) {
  std::string out;
  for (const ReferenceLine& line : plot.reference_lines) {
    if (!area.y.draws(line.y) || line.y < area.y.min || line.y > area.y.max) continue;
    const double y = area.at_y(line.y), right = area.left + area.width;
    out += concat("<path d=\"M", number(area.left), " ", number(y), "H", number(right), "\" stroke=\"currentColor\" ",
                  "stroke-opacity=\".7\" stroke-width=\"1.4\" stroke-dasharray=\"2 4\" stroke-linecap=\"round\"/>");
    for (const std::string& label : wrap(line.label, 46, 1)) out += draw_reference_label(area, plot, y, label);
  }
  return out;
}

double longest_label(const AxisScale& scale) {
  size_t most = 0;
  for (const Tick& tick : scale.ticks) most = std::max(most, character_count(tick.label));
  return static_cast<double>(most) * svg::kCharacter;
}

// Fewer ticks until their labels stand clear of each other.
AxisScale fit_x(const Axis& axis, const std::vector<double>& values, double width) {
  for (int most = 9;; --most) {
    AxisScale scale = make_scale(axis, values, most);
    if (most == 3 ||
        longest_label(scale) + 10 < width / static_cast<double>(std::max<size_t>(1, scale.ticks.size() - 1)))
      return scale;
  }
}

Area make_area(const Plot& plot, double top) {
  std::vector<double> x, y;
  for (const Series& s : plot.series) {
    for (size_t i = 0; i < s.x.size(); ++i) {
      if (!AxisScale{.log = plot.y.log}.draws(s.y[i]) || !AxisScale{.log = plot.x.log}.draws(s.x[i])) continue;
      x.push_back(s.x[i]);
      y.push_back(s.y[i]);
    }
  }
  const bool empty = x.empty() && !plot.field;
  if (plot.field) {
    x.insert(x.end(), {plot.field->left, plot.field->right});
    y.insert(y.end(), {plot.field->bottom, plot.field->top});
  }
  for (const ReferenceLine& line : plot.reference_lines) y.push_back(line.y);
  if (plot.equal_scale) {
    x.insert(x.end(), y.begin(), y.end());
    y = x;
  }
  Area area{
      .left = 0, .top = top, .width = 0, .height = kAreaHeight, .x = {}, .y = make_scale(plot.y, y), .empty = empty};
  area.left = kEdge + longest_label(area.y) + 8;
  area.width = kWidth - kEdge - 8 - area.left;
  area.x = fit_x(plot.x, x, area.width);
  area.width -= std::max(0.0, longest_label(area.x) / 2 - kEdge - 2);  // the last label stands half outside
  if (plot.equal_scale) {
    area.height = area.width = std::min(area.width, 420.0);
    area.x = make_scale(plot.x, x);
  }
  return area;
}

}  // namespace

std::string to_svg(const Plot& plot) {
  check_plot(plot);
  double y = kEdge;
  std::string head = svg::title_lines(plot.title, kWidth - 2 * kEdge, y);
  if (!plot.title.empty()) y += 4;
  head += draw_legend(plot, y) + draw_colour_scale(plot.field, y);
  if (!plot.y.label.empty()) {
    head += svg::text(kEdge, y + 12, "start", "m", plot.y.label);
    y += svg::kLine + 4;
  }
  const Area area = make_area(plot, y + 4);
  const std::string axes = draw_axes(area), clip = concat("sx", std::hex, fnv1a(axes, fnv1a(head)), "c");
  std::string body =
      concat(head, "<clipPath id=\"", clip, "\"><rect x=\"", number(area.left - 6), "\" y=\"", number(area.top - 6),
             "\" width=\"", number(area.width + 12), "\" height=\"", number(area.height + 12), "\"/></clipPath>",
             draw_field(area, plot.field), axes, draw_series(area, plot, clip), draw_reference_lines(area, plot));
  y = area.top + area.height + 30;
  if (area.empty) body += svg::text(area.left + area.width / 2, area.top + area.height / 2, "middle", "m", "no data");
  if (!plot.x.label.empty()) {
    body += svg::text(area.left + area.width / 2, y + 14, "middle", "m", plot.x.label);
    y += svg::kLine;
  }
  return svg::document(kWidth, y + kEdge, plot.title, plot.description, body);
}

std::string to_csv(const Plot& plot) {
  check_plot(plot);
  std::string out = concat("series,x,y", plot.field ? ",value\n" : "\n");
  if (plot.field) {
    const HeatField& f = *plot.field;
    const int64_t rows = static_cast<int64_t>(f.values.size()) / f.columns;
    const auto middle = [](double first, double last, int64_t i, int64_t count) {
      return first + (last - first) * (static_cast<double>(i) + 0.5) / static_cast<double>(count);
    };
    for (int64_t i = 0; i < rows * f.columns; ++i)
      out += concat(csv_field(f.label), ",", shortest(middle(f.left, f.right, i % f.columns, f.columns)), ",",
                    shortest(middle(f.bottom, f.top, i / f.columns, rows)), ",",
                    shortest(f.values[static_cast<size_t>(i)]), "\n");
  }
  for (const Series& s : plot.series)
    for (size_t i = 0; i < s.x.size(); ++i)
      out += concat(csv_field(s.label), ",", shortest(s.x[i]), ",", shortest(s.y[i]), plot.field ? ",\n" : "\n");
  return out;
}

}  // namespace sextant
