// Pooling and enlargement against plain loops, byte for byte: copies, comparisons and sums of at most nine numbers.
#include "sextant/kernels/resample.h"

#include <cmath>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/kernels/each_target.h"
#include "sextant/kernels/random_floats.h"

namespace sextant::kernels {
namespace {

std::vector<float> blank(int64_t n) {
  return std::vector<float>(static_cast<size_t>(n) + 1, -7.0f);
}  // one behind the end

TEST(MaxPool, EqualsPlainLoops) {
  each_target([&](int64_t) {
    for (const PoolShape& s : std::vector<PoolShape>{
             {2, 2, 2, 1}, {1, 28, 28, 5}, {3, 7, 5, 16}, {2, 4, 9, 33}, {1, 5, 2, 130}, {0, 2, 2, 3}}) {
      SCOPED_TRACE(concat(s.height, " x ", s.width, " x ", s.channels));
      const int64_t in = s.batch * s.height * s.width * s.channels,
                    out = s.batch * (s.height / 2) * (s.width / 2) * s.channels;
      auto x = random_normals(in, 1);
      const auto dy = random_normals(out, 2);
      for (float& v : x) v = std::round(2 * v);  // many ties
      auto y = blank(out), plain_y = y, dx = blank(in), plain_dx = dx;
      std::vector<uint8_t> place(static_cast<size_t>(out) + 1, 9), plain_place = place;
      max_pool(s, x.data(), y.data(), place.data());
      max_pool_backward(s, dy.data(), place.data(), dx.data());
      max_pool_reference(s, x.data(), plain_y.data(), plain_place.data());
      max_pool_backward_reference(s, dy.data(), plain_place.data(), plain_dx.data());
      EXPECT_EQ(y, plain_y);
      EXPECT_EQ(place, plain_place);
      EXPECT_EQ(dx, plain_dx);
    }
  });
}

TEST(MaxPool, NotANumberWins) {
  each_target([&](int64_t) {
    for (int64_t k = 0; k < 4; ++k) {
      std::vector<float> x(4 * 20, 3), y(20);
      std::vector<uint8_t> place(20);
      for (size_t c = 0; c < 20; ++c) x[static_cast<size_t>(k) * 20 + c] = NAN;
      max_pool({1, 2, 2, 20}, x.data(), y.data(), place.data());
      for (size_t c = 0; c < 20; ++c) {
        EXPECT_TRUE(std::isnan(y[c]));
        EXPECT_EQ(place[c], k);
      }
    }
  });
}

TEST(UpsampleConcat, EqualsPlainLoops) {
  each_target([&](int64_t) {
    for (const ConcatShape& s : std::vector<ConcatShape>{{2, 4, 6, 5, 3},
                                                         {1, 28, 28, 64, 32},
                                                         {3, 3, 3, 17, 16, 1},
                                                         {2, 6, 9, 16, 1, 3},
                                                         {1, 2, 2, 1, 0},
                                                         {0, 2, 2, 4, 4}}) {
      SCOPED_TRACE(concat(s.height, " x ", s.width, ": ", s.low_channels, " + ", s.skip_channels, " by ", s.factor));
      const int64_t pixels = s.batch * s.height * s.width, low_size = pixels / s.factor / s.factor * s.low_channels;
      const auto low = random_normals(low_size, 1), skip = random_normals(pixels * s.skip_channels, 2);
      const auto dy = random_normals(pixels * (s.low_channels + s.skip_channels), 3);
      auto y = blank(static_cast<int64_t>(dy.size())), plain_y = y, dlow = blank(low_size), plain_dlow = dlow;
      auto dskip = blank(pixels * s.skip_channels), plain_dskip = dskip;
      upsample_concat(s, low.data(), skip.data(), y.data());
      upsample_concat_backward(s, dy.data(), dlow.data(), dskip.data());
      upsample_concat_reference(s, low.data(), skip.data(), plain_y.data());
      upsample_concat_backward_reference(s, dy.data(), plain_dlow.data(), plain_dskip.data());
      EXPECT_EQ(y, plain_y);
      EXPECT_EQ(dlow, plain_dlow);
      EXPECT_EQ(dskip, plain_dskip);
      auto alone = blank(low_size);
      upsample_concat_backward(s, dy.data(), alone.data(), nullptr);
      EXPECT_EQ(alone, dlow);
    }
  });
}

TEST(Resample, RefusesSizesThatDoNotFit) {
  std::vector<float> x(100);
  std::vector<uint8_t> place(100);
  EXPECT_THROW(max_pool({1, 1, 4, 2}, x.data(), x.data(), place.data()), Error);
  EXPECT_THROW(max_pool({1, 2, 2, 2}, nullptr, x.data(), place.data()), Error);
  EXPECT_THROW(upsample_concat({1, 3, 4, 1, 1}, x.data(), x.data(), x.data()), Error);
  EXPECT_THROW(upsample_concat({1, 4, 4, 1, 1}, x.data(), nullptr, x.data()), Error);
}

}  // namespace
}  // namespace sextant::kernels
