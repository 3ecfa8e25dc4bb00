// The house as it stands keeps its floors; and each kind of breach, planted in a small house, is seen.
// SEXTANT_FLOORS: the floors as CMake wrote them. SEXTANT_INCLUDE_ROOT: the folder sextant/.
#include "tests/layers/layers.h"

#include <gtest/gtest.h>

#include <fstream>
#include <numeric>
#include <sstream>

namespace sextant::layers {
namespace {

std::string lines(const std::vector<std::string>& parts) {
  return std::accumulate(parts.begin(), parts.end(), std::string(),
                         [](const std::string& all, const std::string& part) { return all + "\n" + part; });
}

Floors house() {
  return read_floors(
      "base torch=FALSE floors= only=\n"
      "tensor torch=TRUE floors=base only=\n"
      "nets torch=TRUE floors=tensor only=\n"
      "diffusion torch=TRUE floors=tensor only=\n"
      "families torch=TRUE floors=nets,diffusion only=\n"
      "train torch=TRUE floors=families only=families/model.h\n");
}

TEST(Layers, EveryIncludeOfTheHouseKeepsItsFloor) {
  std::ostringstream text;
  text << std::ifstream(SEXTANT_FLOORS).rdbuf();
  const Floors floors = read_floors(text.str());
  ASSERT_GE(floors.size(), 12u) << "the floors were not read from " << SEXTANT_FLOORS;
  const std::vector<std::string> found = breaches_below(floors, SEXTANT_INCLUDE_ROOT);
  EXPECT_TRUE(found.empty()) << lines(found);
}

TEST(Layers, LowerFloorsAndOnesOwnAreOpen) {
  const std::string text =
      "#include \"sextant/nets/mlp.h\"\n#include \"sextant/base/check.h\"\n#include <ATen/core/Tensor.h>\n#include "
      "<vector>\n"
      "#include \"sextant_build_info.h\"\n";
  EXPECT_EQ(lines(breaches(house(), "families/vae.cpp", text)), "");
  EXPECT_EQ(lines(breaches(house(), "train/trainer.cpp", "#include \"sextant/families/model.h\"\n")), "");
}

struct Fault {
  std::string path, line, says;
};

TEST(Layers, EachPlantedBreachIsSeen) {
  const std::vector<Fault> faults = {
      {"base/json.h", "#include \"sextant/tensor/rng.h\"", "base stands not above tensor"},
      {"diffusion/schedule.h", "#include \"sextant/nets/unet.h\"", "diffusion stands not above nets"},
      {"nets/mlp.h", "  #  include \"sextant/families/model.h\"", "nets stands not above families"},
      {"train/trainer.cpp", "#include \"sextant/families/vae.h\"", "train may include of it only families/model.h"},
      {"base/check.h", "#include <torch/torch.h>", "base sees no LibTorch"},
      {"base/check.h", "#include \"ATen/ATen.h\"", "base sees no LibTorch"},
      {"nets/mlp.cpp", "#include \"mlp.h\"", "our own headers are included as"},
      {"attic/old.cpp", "int x;", "CMakeLists.txt names no floor attic"},
  };
  for (const Fault& fault : faults) {
    const std::vector<std::string> found = breaches(house(), fault.path, "// text\n" + fault.line + "\n");
    ASSERT_EQ(found.size(), 1u) << fault.line;
    EXPECT_NE(found[0].find(fault.says), std::string::npos) << found[0];
  }
}

TEST(Layers, AFloorListThatIsNoneIsRefused) {
  EXPECT_THROW(read_floors("base\n"), std::runtime_error);
  EXPECT_THROW(read_floors("nets torch=TRUE floors=tensor only=\n"), std::runtime_error);
}

}  // namespace
}  // namespace sextant::layers
