#include "sextant/families/model.h"

namespace sextant {

int64_t ItemShape::numel() const {
  int64_t n = 1;
  for (const int64_t size : sizes) n *= size;
  return n;
}

ItemShape item_shape(const Dataset& dataset) {
  return {.sizes = dataset.train.x.sizes().slice(1).vec(), .classes = dataset.classes};
}

}  // namespace sextant
