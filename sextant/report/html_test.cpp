#include "sextant/report/html.h"

#include <gtest/gtest.h>

#include "sextant/base/check.h"
#include "sextant/report/png.h"
#include "sextant/report/text.h"
#include "sextant/report/well_formed.h"

namespace sextant {
namespace {

const std::string kHostile = "</title><script>alert('x')</script> & \"q\" onload=\"y\" \x01 \xff\xc0\x80 ]]> <!--";

Page page_of(std::vector<Block> blocks, const std::string& scale = "full") {
  return {.title = "T", .question = "Q", .provenance = {.scale = scale}, .blocks = std::move(blocks)};
}

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(Text, EscapingRepairsWhatIsNoXml) {
  EXPECT_EQ(escape_xml("<a b=\"c\">'&"), "&lt;a b=&quot;c&quot;&gt;&#39;&amp;");
  EXPECT_EQ(escape_xml("β ✓ 😀"), "β ✓ 😀");
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(escape_xml("\xff"), bad);
  EXPECT_EQ(escape_xml("\xc0\x80"), bad + bad);                      // overlong
  EXPECT_EQ(escape_xml("\xed\xa0\x80"), bad + bad + bad);            // surrogate
  EXPECT_EQ(escape_xml("\xf4\x90\x80\x80"), bad + bad + bad + bad);  // above U+10FFFF
  EXPECT_EQ(escape_xml("a\xe2\x82"), "a" + bad + bad);               // cut off
  EXPECT_EQ(escape_xml(std::string_view("\0\x1b\n", 3)), bad + bad + "\n");
}

TEST(Text, MarkupIsClosedOrLeftAlone) {
  EXPECT_EQ(inline_markup("a **b *c* d** `e*f*<`"), "a <strong>b <em>c</em> d</strong> <code>e*f*&lt;</code>");
  EXPECT_EQ(inline_markup("2 * 3 * 4 and ** open"), "2 * 3 * 4 and ** open");
  EXPECT_EQ(inline_markup("*a"), "*a");
  EXPECT_EQ(inline_markup("****"), "****");
}

TEST(Text, Base64PublishedVectors) {  // RFC 4648, section 10
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

TEST(Text, WrapKeepsWordsAndMarksWhatIsLeftOut) {
  EXPECT_EQ(wrap("one two three", 7, 9), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrap("äöüß", 3, 9), (std::vector<std::string>{"äöü", "ß"}));
  EXPECT_EQ(wrap("one two three", 5, 1), (std::vector<std::string>{"one…"}));
  EXPECT_TRUE(wrap("  ", 5, 1).empty());
}

TEST(Html, IsWellFormedAndLoadsNothingWhateverTheTexts) {
  const Picture grey{2, 1, 1, {0, 255}};
  const Plot plot{.title = kHostile, .series = {{.label = kHostile, .x = {1, 2}, .y = {3, 4}}}};
  const ImageGrid grid{.title = kHostile,
                       .pictures = {grey, grey},
                       .columns = 1,
                       .row_labels = {kHostile, "b"},
                       .column_labels = {kHostile}};
  Page page =
      page_of({Heading{kHostile}, Paragraph{kHostile + "\n\n**" + kHostile + "**"}, Figure{plot, kHostile, "a b.csv"},
               Figure{grid, kHostile}, Figure{grey, kHostile}, Table{{kHostile, "n"}, {{kHostile, "1"}}, kHostile},
               Claims{{{kHostile, Verdict::kFails, kHostile}}}},
              kHostile);
  page.title = page.question = kHostile;
  page.index_href = "index.html";
  page.provenance = {.scale = kHostile,
                     .seeds = {3},
                     .device = kHostile,
                     .precision = kHostile,
                     .wall_s = 1.5,
                     .runs = {{kHostile, kHostile}, {"b", "c"}},
                     .samples = {kHostile, "d"},
                     .cpu = kHostile,
                     .libtorch = kHostile,
                     .version = kHostile,
                     .command = kHostile};
  const IndexPage index{kHostile, kHostile, {{kHostile, kHostile, kHostile, "x.html", kHostile, 1, 2, 3, plot}}};
  for (const std::string& html : {to_html(page), to_html(index)}) {
    EXPECT_EQ(well_formed(html, true), "");
    EXPECT_EQ(html.find("<script"), std::string::npos);
    EXPECT_EQ(count(html, "http://www.w3.org/2000/svg"), count(html, "://"));
    EXPECT_NE(html.find("default-src 'none'"), std::string::npos);
    EXPECT_EQ(count(html, "src=\"data:image/png;base64,"), count(html, "src=\""));
  }
  EXPECT_NE(to_html(page).find("href=\"a%20b.csv\""), std::string::npos);
  EXPECT_NE(to_html(page).find(base64(encode_png(grey))), std::string::npos);
}

TEST(Html, WhatIsNotFullScaleIsMarkedInTheHeadAndAtEveryFigure) {
  const Figure figure{Picture{1, 1, 1, {7}}, "caption"};
  const auto marks = [&](const std::string& scale) {
    const std::string html = to_html(page_of({figure, figure, Table{{"a"}, {{"1"}}}}, scale));
    return std::pair{html.find("run: not a result") != std::string::npos, count(html, scale + " run</span>")};
  };
  EXPECT_EQ(marks("smoke"), std::pair(true, size_t{4}));  // two figures, a table, and how the page was made
  EXPECT_EQ(marks("quick"), std::pair(true, size_t{4}));
  EXPECT_EQ(marks("full"), std::pair(false, size_t{0}));
  EXPECT_TRUE(marks("tiny").first);  // a scale that nobody knows is no result either
}

TEST(Html, ThePageTellsHowItWasMadeAndLeavesOutWhatIsNotKnown) {
  Page page = page_of({});
  EXPECT_NE(to_html(page).find("<dl><dt>Scale</dt><dd><span class=\"badge full\">full</span></dd></dl>"),
            std::string::npos);
  page.provenance = {.scale = "full",
                     .seeds = {7},
                     .device = "cpu",
                     .precision = "float32",
                     .wall_s = 133.2,
                     .runs = {{"vae", "3f2a"}},
                     .cpu = "C",
                     .libtorch = "2.13.0",
                     .version = "0.1",
                     .command = "sextant run 14.21"};
  const std::string html = to_html(page);
  for (const char* part :
       {"<dt>Seed</dt><dd>7</dd>", "<dt>Device</dt><dd>cpu</dd>", "<dt>Precision</dt><dd>float32</dd>",
        "<dt>Wall time</dt><dd>2 min 13 s</dd>", "<dt>Run</dt><dd>vae <code>3f2a</code></dd>",
        "<dt>Processor</dt><dd>C</dd>", "<dt>LibTorch</dt><dd>2.13.0</dd>", "<dt>sextant</dt><dd>0.1</dd>",
        "<pre><code>sextant run 14.21</code></pre>"})
    EXPECT_NE(html.find(part), std::string::npos) << part;
}

TEST(Html, SeveralSeedsAndMachinesAreAllNamed) {
  Page page = page_of({});
  page.provenance.seeds = {7};
  EXPECT_NE(to_html(page).find("<li>seed 7</li>"), std::string::npos);
  page.provenance.seeds = {0, 1, 2};
  page.provenance.samples = {"cpu", "cuda"};
  const std::string html = to_html(page);
  for (const char* part :
       {"<li>seeds 0, 1, 2</li>", "<dt>Seeds</dt><dd>0, 1, 2</dd>", "<dt>Samples drawn on</dt><dd>cpu; cuda</dd>"})
    EXPECT_NE(html.find(part), std::string::npos) << part;
}

TEST(Html, OnlyAnEmptyLineEndsAParagraph) {
  EXPECT_NE(to_html(page_of({Paragraph{"a **b\nc** d\n\ne"}})).find("<p>a <strong>b\nc</strong> d</p>\n<p>e</p>"),
            std::string::npos);
}

TEST(Html, VerdictsAreWords) {
  const std::string html =
      to_html(page_of({Claims{{{"a", Verdict::kHolds, "1"}, {"b", Verdict::kFails, "2"}, {"c"}}}}));
  EXPECT_NE(html.find("<span class=\"badge holds\">✓ holds</span><div>a</div><div class=\"numbers\">1</div>"),
            std::string::npos);
  EXPECT_NE(html.find("<span class=\"badge fails\">✗ fails</span><div>b</div>"), std::string::npos);
  EXPECT_NE(html.find("not run</span><div>c</div></li>"), std::string::npos);
}

TEST(Html, NumbersStandOnTheRight) {
  const std::string html = to_html(page_of({Table{{"n", "t"}, {{"**1.5**", "1.5"}, {"−2", "x"}}}}));
  EXPECT_NE(html.find("<td class=\"num\"><strong>1.5</strong></td><td>1.5</td>"), std::string::npos);
}

TEST(Html, RaggedTablesAndForeignLinksAreRefused) {
  EXPECT_THROW(to_html(page_of({Table{{"a", "b"}, {{"1"}}}})), Error);
  const Picture dot{1, 1, 1, {0}};
  for (const char* link : {"javascript:alert(1)", "https://example.org/x.csv", "//example.org/x"})
    EXPECT_THROW(to_html(page_of({Figure{dot, "c", link}})), Error) << link;
}

TEST(Html, TheIndexCountsAndLinksOnlyWhatWasRun) {
  const std::string html = to_html(IndexPage{
      "T", "I", {{"14.1", "A", "q", "a.html", "quick", 2, 1, 0, {}}, {"14.2", "B", "q", "", "", 0, 0, 0, {}}}});
  EXPECT_NE(html.find("<a href=\"a.html\">14.1 A</a>"), std::string::npos);
  EXPECT_NE(html.find("✓ 2 holds"), std::string::npos);
  EXPECT_NE(html.find("✗ 1 fails"), std::string::npos);
  EXPECT_NE(html.find("quick run"), std::string::npos);
  EXPECT_NE(html.find("<h2>14.2 B</h2>"), std::string::npos);
  EXPECT_NE(html.find("not run yet"), std::string::npos);
}

TEST(WellFormed, TheCheckItselfSeesFaults) {
  EXPECT_EQ(well_formed("<a b=\"c\"><d/>&amp;</a>\n"), "");
  for (const char* bad : {"<a>", "<a></b>", "<a>&</a>", "<a b=c></a>", "<a b=\"1\" b=\"2\"/>", "<a b=\"<\"/>", "x<a/>",
                          "<a b=\"1\"c=\"2\"/>"})
    EXPECT_NE(well_formed(bad), "") << bad;
}

}  // namespace
}  // namespace sextant
