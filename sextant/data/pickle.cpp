#include "sextant/data/pickle.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "sextant/base/check.h"
#include "sextant/base/little_endian.h"

namespace sextant {
namespace {

using Kind = PickleValue::Kind;

constexpr char kStop = '.';
constexpr size_t kMaxBytes = size_t{2} << 20;  // some 10,000 tensors; a byte can ask for a value, which takes 100

// The machine that a pickle is written for, less everything that could run: a stack of values, and a memo of those that
// are asked for again.
class PickleReader {
 public:
  PickleReader(std::string_view bytes, std::string_view source) : bytes_(bytes), source_(source) {}

  Pickle read() {
    for (char code = take(1)[0]; code != kStop; code = take(1)[0]) run(code);
    require(stack_.size() == 1 && marks_.empty());
    pickle_.root = stack_[0];
    return std::move(pickle_);
  }
  size_t used() const { return at_; }

 private:
  void require(bool sound) const {
    SEXTANT_CHECK(sound, "[pickle] ", source_, " is damaged or cut short at byte ", at_, " of its description",
                  bytes_.size() == kMaxBytes ? ", or that is longer than the 2 MB that are read" : "");
  }

  std::string_view take(uint64_t count) {
    require(count <= bytes_.size() - at_);
    const std::string_view part = bytes_.substr(at_, count);
    at_ += count;
    return part;
  }
  uint64_t take_number(size_t bytes) { return little_endian(take(bytes)); }
  std::string take_line() {
    const size_t end = bytes_.find('\n', at_);
    require(end != std::string_view::npos);
    std::string line(take(end - at_));
    take(1);
    return line;
  }

