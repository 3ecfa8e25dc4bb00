// Python's pickle format (pickletools.py, protocols 0 to 2 as PyTorch writes them), read as data. A pickle is a program
// that builds objects by importing names and calling them; this reader imports and calls nothing. It says what would
// have been called with what, and its caller decides what that may mean.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sextant {

// What a value contains is given by places in Pickle::values. Lists and dictionaries can contain themselves.
struct PickleValue {
  enum class Kind {
    kNone,
    kInteger,     // number; a bool too
    kReal,        // not kept
    kText,        // text
    kSequence,    // items of a tuple or list
    kDictionary,  // entries
    kName,        // text: "module name", as "collections OrderedDict"
    kCall,        // items: what is called (a kName) and its arguments (a kSequence); entries: set on the result
    kPersistent,  // items: what names an object outside of the pickle
  };
  Kind kind = Kind::kNone;
  int64_t number = 0;
  std::string text;
  std::vector<uint32_t> items;
  std::vector<std::pair<uint32_t, uint32_t>> entries;  // key and value, in order
};

struct Pickle {
  std::vector<PickleValue> values;
  uint32_t root = 0;
  const PickleValue& operator[](uint32_t place) const { return values[place]; }
};

// Takes one pickle off the front of `bytes`. Throws Error naming `source` when it is damaged, cut short or longer than
// 2 MB, or holds an operation that data of texts, numbers, tuples, lists, dictionaries and calls has no use for.
Pickle take_pickle(std::string_view& bytes, std::string_view source);

}  // namespace sextant
