#include "sextant/base/fields.h"

#include <gtest/gtest.h>

namespace sextant {
namespace {

enum class Shape { kRound, kSquare };
constexpr auto enum_names(Shape) {
  return std::array{std::pair{Shape::kRound, "round"}, std::pair{Shape::kSquare, "square"}};
}

struct Inner {
  static constexpr Tag kTag{"family", "inner"};
  double rate = 0.5;
  static constexpr auto fields() { return std::tuple{Field{"rate", &Inner::rate, "a rate", positive()}}; }
};
struct Other {
  static constexpr Tag kTag{"family", "other"};
  std::vector<int64_t> widths = {1, 2};
  static constexpr auto fields() { return std::tuple{Field{"widths", &Other::widths, "widths", at_least(1)}}; }
};
struct Outer {
  int64_t epochs = 3;
  std::string name = "x";
  bool fast = false;
  Shape shape = Shape::kRound;
  std::variant<Inner, Other> model;
  static constexpr auto fields() {
    return std::tuple{Field{"epochs", &Outer::epochs, "passes", between(1, 100)}, Field{"name", &Outer::name, "a name"},
                      Field{"fast", &Outer::fast, "hurry"}, Field{"shape", &Outer::shape, "form"},
                      Field{"model", &Outer::model, "the model"}};
  }
};

std::string refusal(const std::string& setting) {
  Outer outer;
  try {
    set(outer, setting);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Fields, JsonRoundTripKeepsEveryField) {
  Outer outer;
  set(outer, "epochs=7");
  set(outer, "shape=square");
  set(outer, "model.family=other");
  set(outer, "model.widths=[4, 5, 6]");
  Outer again;
  assign(again, to_json(outer));
  EXPECT_EQ(to_json(again).dump(), to_json(outer).dump());
  EXPECT_EQ(again.epochs, 7);
  EXPECT_EQ(again.shape, Shape::kSquare);
  EXPECT_EQ(std::get<Other>(again.model).widths, (std::vector<int64_t>{4, 5, 6}));
}

TEST(Fields, TomlAssignsOnlyWhatItNames) {
  Outer outer;
  assign(outer, parse_toml("epochs = 9\n[model]\nfamily = \"inner\"\nrate = 2\n", "t"));
  EXPECT_EQ(outer.epochs, 9);
  EXPECT_EQ(outer.name, "x");
  EXPECT_EQ(std::get<Inner>(outer.model).rate, 2.0);
}

TEST(Fields, MistakesNameTheRemedy) {
  EXPECT_NE(refusal("epoch=3").find("did you mean 'epochs'"), std::string::npos);
  EXPECT_NE(refusal("model.rat=3").find("did you mean 'model.rate'"), std::string::npos);
  EXPECT_NE(refusal("epochs=abc").find("must be an integer"), std::string::npos);
  EXPECT_NE(refusal("epochs=1.5").find("must be an integer"), std::string::npos);
  EXPECT_NE(refusal("epochs=0").find("at least 1"), std::string::npos);
  EXPECT_NE(refusal("model.rate=0").find("above 0"), std::string::npos);
  EXPECT_NE(refusal("model.rate=nan").find("above 0"), std::string::npos);
  EXPECT_NE(refusal("shape=rond").find("did you mean 'round'"), std::string::npos);
  EXPECT_NE(refusal("model.family=iner").find("did you mean 'inner'"), std::string::npos);
  EXPECT_NE(refusal("epochs").find("path=value"), std::string::npos);
  EXPECT_NE(refusal(".epochs=1").find("empty name"), std::string::npos);
  EXPECT_NE(refusal("a..b=1").find("empty name"), std::string::npos);
  EXPECT_EQ(refusal("epochs=3"), "accepted");
}

TEST(Fields, FingerprintChangesWithEveryFieldAndNotWithTheirOrder) {
  const Outer outer;
  Outer changed;
  changed.fast = true;
  EXPECT_NE(fingerprint(to_json(outer)), fingerprint(to_json(changed)));
  EXPECT_EQ(fingerprint(Json::parse(R"({"a":1,"b":2})")), fingerprint(Json::parse(R"({"b":2,"a":1})")));
  EXPECT_EQ(fingerprint(to_json(outer)).size(), 16u);
}

TEST(Fields, HelpListsEveryField) {
  std::vector<FieldHelp> help;
  describe(Outer{}, help);
  ASSERT_EQ(help.size(), 6u);
  EXPECT_EQ(help[3].type, "round | square");
  EXPECT_EQ(help[4].path, "model.family");
  EXPECT_EQ(help[5].path, "model.rate");
}

// JSON has no word for them: a record would hold null and could not be read again.
TEST(Fields, WhatIsNotFiniteOrNoUtf8IsRefused) {
  for (const char* value : {"inf", "-inf", "nan", "1e999"})
    EXPECT_NE(refusal(std::string("model.rate=") + value), "accepted") << value;
  EXPECT_NE(refusal("model.rate=inf").find("must be a finite number above 0; got inf"), std::string::npos)
      << refusal("model.rate=inf");
  EXPECT_NE(refusal("name=Caf\xe9").find("no UTF-8"), std::string::npos) << refusal("name=Caf\xe9");
  EXPECT_NE(refusal("epochs=\xff"), "accepted");
  EXPECT_EQ(refusal("name=Caf\xc3\xa9"), "accepted");
}

TEST(Toml, ErrorsNameLineAndColumn) {
  try {
    parse_toml("a = 1\nb = = 2\n", "recipe.toml");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("recipe.toml line 2"), std::string::npos) << error.what();
  }
}

std::string toml_refusal(const std::string& text) {
  try {
    parse_toml(text, "x");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

// A table a part: what only takes them apart again would overflow the stack.
TEST(Toml, AKeyOfTooManyPartsIsRefused) {
  std::string key = "a";
  for (int i = 0; i < 500000; ++i) key += ".a";
  for (const std::string& text :
       {key + " = 1", "[" + key + "]", "x = {" + key + " = 1}", key.substr(0, 199) + " = 1",
        "x = {b = \"\"\"a\"b\"\"\", " + key + " = 1}", "x = [\"\"\"\n#\"\"\", {" + key + " = 1}]",
        "x = {b = \"\"\"a\"\"\"\", " + key + " = 1}", "x = {b = 'a\\', " + key + " = 1}",
        "x = {b = '\"', " + key + " = 1}"})
    EXPECT_NE(toml_refusal(text).find("parts"), std::string::npos) << text.substr(0, 30);
  const std::string dots(300, '.');
  EXPECT_EQ(parse_toml("# " + dots + "\na.b = \"" + dots + "\" # " + dots, "x")["a"]["b"], dots);
  EXPECT_EQ(parse_toml("a = \"\"\"\n\"" + dots + "\"\"\"", "x")["a"], "\"" + dots);
  EXPECT_EQ(parse_toml("a = [0.5" + std::string(80, ' ') + ", 1.5, 2.5]", "x")["a"].size(), 3u);
}

TEST(JsonText, DeepNestingIsRefused) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_NO_THROW(parse_json(nested(60), "x"));
  for (const size_t depth : {70, 100000}) {
    try {
      parse_json(nested(depth), "x");
      FAIL() << depth;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("nests deeper"), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(parse_json("{\"a\":", "x"), Error);
  EXPECT_EQ(parse_json("[1,2]", "x").size(), 2u);
}

}  // namespace
}  // namespace sextant
