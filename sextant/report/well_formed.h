// A small check for tests: is a text well-formed as XML? Tags balance, attributes are quoted and named once, every &
// starts an entity, no control characters. HTML's void elements may stay open where `html`. Returns what is wrong, or
// nothing.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sextant {

inline std::string well_formed_text(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) return "control character";
    if (text[i] == '<') return "< in text";
    if (text[i] != '&') continue;
    const std::string_view name = text.substr(i + 1, text.substr(i).find(';') - 1);
    const std::set<std::string_view> known{"amp", "lt", "gt", "quot", "#39"};
    if (!known.contains(name)) return "bare &: " + std::string(name.substr(0, 20));
  }
  return "";
}

inline std::string well_formed_tag(std::string_view inside, std::string& name) {
  size_t i = std::min(inside.find_first_of(" /\n"), inside.size());
  name = inside.substr(0, i);
  if (name.empty()) return "tag without a name";
  std::set<std::string> seen;
  while (i < inside.size() && inside[i] != '/') {
    i = inside.find_first_not_of(" \n", i);
    if (i == std::string_view::npos || inside[i] == '/') break;
    const size_t equals = inside.find("=\"", i);
    if (equals == std::string_view::npos) return "attribute without quotes in <" + name;
    const size_t end = inside.find('"', equals + 2);
    if (end == std::string_view::npos) return "open attribute in <" + name;
    if (!seen.insert(std::string(inside.substr(i, equals - i))).second) return "attribute named twice in <" + name;
    if (const auto wrong = well_formed_text(inside.substr(equals + 2, end - equals - 2)); !wrong.empty()) return wrong;
    i = end + 1;
    if (i < inside.size() && inside[i] != ' ' && inside[i] != '/') return "no space between attributes of <" + name;
  }
  return "";
}

inline std::string well_formed(std::string_view text, bool html = false) {
  std::vector<std::string> open;
  if (html && text.starts_with("<!DOCTYPE html>")) text.remove_prefix(15);
  while (!text.empty()) {
    const size_t begin = text.find('<');
    const std::string_view words = text.substr(0, begin);
    const bool style = !open.empty() && open.back() == "style";
    if (const auto wrong = well_formed_text(style ? "" : words); !wrong.empty()) return wrong;
    if (open.empty() && words.find_first_not_of(" \n") != std::string_view::npos) return "text outside the root";
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin + 1);
    size_t end = 0;
    for (bool quoted = false; end < text.size() && (quoted || text[end] != '>'); ++end) quoted ^= text[end] == '"';
    if (end == text.size()) return "open tag";
    const std::string_view inside = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (inside.starts_with('/')) {
      if (open.empty() || open.back() != inside.substr(1)) return "unexpected </" + std::string(inside.substr(1)) + ">";
      open.pop_back();
      continue;
    }
    std::string name;
    if (const auto wrong = well_formed_tag(inside, name); !wrong.empty()) return wrong;
    const bool empty = html && (name == "meta" || name == "img" || name == "br");
    if (!empty && !inside.ends_with('/')) open.push_back(name);
  }
  return open.empty() ? "" : "never closed: <" + open.back();
}

}  // namespace sextant