  void push(PickleValue value) {
    stack_.push_back(static_cast<uint32_t>(pickle_.values.size()));
    pickle_.values.push_back(std::move(value));
  }
  void push_number(int64_t number) { push({.kind = Kind::kInteger, .number = number}); }
  void push_text(std::string_view text) { push({.kind = Kind::kText, .text = std::string(text)}); }
  PickleValue& top() {
    require(!stack_.empty());
    return pickle_.values[stack_.back()];
  }
  // The topmost `count` values, the deepest first.
  std::vector<uint32_t> pop_many(size_t count) {
    require(count <= stack_.size() - (marks_.empty() ? 0 : marks_.back()));
    std::vector<uint32_t> values(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return values;
  }
  std::vector<uint32_t> pop_to_mark() {
    require(!marks_.empty() && marks_.back() <= stack_.size());
    std::vector<uint32_t> values = pop_many(stack_.size() - marks_.back());
    marks_.pop_back();
    return values;
  }

  void push_sequence(std::vector<uint32_t> items) { push({.kind = Kind::kSequence, .items = std::move(items)}); }
  void append(const std::vector<uint32_t>& items) {
    require(top().kind == Kind::kSequence);
    top().items.insert(top().items.end(), items.begin(), items.end());
  }
  void set_items(const std::vector<uint32_t>& keys_and_values) {
    require(top().kind == Kind::kDictionary || top().kind == Kind::kCall);
    require(keys_and_values.size() % 2 == 0);
    for (size_t i = 0; i < keys_and_values.size(); i += 2)
      top().entries.emplace_back(keys_and_values[i], keys_and_values[i + 1]);
  }
  void push_call(std::vector<uint32_t> callee_and_arguments) {
    require(pickle_[callee_and_arguments[0]].kind == Kind::kName);
    require(pickle_[callee_and_arguments[1]].kind == Kind::kSequence);
    push({.kind = Kind::kCall, .items = std::move(callee_and_arguments)});
  }
  void remember(uint64_t place) {
    require(!stack_.empty());
    memo_[place] = stack_.back();
  }
  void recall(uint64_t place) {
    const auto found = memo_.find(place);
    require(found != memo_.end());
    stack_.push_back(found->second);
  }
  void push_long(std::string_view bytes) {
    require(bytes.size() <= 8);
    const auto unused = static_cast<unsigned>(64 - 8 * bytes.size());  // two's complement: the sign moves up
    push_number(bytes.empty() ? 0 : static_cast<int64_t>(little_endian(bytes) << unused) >> unused);
  }
  void check_protocol(uint64_t protocol) {
    SEXTANT_CHECK(protocol <= 2, "[pickle] ", source_, " has the pickle protocol ", protocol,
                  ", which PyTorch does not use by itself; save it again without pickle_protocol");
  }

  void push_name() {
    const std::string module = take_line();
    push({.kind = Kind::kName, .text = concat(module, " ", take_line())});
  }

  void run(char code) {
    using R = PickleReader;
    static constexpr struct {
      char code;
      const char* name;  // in pickletools
      void (*act)(R& r);
    } kOperations[] = {
        {'\x80', "PROTO", [](R& r) { r.check_protocol(r.take_number(1)); }},
        {'N', "NONE", [](R& r) { r.push({}); }},
        {'\x88', "NEWTRUE", [](R& r) { r.push_number(1); }},
        {'\x89', "NEWFALSE", [](R& r) { r.push_number(0); }},
        {'K', "BININT1", [](R& r) { r.push_number(static_cast<int64_t>(r.take_number(1))); }},
        {'M', "BININT2", [](R& r) { r.push_number(static_cast<int64_t>(r.take_number(2))); }},
        {'J', "BININT", [](R& r) { r.push_number(static_cast<int32_t>(r.take_number(4))); }},
        {'\x8a', "LONG1", [](R& r) { r.push_long(r.take(r.take_number(1))); }},
        {'G', "BINFLOAT", [](R& r) { r.take(8), r.push({.kind = Kind::kReal}); }},
        {'X', "BINUNICODE", [](R& r) { r.push_text(r.take(r.take_number(4))); }},
        {'U', "SHORT_BINSTRING", [](R& r) { r.push_text(r.take(r.take_number(1))); }},
        {'T', "BINSTRING", [](R& r) { r.push_text(r.take(r.take_number(4))); }},
        {'(', "MARK", [](R& r) { r.marks_.push_back(r.stack_.size()); }},
        {')', "EMPTY_TUPLE", [](R& r) { r.push_sequence({}); }},
        {'\x85', "TUPLE1", [](R& r) { r.push_sequence(r.pop_many(1)); }},
        {'\x86', "TUPLE2", [](R& r) { r.push_sequence(r.pop_many(2)); }},
        {'\x87', "TUPLE3", [](R& r) { r.push_sequence(r.pop_many(3)); }},
        {'t', "TUPLE", [](R& r) { r.push_sequence(r.pop_to_mark()); }},
        {']', "EMPTY_LIST", [](R& r) { r.push_sequence({}); }},
        {'a', "APPEND", [](R& r) { r.append(r.pop_many(1)); }},
        {'e', "APPENDS", [](R& r) { r.append(r.pop_to_mark()); }},
        {'}', "EMPTY_DICT", [](R& r) { r.push({.kind = Kind::kDictionary}); }},
        {'s', "SETITEM", [](R& r) { r.set_items(r.pop_many(2)); }},
        {'u', "SETITEMS", [](R& r) { r.set_items(r.pop_to_mark()); }},
        {'q', "BINPUT", [](R& r) { r.remember(r.take_number(1)); }},
        {'r', "LONG_BINPUT", [](R& r) { r.remember(r.take_number(4)); }},
        {'h', "BINGET", [](R& r) { r.recall(r.take_number(1)); }},
        {'j', "LONG_BINGET", [](R& r) { r.recall(r.take_number(4)); }},
        {'c', "GLOBAL", [](R& r) { r.push_name(); }},
        {'R', "REDUCE", [](R& r) { r.push_call(r.pop_many(2)); }},
        {'b', "BUILD", [](R& r) { r.pop_many(1); }},  // attributes, not kept
        {'Q', "BINPERSID", [](R& r) { r.push({.kind = Kind::kPersistent, .items = r.pop_many(1)}); }},
    };
    const auto* operation = std::ranges::find(kOperations, code, [](const auto& o) { return o.code; });
    SEXTANT_CHECK(
        operation != std::end(kOperations), "[pickle] ", source_, ": operation ",
        static_cast<int>(static_cast<unsigned char>(code)), " at byte ", at_ - 1,
        " has no place in a file of tensors. Save the state dict alone: ", "torch.save(model.state_dict(), file)");
    operation->act(*this);
  }

  std::string_view bytes_, source_;
  size_t at_ = 0;
  Pickle pickle_;
  std::vector<uint32_t> stack_;
  std::vector<size_t> marks_;  // heights of the stack
  std::unordered_map<uint64_t, uint32_t> memo_;
};

}  // namespace

Pickle take_pickle(std::string_view& bytes, std::string_view source) {
  PickleReader reader(bytes.substr(0, kMaxBytes), source);
  Pickle pickle = reader.read();
  bytes.remove_prefix(reader.used());
  return pickle;
}

}  // namespace sextant
