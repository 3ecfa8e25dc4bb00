// Text as pages, drawings and tables need it: escaped, encoded, wrapped.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sextant {

// Text that is safe between tags and inside quoted attributes of XML and HTML: & < > " ' become entities; bytes that
// are no UTF-8, and control characters that XML forbids, become U+FFFD.
std::string escape_xml(std::string_view text);

// Number of Unicode characters in UTF-8 text.
size_t character_count(std::string_view text);

// Breaks `text` at spaces into lines of at most `width` characters (longer words are cut), at most `max_lines` of them;
// the last ends in "…" when something is left over. Empty text gives no line.
std::vector<std::string> wrap(std::string_view text, size_t width, size_t max_lines);

// Escaped HTML in which **bold**, *emphasis* and `code` are marked up; a mark without its partner stays as it is.
std::string inline_markup(std::string_view text);

std::string base64(std::string_view bytes);

// A field of a CSV line, quoted where RFC 4180 asks for it.
std::string csv_field(std::string_view text);

}  // namespace sextant
