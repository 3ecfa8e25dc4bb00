// A film strip of sampling: some samples at evenly spaced moments between noise and data. It keeps copies of those
// moments only, so it stays small however many the steps.
#pragma once

#include "sextant/data/batch_stream.h"
#include "sextant/diffusion/samplers.h"
#include "sextant/report/image_grid.h"

namespace sextant {

class FilmStrip {
 public:
  // `frames` pictures of each of the first `samples` items over `steps` steps, the noise and the result included.
  // Throws UsageError unless 2 <= frames <= 64.
  FilmStrip(int64_t frames, int64_t samples, int64_t steps);
  void begin(const Tensor& x_T);
  void see(const SamplerStep& step);
  // One row a sample, noise on the left.
  ImageGrid grid(PixelRange range) const;

 private:
  int64_t samples_;
  std::vector<int64_t> moments_;  // steps after which a frame is kept, rising
  std::vector<Tensor> frames_;    // each [samples,C,H,W]
};

}  // namespace sextant
