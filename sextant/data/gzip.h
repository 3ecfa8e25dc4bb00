// gzip files in memory. The caller says how long the content may become, so that a small file can't fill the memory.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sextant {

// True when the bytes begin as a gzip file does.
bool is_gzip(std::string_view bytes);

// The content, all members of it. Throws Error when the file is cut short or damaged (its CRC-32 and length are
// checked), has something after its end, or has a content of more than `max_bytes`. `source` names the file in errors.
std::string gunzip(std::string_view bytes, size_t max_bytes, std::string_view source);

// The first bytes of the content, `count` of them or all where it has fewer. The rest is not looked at.
std::string gunzip_head(std::string_view bytes, size_t count, std::string_view source);

}  // namespace sextant
