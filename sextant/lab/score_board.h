// What judges the samples on a page: the classifier of the run's data set and the features of real pictures. As many
// real test pictures as samples, always: a Fréchet distance depends on the number.
#pragma once

#include "sextant/lab/scoring_classifier.h"
#include "sextant/metrics/sample_scores.h"

namespace sextant {

class ScoreBoard {
 public:
  // Real pictures: `count` of the test split, and of the training split for the floor; fewer where a split is smaller.
  // Throws UsageError when no classifier is at hand for the data.
  ScoreBoard(const TrainedRun& run, int64_t count);

  int64_t count() const { return count_; }
  Features features(const Tensor& bytes) const;  // uint8 [N,C,H,W]
  Json score(const Features& samples) const { return score_samples(samples, test_); }
  const Json& floor() const { return floor_; }  // real training pictures against the test pictures
  double real_confident() const { return confidence(test_.probabilities).share; }
  const Features& real() const { return test_; }  // of the test pictures
  const Tensor& real_pictures() const { return pictures_; }
  // The real pictures behind all this.
  const Dataset& data() const { return data_; }
  // "FCD-mnist-v1, 0123456789abcdef": names what every number here depends on.
  std::string text() const;
  // The same for a record; each score itself holds its n.
  Json record() const { return scored_against(data_, &classifier_.scoring); }

 private:
  Dataset data_;
  int64_t count_;
  OpenClassifier classifier_;
  Tensor pictures_;
  Features test_;
  Json floor_;
};

}  // namespace sextant
