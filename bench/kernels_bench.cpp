// The kernels alone, at the sizes of the chapter's U-Net and VAE (batch 128): time, and the arithmetic that a direct
// computation would have done in it (Winograd does less, so its rate may pass the machine's).
//   kernels_bench --benchmark_filter=Winograd --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
// OMP_NUM_THREADS sets the threads. Compare only what ran interleaved on a quiet machine, by the smallest time.
#include <benchmark/benchmark.h>
#include <hwy/aligned_allocator.h>

#include <cstdint>

#include "sextant/kernels/adam_ema.h"
#include "sextant/kernels/bernoulli.h"
#include "sextant/kernels/coupling.h"
#include "sextant/kernels/edge_conv.h"
#include "sextant/kernels/group_norm.h"
#include "sextant/kernels/linear.h"
#include "sextant/kernels/logistic.h"
#include "sextant/kernels/philox.h"
#include "sextant/kernels/resample.h"
#include "sextant/kernels/strided_conv.h"
#include "sextant/kernels/winograd.h"

namespace sextant::kernels {
namespace {

// Aligned normals.
class Buffer {
 public:
  explicit Buffer(int64_t count) : data_(hwy::AllocateAligned<float>(static_cast<size_t>(count))) {
    philox_normal(1, 0, data_.get(), count);
  }
  operator float*() const { return data_.get(); }  // NOLINT: stands for the pointer

