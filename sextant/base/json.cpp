#include "sextant/base/json.h"

#include <toml++/toml.h>

#include "sextant/base/check.h"

namespace sextant {
namespace {

constexpr int kMaxDepth = 64;

Json from_toml(const toml::node& node, std::string_view source, int depth) {
  SEXTANT_USAGE_CHECK(depth < kMaxDepth, "[toml] ", source, ": tables nest deeper than ", kMaxDepth, "; flatten them");
  if (const auto* table = node.as_table()) {
    Json json = Json::object();
    for (const auto& [key, value] : *table) json[std::string(key.str())] = from_toml(value, source, depth + 1);
    return json;
  }
  if (const auto* array = node.as_array()) {
    Json json = Json::array();
    for (const auto& value : *array) json.push_back(from_toml(value, source, depth + 1));
    return json;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* integer = node.as_integer()) return integer->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* truth = node.as_boolean()) return truth->get();
  throw UsageError(concat("[toml] ", source, " line ", node.source().begin.line,
                          ": dates and times mean nothing here; write a number or a string"));
}

// Past the end of the quoted text that begins at `i`: in one quote and on one line, or in three.
size_t after_quoted(std::string_view text, size_t i) {
  const char quote = text[i];
  const std::string three(3, quote);
  const bool long_text = text.substr(i, 3) == three;
  for (i += long_text ? 3 : 1; i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (long_text && text.substr(i, 3) == three) {
      return text.find_first_not_of(quote, i);  // two more may belong to the text itself
    } else if (!long_text && (text[i] == quote || text[i] == '\n')) {
      return i + 1;
    }
  }
  return text.size();
}

// The parser bounds how deep values nest, not how many parts a key has; each becomes a table in the one before.
void check_keys(std::string_view text, std::string_view source) {
  int dots = 0;
  for (size_t i = 0; i < text.size();) {  // npos, where nothing follows, ends it as well
    const char c = text[i];
    if (c == '"' || c == '\'') {
      i = after_quoted(text, i);
      continue;
    }
    if (c == '#') {
      i = text.find('\n', i);
      continue;
    }
    if (c == '.') {
      SEXTANT_USAGE_CHECK(++dots < kMaxDepth, "[toml] ", source, ": a key has more than ", kMaxDepth,
                          " parts; tables do not nest so deep here");
    }
    if (std::string_view("\n,={}[]").find(c) != std::string_view::npos) dots = 0;
    ++i;
  }
}

}  // namespace

Json parse_toml(std::string_view text, std::string_view source) {
  check_keys(text, source);
  try {
    return from_toml(toml::parse(text, source), source, 0);
  } catch (const toml::parse_error& error) {
    throw UsageError(concat("[toml] ", source, " line ", error.source().begin.line, ", column ",
                            error.source().begin.column, ": ", error.description()));
  }
}

Json parse_json(std::string_view text, std::string_view source) {
  // The parser's own recursion is bounded by the callback, which sees the depth before a value is built.
  bool too_deep = false;
  const Json::parser_callback_t guard = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  try {
    Json json = Json::parse(text.begin(), text.end(), guard);
    SEXTANT_CHECK(!too_deep, "[json] ", source, ": nests deeper than ", kMaxDepth,
                  "; it was not written by this program");
    return json;
  } catch (const Json::exception& error) {
    throw Error(concat("[json] ", source, ": ", error.what()));
  }
}

}  // namespace sextant
