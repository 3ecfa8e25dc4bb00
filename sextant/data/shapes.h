// A small labelled set of colour pictures that the program draws itself: for tests, for a first run in colour without
// any download, and for measures that need classes.
#pragma once

#include <array>

#include "sextant/data/dataset.h"

namespace sextant {

inline constexpr int64_t kShapesSide = 32, kShapesTrain = 2000, kShapesTest = 500;
inline constexpr std::array kShapeNames = {"disc",  "square", "triangle", "diamond", "ring",
                                           "frame", "plus",   "cross",    "stripes", "crescent"};

// uint8 [N,3,32,32] and labels in 0 … 9 (kShapeNames), equally many of each class up to one. Place, size, turn, colour
// and background vary; edges are antialiased. The same on every call and for every seed of a run.
Dataset make_shapes(int64_t train = kShapesTrain, int64_t test = kShapesTest);

}  // namespace sextant
