// Just enough of the tar format (POSIX.1-2001) to take known files out of a known archive. Nothing is written by a path
// that the archive names.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sextant {

// The contents of the regular files whose name without folders is a key of `wanted` (name -> bytes). Other members are
// passed over. The contents point into `archive`. Throws Error naming `source` when a header is damaged, a member
// reaches beyond the end, a wanted file is missing, comes twice, or has another size.
std::map<std::string, std::string_view> untar(std::string_view archive, const std::map<std::string, int64_t>& wanted,
                                              std::string_view source);

}  // namespace sextant
