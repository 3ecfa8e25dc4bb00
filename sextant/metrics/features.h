// Pictures as a classifier sees them: what every score in metrics/sample_scores.h is computed from. Both sides of a
// comparison take the same way: quantised to 8 bits as in a picture file, converted to the classifier's range, no
// resizing, in eval mode.
#pragma once

#include <functional>

#include "sextant/families/model.h"

namespace sextant {

struct Features {
  Tensor features;       // [N,F] float32
  Tensor probabilities;  // [N,K] float32, rows sum to 1
  int64_t n() const { return features.size(0); }
};

// How pictures were prepared, in words, for every record of a score.
constexpr const char* kPreprocessing = "8 bits a pixel, own size, classifier in eval mode, float32";

// Pictures [N,C,H,W] in `range` as bytes, rounded to the nearest; what lies outside the range is set to its end, as
// when a picture is saved. Throws Error when a number is not finite: such samples have no score.
Tensor to_bytes(const Tensor& pictures, PixelRange range);

// Features of bytes [N,C,H,W], in batches; N >= 0. The classifier's module must be in eval mode.
Features extract_features(Classifier& classifier, PixelRange classifier_range, const Tensor& bytes);
// Of a split of bytes; UsageError for points.
Features extract_features(Classifier& classifier, PixelRange classifier_range, const Split& split);

// Rows drawn without replacement from a split, the same for the same n: all of them in file order where n is its size.
// MNIST's test split is ordered by origin, so its first rows do not stand for all. Throws UsageError where n is larger.
Split subset(const Split& split, int64_t n);

// `count` samples of a model as bytes, in batches whose noise depends on `rng` and their number only. `progress` gets
// how many are done.
Tensor sample_bytes(GenerativeModel& model, int64_t count, const Rng& rng,
                    const std::function<void(int64_t)>& progress = {});

}  // namespace sextant
