// Panels: the pictures, plots and numbers that exercises share. Each is made by a function that names its runs and
// returns what to do with a study.
#pragma once

#include "sextant/lab/experiment.h"

namespace sextant::panels {

// Pictures of the model's numbers in `range`, or of bytes as they are. x [N,C,H,W] with C 1 or 3.
std::vector<Picture> to_pictures(const Tensor& x, PixelRange range);

// Adds pictures below those that are there, under a label.
void add_row(ImageGrid& grid, std::vector<Picture> pictures, std::string label);

// Test pictures 0 … count - 1, fewer where the split has fewer, in the model's range.
Tensor test_pictures(const TrainedRun& trained, int64_t count);

// Which numbers of a run's log: of which split and part, and of which player where there are several.
struct LogKey {
  std::string split, part, player = {};
};
// Their values over epochs, as a line; that of the training split is dashed. Throws Error when the log has none.
Series logged_curve(const TrainedRun& trained, const LogKey& key, const std::string& label);
// Keeps a curve's points as <run>.<split>.<epoch>.<part> and the last as <run>.<split>.last.<part>, with the player
// before the part where one is named.
void put_curve(Results& results, const std::string& run, const LogKey& key, const Series& curve);

// A heading above the panels that follow.
Panel heading(const std::string& text);

// Loss parts over epochs, train and test, one plot for each of `parts` in `unit`; both curves are kept by put_curve.
Panel training_curves(const std::string& run, const std::vector<std::string>& parts,
                      const std::string& unit = "nats a picture");

// rows × columns samples from the model.
Panel sample_grid(const std::string& run, int64_t rows, int64_t columns);

}  // namespace sextant::panels
