#include "sextant/report/html.h"

#include <algorithm>
#include <string_view>

#include "sextant/base/check.h"
#include "sextant/base/number_text.h"
#include "sextant/report/html_style.h"
#include "sextant/report/png.h"
#include "sextant/report/text.h"

namespace sextant {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

// A relative path as an attribute's value. Pages link only to their neighbours.
std::string href(std::string_view path) {
  SEXTANT_CHECK(path.find(':') == std::string_view::npos && !path.starts_with("//") && !path.starts_with("\\"),
                "[html] expected a relative path as a link; got '", path, "'");
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && std::string_view("%?#\"<>\\^`{|}&'").find(c) == std::string_view::npos)
      out += c;
    else
      out += concat('%', kHex[byte >> 4], kHex[byte & 15]);
  }
  return out;
}

std::string data_link(std::string_view path) {
  if (path.empty()) return "";
  const size_t dot = path.rfind('.');
  std::string kind = dot == std::string_view::npos ? "data" : std::string(path.substr(dot + 1));
  std::ranges::transform(kind, kind.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return concat(" <a class=\"data\" href=\"", href(path), "\">", escape_xml(kind), " ↓</a>");
}

// Pictures are enlarged by a whole factor where there is room, so that single pixels can be seen.
std::string picture_html(const Picture& picture, std::string_view alt) {
  const int64_t zoom = std::max<int64_t>(1, 640 / std::max(picture.width, picture.height));
  return concat("<img alt=\"", escape_xml(alt), "\" width=\"", picture.width * zoom, "\" height=\"",
                picture.height * zoom, "\" src=\"data:image/png;base64,", base64(encode_png(picture)), "\">");
}

std::string image_html(const Image& image, std::string_view alt) {
  if (const auto* picture = std::get_if<Picture>(&image)) return picture_html(*picture, alt);
  return std::visit(
      Overloaded{[](const Picture&) { return std::string(); }, [](const auto& drawn) { return to_svg(drawn); }}, image);
}

std::string scale_badge(const std::string& scale) {
  if (scale.empty()) return "";
  const std::string_view kind = scale == "full" ? "full" : scale == "quick" ? "quick" : "smoke";
  return concat("<span class=\"badge ", kind, "\">", escape_xml(scale), kind == "full" ? "" : " run", "</span>");
}

std::string scale_alarm(const std::string& scale) {
  if (scale.empty() || scale == "full") return "";
  const std::string_view text =
      scale == "quick"
          ? "It is smaller than what the exercise asks for: pictures to look at, numbers not to quote. "
          : "It shows only that everything works from end to end; nothing here has been trained to speak of. ";
  return concat("<div class=\"alarm\" role=\"note\"><strong>",
                scale == "quick" ? "Quick" : escape_xml(scale == "smoke" ? "Smoke" : scale),
                " run: not a result.</strong> ", text, "Run it with <code>--scale full</code> for the answer.</div>");
}

bool like_a_number(std::string_view cell) {
  for (const std::string_view sign : {"−", "-", "+", "<", ">", "≈", "**", " "})
    if (cell.starts_with(sign)) cell.remove_prefix(sign.size());
  return cell.empty() || cell == "–" || cell == "nan" || (cell[0] >= '0' && cell[0] <= '9');
}

std::string table_html(const Table& table, const std::string& badge) {
  const size_t count = table.columns.size();
  for (const auto& row : table.rows)
    SEXTANT_CHECK(row.size() == count, "[html] expected ", count, " cells in each row of a table; got ", row.size());
  std::vector<const char*> kind(count, " class=\"num\"");
  for (size_t c = 0; c < count; ++c)
    if (!std::ranges::all_of(table.rows, [&](const auto& row) { return like_a_number(row[c]); })) kind[c] = "";
  const auto line = [&](const std::vector<std::string>& cells, std::string_view tag) {
    std::string out = "<tr>";
    for (size_t c = 0; c < count; ++c)
      out +=
          concat("<", tag, tag == "th" ? " scope=\"col\"" : "", kind[c], ">", inline_markup(cells[c]), "</", tag, ">");
    return out + "</tr>";
  };
  // The caption stands outside of what scrolls: on a narrow screen it would be cut off with the last columns.
  std::string out =
      concat("<figure><div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"table\"><table><thead>",
             line(table.columns, "th"), "</thead><tbody>");
  for (const auto& row : table.rows) out += line(row, "td");
  out += "</tbody></table></div>";
  if (!table.caption.empty() || !badge.empty())
    out += concat("<figcaption>", badge, inline_markup(table.caption), "</figcaption>");
  return out + "</figure>\n";
}

std::string paragraphs_html(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find("\n\n"), text.size());
    if (end > 0) out += concat("<p>", inline_markup(text.substr(0, end)), "</p>\n");
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return out;
}

std::string badge_html(Verdict verdict, std::string_view before = "") {
  const std::string_view kind = verdict == Verdict::kHolds ? "holds" : verdict == Verdict::kFails ? "fails" : "not-run";
  const std::string_view sign = verdict == Verdict::kHolds ? "✓ " : verdict == Verdict::kFails ? "✗ " : "";
  return concat("<span class=\"badge ", kind, "\">", sign, before, to_text(verdict), "</span>");
}

std::string claims_html(const Claims& block) {
  std::string out = "<ul class=\"claims\">";
  for (const CheckedClaim& claim : block.claims) {
    out += concat("<li>", badge_html(claim.verdict), "<div>", inline_markup(claim.says), "</div>");
    if (!claim.numbers.empty()) out += concat("<div class=\"numbers\">", inline_markup(claim.numbers), "</div>");
    out += "</li>";
  }
  return out + "</ul>\n";
}

