// Sets of samples grow, are kept, and keep what another machine drew.
#include "sextant/lab/sample_sets.h"

#include <gtest/gtest.h>

#include "sextant/base/files.h"
#include "sextant/base/hash.h"
#include "sextant/base/scratch.h"
#include "sextant/tensor/shape.h"
#include "sextant/tensor/tensor_file.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;

Run tiny_run() {
  UnetConfig net;
  net.widths = {8};
  net.groups = 4;
  Run run;
  run.name = "tiny";
  run.data = {.name = "shapes", .limit = 32, .test_limit = 16};
  run.model = DdpmConfig{.net = net, .conditional = true};
  run.train = {.epochs = 1, .batch_size = 16};
  return run;
}

class SampleSetsSlow : public testing::Test {
 protected:
  // Of two sets of bytes: 1 may come of rounding.
  static int furthest(const Tensor& a, const Tensor& b) {
    return (a.to(at::kInt) - b.to(at::kInt)).abs().max().item<int>();
  }
  SampleSet set(int64_t count) const { return sample_set(trained_, plan_, count, 7, true); }
  fs::path file() const { return fs::directory_iterator(trained_.folder / "samples")->path(); }

  ScratchFolder scratch_;
  const TrainedRun trained_ = RunStore(scratch_.path(), true).ensure(tiny_run());
  const SamplePlan plan_ = {.sampler = Ancestral{}, .steps = 3};
};

TEST_F(SampleSetsSlow, GrowByWholeChunksAndKeepWhatTheyHad) {
  const SampleSet few = set(3), many = set(kSampleChunk + 1), again = set(3);
  EXPECT_EQ(few.pictures.size(0), 3);
  EXPECT_EQ(many.pictures.size(0), kSampleChunk + 1);
  EXPECT_TRUE(many.pictures.slice(0, 0, 3).equal(few.pictures));
  EXPECT_TRUE(again.pictures.equal(few.pictures));
  EXPECT_EQ(load_tensors(file()).tensors.at("pictures").size(0), 2 * kSampleChunk);
  EXPECT_FALSE(many.pictures[0].equal(many.pictures[kSampleChunk]));
  EXPECT_LE(furthest(draw_set(trained_, plan_, kSampleChunk + 1, 7), many.pictures), 1) << "a chunk that is not whole";
  EXPECT_FALSE(draw_set(trained_, plan_, 3, 8).equal(few.pictures));
  EXPECT_EQ(few.evaluations, 3);
}

TEST_F(SampleSetsSlow, OfAnotherMachineAreTakenAsTheyAreAndTimedHere) {
  const std::string here = set(1).drawn_on;
  EXPECT_TRUE(here.ends_with("weights " + sha256_file(trained_.folder / "weights.safetensors").substr(0, 16))) << here;
  TensorFile kept = load_tensors(file());
  const Tensor marked = torch::zeros_like(kept.tensors.at("pictures"));
  kept.metadata["device"] = kept.metadata["timed_on"] = "elsewhere";
  kept.metadata["seconds"] = "1e9";
  save_tensors(file(), {{"pictures", marked}}, kept.metadata);
  const std::string before = read_file(file());
  const SampleSet taken = set(kSampleChunk);
  EXPECT_TRUE(taken.pictures.equal(marked));
  EXPECT_EQ(taken.drawn_on, "elsewhere");
  EXPECT_EQ(read_file(file()), before);
  const double seconds = seconds_a_chunk(trained_, plan_, kSampleChunk, 7);
  EXPECT_GT(seconds, 0);
  EXPECT_LT(seconds, 1e6);
  EXPECT_NEAR(seconds_a_chunk(trained_, plan_, kSampleChunk, 7), seconds, 1e-6);  // kept with the set
  for (int time = 0; time < 2; ++time) {
    const SampleSet more = set(kSampleChunk + 1);
    EXPECT_TRUE(more.pictures.slice(0, 0, kSampleChunk).equal(marked));
    EXPECT_EQ(more.drawn_on, "elsewhere; " + here);
  }
}

// As on a GPU: each chunk keeps its x_T, its noise on the way and its labels.
TEST_F(SampleSetsSlow, AreTheSameHoweverManyChunksAreDrawnAtOnce) {
  SamplePlan plan = plan_;
  plan.labels = LabelChoice::kEach;
  plan.guidance = 2;
  const Tensor one = draw_set(trained_, plan, 3 * kSampleChunk, 7, {}, 1);
  std::vector<int64_t> heard;
  const Tensor two = draw_set(
      trained_, plan, 3 * kSampleChunk, 7, [&](const DrawStep& at) { heard.push_back(at.done); }, 2);
  EXPECT_EQ(heard, (std::vector<int64_t>{42, 85, 128, 149, 170, 192}));
  EXPECT_LE(furthest(one, two), 1);
}

TEST_F(SampleSetsSlow, AFileThatHoldsNoneIsRefusedWithTheRemedy) {
  set(1);
  const auto bytes = [](at::IntArrayRef shape) { return torch::zeros(shape, at::kByte); };
  for (const Tensor& wrong : {Tensor(), torch::zeros({64, 3, 32, 32}), bytes({65, 3, 32, 32}), bytes({64, 3, 32, 8}),
                              bytes({64, 3072}), bytes({})}) {
    save_tensors(file(), {{wrong.defined() ? "pictures" : "other", wrong.defined() ? wrong : torch::zeros({1})}});
    try {
      set(1);
      ADD_FAILURE() << (wrong.defined() ? shape_text(wrong) : "nothing");
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("remove it"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace sextant
