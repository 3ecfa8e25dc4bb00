#include "sextant/report/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "sextant/base/check.h"

namespace sextant {
namespace {

// Length of the well-formed UTF-8 sequence at the start of `text`, 0 when there is none (RFC 3629: no overlong forms,
// no surrogates, nothing above U+10FFFF).
size_t sequence_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xc2 && lead < 0xe0   ? 2
                        : lead >= 0xe0 && lead < 0xf0 ? 3
                        : lead >= 0xf0 && lead < 0xf5 ? 4
                                                      : 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const unsigned second = byte(1);
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
  return length;
}

std::string_view next_character(std::string_view text) {
  return text.substr(0, std::max<size_t>(1, sequence_length(text)));
}

}  // namespace

std::string escape_xml(std::string_view text) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  std::string out;
  out.reserve(text.size() + 16);
  while (!text.empty()) {
    const size_t length = sequence_length(text);
    const std::string_view one = text.substr(0, std::max<size_t>(1, length));
    const auto first = static_cast<unsigned char>(one[0]);
    if (length == 0 || (first < 0x20 && first != '\t' && first != '\n') || first == 0x7f)
      out += kReplacement;
    else if (one == "\xef\xbf\xbe" || one == "\xef\xbf\xbf")
      out += kReplacement;  // U+FFFE and U+FFFF are no characters
    else if (first == '&')
      out += "&amp;";
    else if (first == '<')
      out += "&lt;";
    else if (first == '>')
      out += "&gt;";
    else if (first == '"')
      out += "&quot;";
    else if (first == '\'')
      out += "&#39;";
    else
      out += one;
    text.remove_prefix(one.size());
  }
  return out;
}

size_t character_count(std::string_view text) {
  size_t count = 0;
  for (; !text.empty(); text.remove_prefix(next_character(text).size())) ++count;
  return count;
}

std::vector<std::string> wrap(std::string_view text, size_t width, size_t max_lines) {
  std::vector<std::string> words(1), lines;
  for (; !text.empty(); text.remove_prefix(next_character(text).size())) {
    const std::string_view one = next_character(text);
    if (one == " " || one == "\n" || one == "\t")
      words.emplace_back();
    else if (character_count(words.back()) == width)
      words.emplace_back(one);
    else
      words.back() += one;
  }
  for (const std::string& word : words) {
    if (word.empty()) continue;
    if (!lines.empty() && character_count(lines.back()) + 1 + character_count(word) <= width)
      lines.back() += " " + word;
    else
      lines.push_back(word);
  }
  if (lines.size() > max_lines) {
    lines.resize(max_lines);
    if (max_lines > 0) lines.back() += "…";
  }
  return lines;
}

std::string inline_markup(std::string_view text) {
  struct Mark {
    std::string_view sign, tag;
  };
  constexpr std::array<Mark, 3> kMarks{{{"**", "strong"}, {"`", "code"}, {"*", "em"}}};
  std::string out;
  size_t plain = 0;  // start of the text that is not written yet
  for (size_t i = 0; i < text.size();) {
    size_t next = i + 1;
    for (const auto& [sign, tag] : kMarks) {
      if (!text.substr(i).starts_with(sign)) continue;
      const size_t begin = i + sign.size(), end = text.find(sign, begin);
      if (end == std::string_view::npos || end == begin || text[begin] == ' ' || text[end - 1] == ' ') continue;
      const std::string_view inside = text.substr(begin, end - begin);
      out += escape_xml(text.substr(plain, i - plain));
      out += concat("<", tag, ">", tag == "code" ? escape_xml(inside) : inline_markup(inside), "</", tag, ">");
      plain = next = end + sign.size();
      break;
    }
    i = next;
  }
  return out + escape_xml(text.substr(plain));
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (size_t j = 0; j < 4; ++j) out += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

}  // namespace sextant