std::string block_html(const Block& block, const std::string& scale) {
  const std::string badge = scale.empty() || scale == "full" ? "" : scale_badge(scale) + " ";
  return std::visit(Overloaded{
                        [](const Heading& b) { return concat("<h2>", escape_xml(b.text), "</h2>\n"); },
                        [](const Paragraph& b) { return paragraphs_html(b.text); },
                        [&](const Figure& b) {
                          return concat("<figure><div class=\"frame\">", image_html(b.image, b.caption),
                                        "</div><figcaption>", badge, inline_markup(b.caption), data_link(b.data_href),
                                        "</figcaption></figure>\n");
                        },
                        [&](const Table& b) { return table_html(b, badge); },
                        [](const Claims& b) { return claims_html(b); },
                    },
                    block);
}

// "0, 1, 2"
template <class Part>
std::string joined(const std::vector<Part>& parts, std::string_view between) {
  std::string out;
  for (const Part& part : parts) out += concat(out.empty() ? "" : between, part);
  return out;
}

std::string facts_html(const Provenance& p) {
  std::string out;
  const auto fact = [&](const std::string& text) {
    if (!text.empty()) out += concat("<li>", escape_xml(text), "</li>");
  };
  fact(p.scale.empty() ? "" : p.scale + " scale");
  fact(p.seeds.empty() ? "" : concat(p.seeds.size() == 1 ? "seed " : "seeds ", joined(p.seeds, ", ")));
  fact(p.device);
  fact(p.precision);
  fact(p.wall_s ? duration_text(*p.wall_s) : "");
  if (p.runs.size() == 1) fact(p.runs[0].second);
  return out.empty() ? "" : concat("<ul class=\"facts\">", out, "</ul>\n");
}

std::string provenance_html(const Provenance& p) {
  std::string out;
  const auto row = [&](std::string_view name, const std::string& html) {
    if (!html.empty()) out += concat("<dt>", name, "</dt><dd>", html, "</dd>");
  };
  row("Scale", scale_badge(p.scale));
  row(p.seeds.size() == 1 ? "Seed" : "Seeds", joined(p.seeds, ", "));
  row("Device", escape_xml(p.device));
  row("Precision", escape_xml(p.precision));
  row("Wall time", p.wall_s ? duration_text(*p.wall_s) : "");
  std::string runs;
  for (const auto& [name, fingerprint] : p.runs)
    runs += concat(runs.empty() ? "" : "<br>", escape_xml(name), " <code>", escape_xml(fingerprint), "</code>");
  row(p.runs.size() == 1 ? "Run" : "Runs", runs);
  row("Samples drawn on", escape_xml(joined(p.samples, "; ")));
  row("Processor", escape_xml(p.cpu));
  row("LibTorch", escape_xml(p.libtorch));
  row("sextant", escape_xml(p.version));
  if (!out.empty()) out = concat("<dl>", out, "</dl>\n");
  if (!p.command.empty())
    out += concat("<p>To make this page again:</p>\n<pre><code>", escape_xml(p.command), "</code></pre>\n");
  return out.empty() ? "" : "<section><h2>How this page was made</h2>\n" + out + "</section>\n";
}

std::string document(std::string_view title, std::string_view main_class, std::string_view body) {
  return concat(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n",
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; ",
      "img-src data:\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n",
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>", escape_xml(title), "</title>\n<style>",
      kPageStyle, "</style></head>\n<body><main", main_class, ">\n", body, "</main></body></html>\n");
}

std::string card_html(const IndexEntry& entry) {
  const std::string title = escape_xml(entry.id + (entry.title.empty() ? "" : " " + entry.title));
  std::string tally;
  const auto count = [&](int number, Verdict verdict) {
    if (number > 0) tally += badge_html(verdict, std::to_string(number) + " ");
  };
  if (!entry.href.empty()) tally += scale_badge(entry.scale);
  count(entry.holds, Verdict::kHolds);
  count(entry.fails, Verdict::kFails);
  count(entry.not_run, Verdict::kNotRun);
  return concat("<li class=\"card\"><div class=\"thumb\">",
                entry.thumbnail      ? image_html(*entry.thumbnail, "")
                : entry.href.empty() ? "not run yet"
                                     : "no picture",
                "</div><div class=\"words\"><h2>",
                entry.href.empty() ? title : concat("<a href=\"", href(entry.href), "\">", title, "</a>"), "</h2><p>",
                inline_markup(entry.question), "</p><div class=\"tally\">", tally, "</div></div></li>\n");
}

}  // namespace

const char* to_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHolds:
      return "holds";
    case Verdict::kFails:
      return "fails";
    case Verdict::kNotRun:
      break;
  }
  return "not run";
}

std::string to_html(const Page& page) {
  std::string body;
  if (!page.index_href.empty())
    body += concat("<nav class=\"back\"><a href=\"", href(page.index_href), "\">← All exercises</a></nav>\n");
  body += concat("<h1>", escape_xml(page.title), "</h1>\n");
  if (!page.question.empty()) body += concat("<p class=\"question\">", inline_markup(page.question), "</p>\n");
  body += scale_alarm(page.provenance.scale) + facts_html(page.provenance);
  for (const Block& block : page.blocks) body += block_html(block, page.provenance.scale);
  return document(page.title, "", body + provenance_html(page.provenance));
}

std::string to_html(const IndexPage& page) {
  std::string body =
      concat("<h1>", escape_xml(page.title), "</h1>\n", paragraphs_html(page.intro), "<ul class=\"cards\">\n");
  for (const IndexEntry& entry : page.entries) body += card_html(entry);
  return document(page.title, " class=\"wide\"", body + "</ul>\n");
}

}  // namespace sextant
