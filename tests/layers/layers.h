// The floors of the house against the #include lines: who includes a higher floor, or LibTorch where it is not seen,
// is named. The floors come from the sextant_floor() lines of CMakeLists.txt, so that they are said once.
#pragma once
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sextant::layers {

struct Floor {
  bool torch = false;           // may include LibTorch's headers
  std::set<std::string> below;  // every floor it may include, its own among them
  std::set<std::string> only;   // "families/model.h": of the folder families that header alone
};
using Floors = std::map<std::string, Floor>;

// Reads lines such as `nets torch=TRUE floors=tensor,kernels only=`, lowest floor first; what a floor's lower ones may
// include, it may include too. Throws std::runtime_error at a line of another form or a lower floor that is not known
// yet.
Floors read_floors(std::string_view text);

// The breaches in one file: `path` below sextant/ ("nets/mlp.h"), one sentence each.
std::vector<std::string> breaches(const Floors& floors, const std::string& path, std::string_view text);

// The breaches in every .h and .cpp below `folder` (the include root's sextant/).
std::vector<std::string> breaches_below(const Floors& floors, const std::filesystem::path& folder);

}  // namespace sextant::layers
