// The samples of one model, drawn once and shared by all scores that are asked for, with the real pictures that they
// are held against, and the record that belongs beside every score.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "sextant/base/json.h"
#include "sextant/metrics/features.h"

namespace sextant {

// A classifier that scores samples, and what names it. lab/scoring_classifier.h finds one.
struct ScoringClassifier {
  Classifier* classifier = nullptr;
  PixelRange range = PixelRange::kSymmetric;
  std::string version;         // "mnist-v1" for the one that ships; any other by its hash: "mnist-3f02a9c1"
  std::string fingerprint;     // of its run
  std::string weights_sha256;  // of its file of weights

  // Of bytes [N,C,H,W], always in full float32: the yardstick does not change with how samples are drawn.
  Features features(const Tensor& bytes) const;
  // {"fingerprint", "weights_sha256", "version"}
  Json record() const;
};

// What every score against the test split of `reference` rests on, beside n and the samples: data, their hash, split,
// preprocessing, and the classifier where there is one.
Json scored_against(const Dataset& reference, const ScoringClassifier* classifier);

struct SampleSource {
  std::function<Tensor()> draw;  // the n samples as bytes [n,C,H,W], once they are asked for
  Json record;                   // what decides them, as {"seed": 0}: stands beside every score
};

class SampleStudy {
 public:
  // `n` samples against `n` pictures of reference.test; the floor is reference.test against as many of
  // reference.train. What it refers to must outlive it. Without a classifier only pictures() can be asked for. Throws
  // UsageError unless 1 <= n <= the size of the test split, and the data are pictures.
  SampleStudy(SampleSource source, const Dataset& reference, int64_t n, std::optional<ScoringClassifier> classifier);

  const Tensor& pictures();  // bytes [n,C,H,W]
  const Features& generated();
  const Features& real();
  // As many training pictures; null where the training split has fewer.
  const Features* training();
  // n pictures of the test split, and of the training split where it has as many: bytes.
  const Tensor& real_pictures();
  std::optional<Tensor> training_pictures() const;

  // What stands beside every score: n, how the samples were drawn, and scored_against().
  Json provenance() const;
  const ScoringClassifier& classifier() const;

 private:
  SampleSource source_;
  const Dataset& reference_;
  int64_t n_;
  std::optional<ScoringClassifier> classifier_;
  Tensor pictures_, real_pictures_;
  std::optional<Features> generated_, real_, training_;
};

}  // namespace sextant
