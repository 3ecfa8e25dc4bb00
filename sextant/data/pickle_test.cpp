// Pickles written by hand from pickletools' table of operations.
#include "sextant/data/pickle.h"

#include <gtest/gtest.h>

#include "sextant/data/test_support.h"

namespace sextant {
namespace {

using Kind = PickleValue::Kind;

// SHORT_BINSTRING
std::string text(const std::string& word) { return concat("U", static_cast<char>(word.size()), word); }

std::string refusal(std::string bytes) {
  return error_text([&] {
    std::string_view rest = bytes;
    take_pickle(rest, "w.pth");
  });
}

TEST(Pickle, ContainersHoldWhatWasPutIntoThem) {
  // {"a": (1, -2), "b": ["x"]}, with the text "a" asked for again from the memo as a third key
  const std::string bytes =
      concat("\x80\x02}(", text("a"), "q\x01K\x01J\xfe\xff\xff\xff\x86", text("b"), "](", text("x"), "eh\x01Nu.behind");
  std::string_view rest = bytes;
  const Pickle pickle = take_pickle(rest, "x");
  EXPECT_EQ(rest, "behind");
  const PickleValue& root = pickle[pickle.root];
  ASSERT_EQ(root.kind, Kind::kDictionary);
  ASSERT_EQ(root.entries.size(), 3u);
  const PickleValue& pair = pickle[root.entries[0].second];
  ASSERT_EQ(pair.items.size(), 2u);
  EXPECT_EQ(pickle[pair.items[0]].number, 1);
  EXPECT_EQ(pickle[pair.items[1]].number, -2);
  EXPECT_EQ(pickle[pickle[root.entries[1].second].items.at(0)].text, "x");
  EXPECT_EQ(pickle[root.entries[2].first].text, "a");
  EXPECT_EQ(pickle[root.entries[2].second].kind, Kind::kNone);
}

TEST(Pickle, NumbersKeepTheirSign) {
  for (const auto& [bytes, number] :
       std::initializer_list<std::pair<std::string, int64_t>>{{"K\xff.", 255},
                                                              {"M\xff\xff.", 65535},
                                                              {"J\xff\xff\xff\xff.", -1},
                                                              {"\x8a\x01\xff.", -1},
                                                              {"\x8a\x02\xff\x7f.", 32767},
                                                              {std::string("\x8a\0.", 3), 0},
                                                              {"\x88.", 1}}) {
    std::string_view rest = bytes;
    const Pickle pickle = take_pickle(rest, "x");
    EXPECT_EQ(pickle[pickle.root].number, number);
  }
}

TEST(Pickle, ACallIsReportedAndNotMade) {
  const std::string bytes = concat("cos\nsystem\n(", text("echo"), "tR.");
  std::string_view rest = bytes;
  const Pickle pickle = take_pickle(rest, "x");
  const PickleValue& call = pickle[pickle.root];
  ASSERT_EQ(call.kind, Kind::kCall);
  EXPECT_EQ(pickle[call.items[0]].text, "os system");
  EXPECT_EQ(pickle[pickle[call.items[1]].items.at(0)].text, "echo");
}

TEST(Pickle, UnknownOperationsAndBrokenStacksAreRefused) {
  EXPECT_TRUE(has(refusal("\x81."), "operation 129 at byte 0"));  // NEWOBJ
  EXPECT_TRUE(has(refusal("\x80\x04N."), "has the pickle protocol 4"));
  EXPECT_TRUE(has(refusal(std::string(3 << 20, 'N')), "longer than the 2 MB"));
  EXPECT_TRUE(has(refusal("\x8a\x09"
                          "123456789."),
                  "damaged"));
  EXPECT_TRUE(has(refusal("I12\n."), "operation 73"));  // INT, of protocol 0
  for (const char* broken :
       {".",          "R.",      "NR.",  "NNR.",  "t.",         "u.",   "(t",  "NN.",
        "N(.",        "Ns.",     "}Ns.", "}(Nu.", "Na.",        "h\1.", "q\1", "X\xff\xff\xff\xffx.",
        "\x8a\x05z.", "(N\x86.", "N(b.", "cos",   "cos\nsystem"})
    EXPECT_TRUE(has(refusal(broken), "damaged or cut short")) << broken;
}

}  // namespace
}  // namespace sextant
