// What judges samples: the classifier of a data set (zoo/classifier-<name>) and the features of real pictures. As many
// real test pictures as samples, always: a Fréchet distance depends on the number.
#pragma once

#include "sextant/lab/run_store.h"
#include "sextant/metrics/sample_scores.h"

namespace sextant {

class ScoreBoard {
 public:
  // Real pictures: the first `count` of the test split, and of the training split for the floor. Throws UsageError
  // when there is no classifier for the data.
  ScoreBoard(const Dataset& data, int64_t count);

  int64_t count() const { return count_; }
  Features features(const Tensor& bytes) const;  // uint8 [N,C,H,W]
  Json score(const Tensor& bytes) const;         // against the real test pictures
  const Json& floor() const { return floor_; }   // real training pictures against them
  const Json& real() const { return real_; }     // what needs no reference, of the test pictures themselves
  // The real test pictures of one class, of the whole split.
  Tensor pictures_of_class(int64_t label) const;  // uint8 [N,C,H,W]
  Features real_of_class(int64_t label) const { return features(pictures_of_class(label)); }
  // "zoo/classifier-mnist, 0123456789abcdef": names what every number here depends on.
  std::string classifier_text() const;

 private:
  const Dataset& data_;
  int64_t count_;
  TrainedRun classifier_;
  Features test_;
  Json floor_, real_;
};

}  // namespace sextant
