// Runs every fuzz target over its corpus and over a fixed number of mutations of it: the same ones on every machine.
//   fuzz_driver CORPUS [mutations of each target]
// An input that a target neither takes nor refuses with sextant::Error ends the program: by the exception (its input is
// written down) or by the signal.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/base/files.h"

namespace {

namespace fs = std::filesystem;

struct Target {
  const char* name;
  int (*run)(const uint8_t*, size_t);
};

}  // namespace

#include "targets.inc"  // kTargets, from CMakeLists.txt

namespace {

constexpr int kMutations = 40000;  // of each target
constexpr int kMostChanges = 4;    // of an input
constexpr unsigned char kNastyBytes[] = {0, 1, 0x7f, 0x80, 0xff, '"', '[', '{', '9', '-'};

// splitmix64 (Steele, Lea, Flood 2014).
class Dice {
 public:
  size_t below(size_t n) {
    uint64_t x = state_ += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return static_cast<size_t>((x ^ (x >> 31)) % n);
  }

 private:
  uint64_t state_ = 1;
};

void change(std::string& bytes, const std::string& other, Dice& dice) {
  const size_t at = dice.below(bytes.size() + 1), length = dice.below(16) + 1;
  switch (bytes.empty() ? 3 : dice.below(6)) {
    case 0:
      bytes[at % bytes.size()] ^= static_cast<char>(1 << dice.below(8));
      break;
    case 1:
      bytes[at % bytes.size()] = static_cast<char>(kNastyBytes[dice.below(std::size(kNastyBytes))]);
      break;
    case 2:
      bytes.resize(at);
      break;
    case 3:
      bytes.insert(at, length, static_cast<char>(kNastyBytes[dice.below(std::size(kNastyBytes))]));
      break;
    case 4:
      bytes.erase(at, length);
      break;
    default:
      bytes = bytes.substr(0, at) + other.substr(std::min(other.size(), dice.below(other.size() + 1)));
      break;
  }
}

void run(const Target& target, const std::string& bytes, const std::string& what) {
  try {
    target.run(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  } catch (const std::exception& error) {
    const std::string file = sextant::concat("crash-", target.name);
    sextant::write_file(file, bytes);
    throw sextant::Error(
        sextant::concat("[fuzz] ", target.name, ", ", what, ": ", error.what(), "; the input is in ", file));
  }
}

void run_all(const Target& target, const fs::path& folder, int mutations) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::ranges::sort(files);
  SEXTANT_CHECK(!files.empty(), "[fuzz] ", folder.string(), " holds no input");
  std::vector<std::string> corpus;
  for (const fs::path& file : files) run(target, corpus.emplace_back(sextant::read_file(file)), file.string());
  run(target, "", "no bytes");
  Dice dice;
  for (int i = 0; i < mutations; ++i) {
    std::string bytes = corpus[dice.below(corpus.size())];
    for (size_t changes = dice.below(kMostChanges) + 1; changes > 0; --changes)
      change(bytes, corpus[dice.below(corpus.size())], dice);
    run(target, bytes, sextant::concat("mutation ", i));
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    SEXTANT_CHECK(argc >= 2, "[fuzz] usage: fuzz_driver CORPUS [mutations]");
    const int mutations = argc > 2 ? std::stoi(argv[2]) : kMutations;
    for (const Target& target : kTargets) {
      std::printf("%s", target.name);
      std::fflush(stdout);
      const auto start = std::chrono::steady_clock::now();
      run_all(target, fs::path(argv[1]) / target.name, mutations);
      const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
      std::printf(": %d mutations in %.2f s\n", mutations, wall.count());
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "\n%s\n", error.what());
    return 1;
  }
}
