// The Inception-v3 net (Szegedy et al. 2015) of December 2015 whose features the Fréchet Inception distance is defined
// by (Heusel et al. 2017). Its weights belong to others and don't ship; `sextant data fetch inception` or `data add
// inception FILE` brings them. It differs from the Inception-v3 of today in three places: 1008 classes, average pools
// that don't count the padding, and a maximum pool in the last block.
#pragma once

#include <map>
#include <string>

#include "sextant/base/json.h"
#include "sextant/tensor/tensor_file.h"

namespace sextant {

class Inception {
 public:
  static constexpr int64_t kFeatures = 2048, kSide = 299;  // pixels of a side that the net wants

  // `weights` by the names that PyTorch's port gives them (Mixed_5b.branch1x1.conv.weight); those of the last layer,
  // "fc", are not used. Throws Error naming `source` when they are of another net.
  Inception(const NamedTensors& weights, const std::string& source, at::Device device = at::kCPU);

  // The net of the official file where it is at hand; throws UsageError with the remedy where it is not, and Error when
  // the file is not the official one, by its SHA-256.
  static Inception official(at::Device device = at::kCPU);

  // Bytes [N,1,H,W] or [N,3,H,W], at least one: the average over positions of the last block, [N,2048] float32 on the
  // CPU. Grey is repeated as red, green and blue; then as in the graph of 2015: resize_bilinear to 299×299,
  // (x - 128) / 128. Takes as much memory as some dozens of pictures need: give it batches.
  Tensor features(const Tensor& bytes) const;

 private:
  struct Unit {
    Tensor weight, bias;  // of a convolution, with the normalisation behind it
  };
  const Unit& unit(const std::string& name) const;
  Tensor same(const Tensor& x, const std::string& name) const;
  Tensor same(const Tensor& x, const std::string& block, std::initializer_list<const char*> names) const;
  Tensor valid(const Tensor& x, const std::string& name, int64_t stride = 1) const;
  Tensor trunk(Tensor x) const;
  Tensor mixed_a(const Tensor& x, const std::string& block) const;
  Tensor mixed_b(const Tensor& x, const std::string& block) const;
  Tensor mixed_c(const Tensor& x, const std::string& block) const;
  Tensor mixed_d(const Tensor& x, const std::string& block) const;
  Tensor mixed_e(const Tensor& x, const std::string& block, const Tensor& pooled) const;

  std::string source_;
  at::Device device_;
  std::map<std::string, Unit> units_;
};

struct EvalRequest;

// FID of a study's samples by `net`, its floor and where it comes from. At least two pictures; minutes for thousands.
// Throws Interrupted on Ctrl-C.
Json fid_record(const Inception& net, const EvalRequest& request);

// How pictures come to the net, for the record beside a score.
constexpr const char* kInceptionPreprocessing =
    "8 bits a pixel, grey as three channels, resize_bilinear to 299x299 as TensorFlow 1 has it, (x - 128) / 128";

// Bilinear in the way of TensorFlow 1: output pixel i is read at i · (in / out), corners not aligned, centres not
// shifted. x [N,C,H,W] float32 -> [N,C,side,side].
Tensor resize_bilinear_of_2015(const Tensor& x, int64_t side);

// Why FID can't be measured on this machine and what to do; empty where it can.
std::string inception_missing();

}  // namespace sextant