 private:
  hwy::AlignedFreeUniquePtr<float[]> data_;
};

void count_operations(benchmark::State& state, int64_t operations) {
  state.counters["FLOP/s"] =
      benchmark::Counter(static_cast<double>(operations), benchmark::Counter::kIsIterationInvariantRate);
}
void count_floats(benchmark::State& state, int64_t floats) {
  state.SetBytesProcessed(state.iterations() * floats * static_cast<int64_t>(sizeof(float)));
}

constexpr int64_t kBatch = 128;

// Arguments: in, out, height = width.
struct Convolution {
  explicit Convolution(const benchmark::State& state)
      : s{kBatch, state.range(2), state.range(2), state.range(0), state.range(1)},
        pixels(s.batch * s.height * s.width),
        x(pixels * s.in),
        y(pixels * s.out),
        w(9 * s.in * s.out),
        dw(9 * s.in * s.out),
        b(s.out) {}
  int64_t operations() const { return 18 * pixels * s.in * s.out; }
  ConvShape s;
  int64_t pixels;
  Buffer x, y, w, dw, b;
};

// The fourth argument: bfloat16 or not.
Precision precision_of(const benchmark::State& state) {
  return state.range(3) ? Precision::kBFloat16 : Precision::kFloat32;
}

void WinogradForward(benchmark::State& state) {
  const Convolution c(state);
  const Precision precision = precision_of(state);
  const Buffer v(winograd_weights_size(c.s.in, c.s.out, ConvPass::kForward, precision));
  winograd_weights(contiguous_filter(c.w, c.s.in), c.s.in, c.s.out, ConvPass::kForward, v, precision);
  for (auto _ : state) winograd_convolve(c.s, c.x, v, c.b, nullptr, c.y, precision);
  count_operations(state, c.operations());
}

void WinogradBackwardData(benchmark::State& state) {
  const Convolution c(state);
  const Precision precision = precision_of(state);
  const Buffer v(winograd_weights_size(c.s.in, c.s.out, ConvPass::kBackwardData, precision));
  winograd_weights(contiguous_filter(c.w, c.s.in), c.s.in, c.s.out, ConvPass::kBackwardData, v, precision);
  for (auto _ : state)
    winograd_convolve({c.s.batch, c.s.height, c.s.width, c.s.out, c.s.in}, c.y, v, nullptr, nullptr, c.x, precision);
  count_operations(state, c.operations());
}

void WinogradWeightGradient(benchmark::State& state) {
  const Convolution c(state);
  const Precision precision = precision_of(state);
  for (auto _ : state) winograd_weight_gradient(c.s, c.x, c.y, c.dw, c.b, precision);
  count_operations(state, c.operations());
}

void WinogradWeights(benchmark::State& state) {
  const Convolution c(state);
  const Precision precision = precision_of(state);
  const Buffer v(winograd_weights_size(c.s.in, c.s.out, ConvPass::kForward, precision));
  for (auto _ : state)
    winograd_weights(contiguous_filter(c.w, c.s.in), c.s.in, c.s.out, ConvPass::kForward, v, precision);
  count_floats(state, 45 * c.s.in * c.s.out);
}

void unet_layers(benchmark::internal::Benchmark* bench) {
  const int64_t layers[][3] = {{64, 64, 28},  {128, 64, 28}, {64, 64, 14},  {64, 128, 14}, {128, 128, 14},
                               {256, 64, 14}, {128, 128, 7}, {128, 256, 7}, {256, 256, 7}, {512, 128, 7}};
  for (const auto& l : layers)
    for (int64_t bfloat16 : {0, 1}) bench->Args({l[0], l[1], l[2], bfloat16});
  bench->ArgNames({"in", "out", "size", "bf16"})->Unit(benchmark::kMillisecond)->UseRealTime();
}
BENCHMARK(WinogradForward)->Apply(unet_layers);
BENCHMARK(WinogradBackwardData)->Apply(unet_layers);
BENCHMARK(WinogradWeightGradient)->Apply(unet_layers);
BENCHMARK(WinogradWeights)->Apply(unet_layers);

void EdgeForward(benchmark::State& state) {
  const Convolution c(state);
  for (auto _ : state) edge_convolve(c.s, c.x, contiguous_filter(c.w, c.s.in), c.b, c.y);
  count_operations(state, c.operations());
}
void EdgeBackwardData(benchmark::State& state) {
  const Convolution c(state);
  for (auto _ : state) edge_data_gradient(c.s, c.y, contiguous_filter(c.w, c.s.in), c.x);
  count_operations(state, c.operations());
}
void EdgeWeightGradient(benchmark::State& state) {
  const Convolution c(state);
  for (auto _ : state) edge_weight_gradient(c.s, c.x, c.y, c.dw, c.b);
  count_operations(state, c.operations());
}
void edge_layers(benchmark::internal::Benchmark* bench) {
  bench->Args({1, 64, 28})->Args({64, 1, 28})->Args({3, 128, 32})->Args({128, 3, 32});
  bench->ArgNames({"in", "out", "size"})->Unit(benchmark::kMillisecond)->UseRealTime();
}
BENCHMARK(EdgeForward)->Apply(edge_layers);
BENCHMARK(EdgeBackwardData)->Apply(edge_layers);
BENCHMARK(EdgeWeightGradient)->Apply(edge_layers);

// DCGAN's two layers. Arguments: in, out, side of the large map.
struct Strided {
  explicit Strided(const benchmark::State& state)
      : s{kBatch, state.range(2), state.range(2), state.range(0), state.range(1)},
        small(s.batch * s.height * s.width / 4),
        x(4 * small * s.in),
        y(small * s.out),
        w(16 * s.in * s.out),
        b(s.out) {}
  int64_t operations() const { return 32 * small * s.in * s.out; }
  StridedShape s;
  int64_t small;
  Buffer x, y, w, b;
};

void StridedForward(benchmark::State& state) {
  const Strided c(state);
  for (auto _ : state) strided_convolve(c.s, c.x, c.w, c.b, 0.2f, c.y);
  count_operations(state, c.operations());
}
void StridedTranspose(benchmark::State& state) {
  const Strided c(state);
  for (auto _ : state) strided_transpose(c.s, c.y, c.w, nullptr, c.x);
  count_operations(state, c.operations());
}
void StridedWeightGradient(benchmark::State& state) {
  const Strided c(state);
  for (auto _ : state) strided_weight_gradient(c.s, c.x, c.y, c.w);
  count_operations(state, c.operations());
}
void dcgan_layers(benchmark::internal::Benchmark* bench) {
  bench->Args({64, 128, 14})->Args({1, 64, 28});
  bench->ArgNames({"in", "out", "size"})->Unit(benchmark::kMillisecond)->UseRealTime();
}
BENCHMARK(StridedForward)->Apply(dcgan_layers);
BENCHMARK(StridedTranspose)->Apply(dcgan_layers);
BENCHMARK(StridedWeightGradient)->Apply(dcgan_layers);

// Arguments: channels, height = width; 8 groups.
void GroupNormSilu(benchmark::State& state) {
  const GroupNormShape s{
      .batch = kBatch, .pixels = state.range(1) * state.range(1), .channels = state.range(0), .groups = 8};
  const int64_t size = s.batch * s.pixels * s.channels;
  const Buffer x(size), y(size), gamma(s.channels), beta(s.channels), mean(s.batch * 8), rstd(s.batch * 8);
  for (auto _ : state) group_norm_silu(s, {.x = x, .gamma = gamma, .beta = beta}, {y, mean, rstd});
  count_floats(state, 2 * size);
}
void GroupNormSiluBackward(benchmark::State& state) {
  const GroupNormShape s{
      .batch = kBatch, .pixels = state.range(1) * state.range(1), .channels = state.range(0), .groups = 8};
  const int64_t size = s.batch * s.pixels * s.channels;
  const Buffer x(size), dx(size), dy(size), gamma(s.channels), beta(s.channels), mean(s.batch * 8), rstd(s.batch * 8);
  const Buffer dgamma(s.channels), dbeta(s.channels);
  for (auto _ : state)
    group_norm_silu_backward(s, {.x = x, .gamma = gamma, .beta = beta}, mean, rstd, dy,
                             {.x = dx, .gamma = dgamma, .beta = dbeta});
  count_floats(state, 3 * size);
}
void MaxPool(benchmark::State& state) {
  const PoolShape s{kBatch, state.range(1), state.range(1), state.range(0)};
  const int64_t size = s.batch * s.height * s.width * s.channels;
  const Buffer x(size), y(size / 4);
  const auto place = hwy::AllocateAligned<uint8_t>(static_cast<size_t>(size / 4));
  for (auto _ : state) max_pool(s, x, y, place.get());
  count_floats(state, size + size / 4);
}
void UpsampleConcat(benchmark::State& state) {
  const ConcatShape s{kBatch, state.range(1), state.range(1), state.range(0), state.range(0), 2};
  const int64_t size = s.batch * s.height * s.width * s.low_channels;
  const Buffer low(size / 4), skip(size), y(2 * size);
  for (auto _ : state) upsample_concat(s, low, skip, y);
  count_floats(state, 3 * size + size / 4);
}
void unet_levels(benchmark::internal::Benchmark* bench) {
  bench->Args({64, 28})->Args({128, 14})->ArgNames({"channels", "size"})->Unit(benchmark::kMillisecond)->UseRealTime();
}
BENCHMARK(GroupNormSilu)->Apply(unet_levels);
BENCHMARK(GroupNormSiluBackward)->Apply(unet_levels);
BENCHMARK(MaxPool)->Apply(unet_levels);
BENCHMARK(UpsampleConcat)->Apply(unet_levels);

// Arguments: in, out.
struct Layer {
  explicit Layer(const benchmark::State& state)
      : s{kBatch, state.range(0), state.range(1)},
        x(s.batch * s.in),
        w(s.in * s.out),
        b(s.out),
        y(s.batch * s.out),
        dy(s.batch * s.out) {}
  int64_t operations() const { return 2 * s.batch * s.in * s.out; }
  LinearShape s;
  Buffer x, w, b, y, dy;
};
void LinearForward(benchmark::State& state) {
  const Layer l(state);
  for (auto _ : state) linear_forward(l.s, l.x, l.w, l.b, Activation::kRelu, l.y);
  count_operations(state, l.operations());
}
void LinearBackward(benchmark::State& state) {
  const Layer l(state);
  const Buffer dx(l.s.batch * l.s.in), dw(l.s.in * l.s.out), db(l.s.out);
  for (auto _ : state) linear_backward(l.s, l.x, l.w, l.y, l.dy, Activation::kRelu, {dx, dw, db});
  count_operations(state, 2 * l.operations());
}
void vae_layers(benchmark::internal::Benchmark* bench) {
  bench->Args({784, 400})->Args({400, 40})->Args({20, 400})->Args({400, 784});
  bench->ArgNames({"in", "out"})->Unit(benchmark::kMicrosecond)->UseRealTime();
}
BENCHMARK(LinearForward)->Apply(vae_layers);
BENCHMARK(LinearBackward)->Apply(vae_layers);

void BernoulliNll(benchmark::State& state) {
  const Buffer logits(kBatch * 784), x(kBatch * 784), residual(kBatch * 784);
  double nll[kBatch];
  for (auto _ : state) bernoulli_nll_with_logits(kBatch, 784, logits, x, nll, residual);
  count_floats(state, 3 * kBatch * 784);
}
BENCHMARK(BernoulliNll)->Unit(benchmark::kMicrosecond)->UseRealTime();

void LogisticNll(benchmark::State& state) {
  const int64_t columns = 3 * 32 * 32;
  const Buffer x(kBatch * columns), mean(kBatch * columns), dmean(kBatch * columns);
  double nll[kBatch], dlog_scale[kBatch];
  for (auto _ : state) logistic_nll(kBatch, columns, x, mean, 10.0, nll, dmean, dlog_scale);
  count_floats(state, 3 * kBatch * columns);
}
BENCHMARK(LogisticNll)->Unit(benchmark::kMicrosecond)->UseRealTime();

void CouplingForward(benchmark::State& state) {
  const CouplingShape s = {.batch = kBatch, .pixels = state.range(0), .channels = state.range(1)};
  const int64_t n = s.batch * s.pixels * s.channels;
  const Buffer x(n), h(2 * n), scale(s.channels), mask(s.pixels * s.channels), y(n), log_det(s.batch);
  for (auto _ : state) coupling_forward(s, x, h, scale, mask, y, log_det);
  count_floats(state, 4 * n);
}
BENCHMARK(CouplingForward)->Args({1, 2})->Args({784, 1})->Args({196, 4})->Unit(benchmark::kMicrosecond)->UseRealTime();

void PhiloxNormal(benchmark::State& state) {
  const Buffer out(100000);
  for (auto _ : state) philox_normal(1, 0, out, 100000);
  count_floats(state, 100000);
}
BENCHMARK(PhiloxNormal)->Unit(benchmark::kMicrosecond)->UseRealTime();

void AdamEma(benchmark::State& state) {
  const int64_t n = state.range(0);
  const Buffer w(n), g(n), m(n), v(n), e(n);
  for (int64_t i = 0; i < n; ++i) v[i] *= v[i];
  const AdamSlice slice{w, g, m, v, e, n};
  AdamStep step{.ema_decay = 0.999};
  for (auto _ : state) {
    adam_ema({&slice, 1}, step);
    ++step.step;
  }
  count_floats(state, 9 * n);
}
BENCHMARK(AdamEma)->Arg(652824)->Arg(3687041)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace sextant::kernels

BENCHMARK_MAIN();
