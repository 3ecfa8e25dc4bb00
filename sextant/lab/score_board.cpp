#include "sextant/lab/score_board.h"

#include "sextant/tensor/torch.h"

namespace sextant {

ScoreBoard::ScoreBoard(const TrainedRun& run, int64_t count)
    : data_(reference_data(run.run)),
      count_(std::min({count, data_.test.size(), data_.train.size()})),
      classifier_(open_scoring_classifier(run, {}, run.device())),
      pictures_(subset(data_.test, count_).x),
      test_(features(pictures_)),
      floor_(score_samples(features(subset(data_.train, count_).x), test_)) {}

Features ScoreBoard::features(const Tensor& bytes) const { return classifier_.scoring.features(bytes); }

std::string ScoreBoard::text() const {
  return concat("FCD-", classifier_.scoring.version, ", ", classifier_.scoring.fingerprint);
}

}  // namespace sextant
