#include "sextant/report/image_grid.h"

#include <algorithm>
#include <cmath>

#include "sextant/base/check.h"
#include "sextant/report/png.h"
#include "sextant/report/svg.h"
#include "sextant/report/text.h"

namespace sextant {
namespace {

constexpr size_t kLabelCharacters = 18;  // row labels longer than this are cut

struct Layout {
  int64_t rows, columns, width, height;  // of the grid, and of one picture
};

Layout check_grid(const ImageGrid& grid) {
  SEXTANT_CHECK(!grid.pictures.empty(), "[image grid] expected at least one picture; got none");
  SEXTANT_CHECK(grid.columns > 0 && grid.gap >= 0 && grid.zoom > 0 && grid.zoom <= 64,
                "[image grid] expected columns > 0, gap >= 0 and zoom 1 to 64; got ", grid.columns, ", ", grid.gap,
                " and ", grid.zoom);
  const int64_t count = static_cast<int64_t>(grid.pictures.size()), columns = std::min(grid.columns, count);
  const Layout layout{(count + columns - 1) / columns, columns, grid.pictures[0].width, grid.pictures[0].height};
  for (const Picture& picture : grid.pictures) {
    check_picture(picture, "image grid");
    SEXTANT_CHECK(picture.width == layout.width && picture.height == layout.height,
                  "[image grid] expected pictures of one size, ", layout.width, "x", layout.height, "; got ",
                  picture.width, "x", picture.height);
  }
  const auto fits = [](const std::vector<std::string>& labels, int64_t wanted) {
    return labels.empty() || static_cast<int64_t>(labels.size()) == wanted;
  };
  SEXTANT_CHECK(fits(grid.row_labels, layout.rows), "[image grid] expected ", layout.rows, " row labels; got ",
                grid.row_labels.size());
  SEXTANT_CHECK(fits(grid.column_labels, layout.columns), "[image grid] expected ", layout.columns,
                " column labels; got ", grid.column_labels.size());
  return layout;
}

// Characters of the longest label.
double longest(const std::vector<std::string>& labels) {
  size_t most = 0;
  for (const std::string& label : labels) most = std::max(most, character_count(label));
  return static_cast<double>(most);
}

std::string shortened(const std::string& label) {
  const auto lines = wrap(label, kLabelCharacters - 1, 1);
  return lines.empty() ? "" : lines[0];
}

}  // namespace

Picture compose(const ImageGrid& grid) {
  const auto [rows, columns, width, height] = check_grid(grid);
  const auto& ground = grid.background;
  const bool grey = ground[0] == ground[1] && ground[1] == ground[2] &&
                    std::ranges::all_of(grid.pictures, [](const Picture& p) { return p.channels == 1; });
  Picture out{.width = grid.zoom * (columns * (width + grid.gap) - grid.gap),
              .height = grid.zoom * (rows * (height + grid.gap) - grid.gap),
              .channels = grey ? 1 : 3,
              .pixels = {}};
  out.pixels.resize(static_cast<size_t>(out.width * out.height * out.channels));
  for (int64_t y = 0, at = 0; y < out.height; ++y)
    for (int64_t x = 0; x < out.width; ++x) {
      const int64_t row = y / grid.zoom / (height + grid.gap), py = y / grid.zoom % (height + grid.gap);
      const int64_t column = x / grid.zoom / (width + grid.gap), px = x / grid.zoom % (width + grid.gap);
      const auto index = static_cast<size_t>(row * columns + column);
      const bool inside = py < height && px < width && index < grid.pictures.size();
      for (int64_t c = 0; c < out.channels; ++c) {
        uint8_t value = ground[static_cast<size_t>(c)];
        if (inside) {
          const Picture& picture = grid.pictures[index];
          value = picture.pixels[static_cast<size_t>((py * width + px) * picture.channels + c % picture.channels)];
        }
        out.pixels[static_cast<size_t>(at++)] = value;
      }
    }
  return out;
}

std::string to_svg(const ImageGrid& grid) {
  const auto [rows, columns, width, height] = check_grid(grid);
  constexpr double kWidth = 560, kEdge = 14;
  std::vector<std::string> row_labels;
  for (const std::string& label : grid.row_labels) row_labels.push_back(shortened(label));
  const double left = kEdge + (row_labels.empty() ? 0 : longest(row_labels) * svg::kCharacter + 10);
  // In drawing units: a grid fills the width unless its pictures would become larger than 160 units.
  const double unit = std::min((kWidth - kEdge - left) / static_cast<double>(columns * (width + grid.gap) - grid.gap),
                               160.0 / static_cast<double>(std::max(width, height)));
  const double w = unit * static_cast<double>(width), h = unit * static_cast<double>(height);
  const double gap = unit * static_cast<double>(grid.gap);
  double y = kEdge;
  std::string body = svg::title_lines(grid.title, kWidth - 2 * kEdge, y);
  if (!grid.column_labels.empty()) {
    const double needed = longest(grid.column_labels) * svg::kCharacter + 6;
    const auto stride = static_cast<size_t>(std::ceil(needed / (w + gap)));  // labels that would overlap are left out
    for (size_t c = 0; c < grid.column_labels.size(); c += stride)
      body +=
          svg::text(left + static_cast<double>(c) * (w + gap) + w / 2, y + 14, "middle", "m", grid.column_labels[c]);
    y += svg::kLine;
  }
  for (size_t r = 0; r < row_labels.size(); ++r)
    body += svg::text(left - 10, y + static_cast<double>(r) * (h + gap) + h / 2 + 5, "end", "m", row_labels[r]);
  for (size_t i = 0; i < grid.pictures.size(); ++i) {
    const int64_t row = static_cast<int64_t>(i) / columns, column = static_cast<int64_t>(i) % columns;
    body += concat("<image x=\"", svg::number(left + static_cast<double>(column) * (w + gap)), "\" y=\"",
                   svg::number(y + static_cast<double>(row) * (h + gap)), "\" width=\"", svg::number(w), "\" height=\"",
                   svg::number(h), "\" href=\"data:image/png;base64,", base64(encode_png(grid.pictures[i])), "\"/>");
  }
  y += static_cast<double>(rows) * (h + gap) - gap + kEdge;
  const std::string description =
      grid.description.empty() ? concat(grid.pictures.size(), " pictures in ", rows, " rows") : grid.description;
  return svg::document(kWidth, y, grid.title, description, body);
}

}  // namespace sextant
