// Just enough of the ZIP format (PKWARE's APPNOTE 6.3) to read archives whose members are stored as they are, which is
// how PyTorch writes its files; with ZIP64, which it always uses. Nothing is written by a path that the archive names.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace sextant {

// True when the bytes begin as a ZIP archive does.
bool is_zip(std::string_view bytes);

// The members by their full names; the contents point into `archive`. Throws Error naming `source` when the archive is
// cut short or damaged (every CRC-32 is checked), a member is compressed or encrypted, or a name comes twice.
std::map<std::string, std::string_view> read_stored_zip(std::string_view archive, std::string_view source);

}  // namespace sextant
