// Shapes: the one helper that broadcasts, and texts for errors.
#pragma once

#include <ATen/core/Tensor.h>

#include <sstream>
#include <string>
#include <vector>

#include "sextant/base/check.h"

namespace sextant {

using at::Tensor;

// "[64,1,28,28]"
inline std::string shape_text(at::IntArrayRef sizes) {
  std::ostringstream text;
  text << '[';
  for (size_t i = 0; i < sizes.size(); ++i) text << (i ? "," : "") << sizes[i];
  text << ']';
  return text.str();
}
inline std::string shape_text(const Tensor& x) { return x.defined() ? shape_text(x.sizes()) : "nothing"; }

// [count, item…].
inline std::vector<int64_t> batch_of(int64_t count, at::IntArrayRef item) {
  std::vector<int64_t> sizes = {count};
  sizes.insert(sizes.end(), item.begin(), item.end());
  return sizes;
}

// Views a [B] as [B,1,…] so that it broadcasts over `like` [B,…].
inline Tensor per_item(const Tensor& values, const Tensor& like) {
  SEXTANT_CHECK(values.dim() == 1 && like.dim() >= 1 && values.size(0) == like.size(0), "[shape] one value an item of ",
                shape_text(like), " is wanted; got ", shape_text(values));
  std::vector<int64_t> shape(static_cast<size_t>(like.dim()), 1);
  shape[0] = values.size(0);
  return values.view(shape);
}

// Throws unless x is [B, item…]. `where` is the bracket of the error: "vae".
inline void check_items(const char* where, const Tensor& x, at::IntArrayRef item) {
  SEXTANT_CHECK(x.defined() && x.dim() == static_cast<int64_t>(item.size()) + 1 && x.sizes().slice(1).equals(item), "[",
                where, "] expected items of shape ", shape_text(item), "; got a batch ", shape_text(x),
                ". Does the data set fit the model?");
}

}  // namespace sextant
