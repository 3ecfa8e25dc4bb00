// Pictures of one size in rows and columns: samples, reconstructions below their originals, a film strip of denoising.
// As a Picture (a PNG file, no text in it) and as SVG (a page: sharp labels, gaps that follow the page's light or
// dark).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sextant/report/picture.h"

namespace sextant {

struct ImageGrid {
  std::string title = {}, description = {};  // description: read out where the picture can't be seen
  std::vector<Picture> pictures = {};        // row by row, all of one size; grey and RGB may be mixed
  int64_t columns = 10;                      // the last row may be short
  int64_t gap = 2;                           // pixels of the pictures between neighbours
  int64_t zoom = 1;  // whole factor by which the PNG enlarges (nearest pixel); SVG scales by itself
  std::array<uint8_t, 3> background{24, 24, 27};  // of the gaps, PNG only
  std::vector<std::string> row_labels = {};       // left of the rows, SVG only; none, or one a row
  std::vector<std::string> column_labels = {};    // above the columns, SVG only; none, or one a column
};

// The grid as one picture: RGB when any picture is or the background is not grey, else grey. Its width is
// zoom · (columns · width + (columns − 1) · gap), with fewer columns where there are fewer pictures.
Picture compose(const ImageGrid& grid);

// The grid as one SVG document with every picture embedded, readable on a phone and in the dark.
std::string to_svg(const ImageGrid& grid);

}  // namespace sextant
