// TOML as recipes hold it: parsed, and assigned to a config with a field of each kind.
#include "sextant/base/fields.h"
#include "sextant/base/json.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

enum class Colour { kRed, kBlue };
constexpr auto enum_names(Colour) {
  return std::array{std::pair{Colour::kRed, "red"}, std::pair{Colour::kBlue, "blue"}};
}

struct Recipe {
  int64_t count = 1;
  double rate = 0.5;
  bool flag = false;
  std::string name;
  std::vector<int64_t> sizes;
  Colour colour = Colour::kRed;
  static constexpr auto fields() {
    using sextant::Field;
    return std::tuple{Field{"count", &Recipe::count, "a number", sextant::positive()},
                      Field{"rate", &Recipe::rate, "a share", sextant::between(0, 1)},
                      Field{"flag", &Recipe::flag, "a choice"},
                      Field{"name", &Recipe::name, "a text"},
                      Field{"sizes", &Recipe::sizes, "numbers", sextant::at_least(1)},
                      Field{"colour", &Recipe::colour, "red or blue"}};
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sextant::fuzz(data, size, [](std::string_view bytes) {
    Recipe recipe;
    sextant::assign(recipe, sextant::parse_toml(bytes, "fuzz"));
    sextant::require(recipe.count >= 1 && recipe.rate >= 0 && recipe.rate <= 1);
  });
}
