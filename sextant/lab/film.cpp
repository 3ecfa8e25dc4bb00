#include "sextant/lab/film.h"

#include <algorithm>

#include "sextant/lab/panels.h"
#include "sextant/tensor/torch.h"

namespace sextant {

FilmStrip::FilmStrip(int64_t frames, int64_t samples, int64_t steps) : samples_(samples) {
  SEXTANT_USAGE_CHECK(frames >= 2 && frames <= 64, "[film] a film has 2 to 64 frames; got ", frames);
  for (int64_t k = 1; k < frames; ++k) {
    const int64_t moment = std::max<int64_t>(1, k * steps / (frames - 1));
    if (moments_.empty() || moment > moments_.back()) moments_.push_back(moment);
  }
}

void FilmStrip::begin(const Tensor& x_T) { frames_ = {x_T.slice(0, 0, samples_).clone()}; }

void FilmStrip::see(const SamplerStep& step) {
  if (std::ranges::binary_search(moments_, step.step)) frames_.push_back(step.x.slice(0, 0, samples_).clone());
}

ImageGrid FilmStrip::grid(PixelRange range) const {
  SEXTANT_CHECK(!frames_.empty(), "[film] nothing was seen");
  ImageGrid grid = {.title = "From noise to data",
                    .description = "Each row is one sample on its way from noise, left, to the result, right",
                    .columns = static_cast<int64_t>(frames_.size()),
                    .zoom = 2};
  const Tensor rows = torch::stack(frames_, 1).flatten(0, 1);  // [samples * frames, C,H,W]
  grid.pictures = panels::to_pictures(rows, range);
  return grid;
}

}  // namespace sextant
