#include "tests/layers/layers.h"

#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace sextant::layers {
namespace {

std::set<std::string> split(const std::string& list) {
  std::set<std::string> parts;
  std::istringstream in(list);
  for (std::string part; std::getline(in, part, ',');) parts.insert(part);
  return parts;
}

std::string folder_of(const std::string& path) { return path.substr(0, path.find('/')); }

// What is wrong with `#include` of `header` in a file of the floor `own`; empty where nothing is.
std::string fault(const Floors& floors, const std::string& own, const std::string& header, bool quoted) {
  static const std::regex libtorch("(torch|ATen|c10|caffe2)/.*");
  const Floor& floor = floors.at(own);
  if (std::regex_match(header, libtorch)) return floor.torch ? "" : own + " sees no LibTorch";
  if (header.rfind("sextant/", 0) != 0) {
    return quoted && header != "sextant_build_info.h" ? "our own headers are included as \"sextant/...\"" : "";
  }
  const std::string target = header.substr(8);
  const std::string folder = folder_of(target);
  if (floor.below.count(folder) == 0) return own + " stands not above " + folder;
  for (const std::string& only : floor.only) {
    if (folder == folder_of(only) && floor.only.count(target) == 0) return own + " may include of it only " + only;
  }
  return "";
}

}  // namespace

Floors read_floors(std::string_view text) {
  static const std::regex form("(\\w+) torch=(\\w+) floors=([\\w,]*) only=([\\w/.,]*)");
  Floors floors;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, form)) throw std::runtime_error("no floor: " + line);
    Floor floor{match[2] == "TRUE", {match[1]}, split(match[4])};
    for (const std::string& lower : split(match[3])) {
      const auto known = floors.find(lower);
      if (known == floors.end()) throw std::runtime_error(match[1].str() + ": unknown lower floor " + lower);
      floor.below.insert(known->second.below.begin(), known->second.below.end());
    }
    floors[match[1]] = floor;
  }
  return floors;
}

std::vector<std::string> breaches(const Floors& floors, const std::string& path, std::string_view text) {
  static const std::regex include("\\s*#\\s*include\\s*([<\"])([^>\"]+)[>\"].*");
  const std::string own = folder_of(path);
  if (floors.count(own) == 0) return {"sextant/" + path + ": CMakeLists.txt names no floor " + own};
  std::vector<std::string> found;
  std::istringstream in{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    std::smatch match;
    if (!std::regex_match(line, match, include)) continue;
    const std::string what = fault(floors, own, match[2], match[1] == "\"");
    if (!what.empty()) {
      found.push_back("sextant/" + path + ":" + std::to_string(number) + ": includes " + match[2].str() + ", but " +
                      what);
    }
  }
  return found;
}

std::vector<std::string> breaches_below(const Floors& floors, const std::filesystem::path& folder) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".h" && entry.path().extension() != ".cpp") continue;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    const std::string path = entry.path().lexically_relative(folder).generic_string();
    for (std::string& breach : breaches(floors, path, text.str())) found.push_back(std::move(breach));
  }
  return found;
}

}  // namespace sextant::layers
