// What every family owes, whatever it is: one row in `cases` and it is tested. Small nets on small made-up data.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "sextant/families/registry.h"

namespace sextant {

struct Case {
  const char* name;
  ModelConfig config;
  std::vector<int64_t> item;  // sizes of an item
  // Parameters that the loss can't depend on, whatever their value: a Wasserstein critic's last bias cancels.
  std::set<std::string> without_effect = {};
};

inline void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }
const std::vector<Case>& cases();

// 64 items for training and 16 for testing: two kinds of pictures, or points. `item`: the sizes of one.
Dataset made_data(const std::vector<int64_t>& item);

// The model as one that can be sampled; null for a classifier.
GenerativeModel* generative(const std::shared_ptr<Trainable>& model);

// Away from weights that start at zero: they let no gradient through, and the others then change nothing.
std::shared_ptr<Trainable> nudged(std::shared_ptr<Trainable> model);

// A test's name: the letters and digits of the case's.
std::string name_of(const testing::TestParamInfo<Case>& info);

class FamilyContract : public testing::TestWithParam<Case> {
 protected:
  std::shared_ptr<Trainable> build(uint64_t seed = 1) const;
  Batch batch(const Trainable& model, int64_t count = 8) const;

  Dataset data_ = made_data(GetParam().item);
};

}  // namespace sextant
