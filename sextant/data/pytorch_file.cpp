#include "sextant/data/pytorch_file.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "sextant/base/check.h"
#include "sextant/base/little_endian.h"
#include "sextant/data/pickle.h"
#include "sextant/data/zip.h"

namespace sextant {
namespace {

using Kind = PickleValue::Kind;

// The pickle of the number that the old form begins with.
constexpr std::string_view kMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
constexpr int64_t kOldProtocol = 1001;
constexpr size_t kMaxRank = 64, kMaxTensors = 20000;
constexpr size_t kMostShared = 8;  // tensors may share storage; together they are at most so many times the file

constexpr std::pair<std::string_view, std::string_view> kStorages[] = {
    {"torch FloatStorage", "F32"},     {"torch DoubleStorage", "F64"}, {"torch HalfStorage", "F16"},
    {"torch BFloat16Storage", "BF16"}, {"torch LongStorage", "I64"},   {"torch IntStorage", "I32"},
    {"torch ShortStorage", "I16"},     {"torch CharStorage", "I8"},    {"torch ByteStorage", "U8"},
    {"torch BoolStorage", "BOOL"}};

struct Storage {
  std::string dtype;
  int64_t numel = 0;
  std::string_view bytes;
};

struct Layout {
  int64_t offset = 0;  // elements, as the strides
  std::vector<int64_t> shape, strides;
};

// A dictionary of tensors as its pickle describes it, and the storages that it names.
class StateDict {
 public:
  StateDict(const Pickle& pickle, std::string_view source) : pickle_(pickle), source_(source) {
    const PickleValue& root = pickle[pickle.root];
    SEXTANT_CHECK(is_dictionary(root), "[pytorch] ", source,
                  " holds no dictionary of tensors; save one: ", "torch.save(model.state_dict(), file)");
    for (const PickleValue& value : pickle.values)  // of tensors that are passed over, too: the old form lists them all
      if (value.kind == Kind::kPersistent) parse_storage(value);
    for (const auto& [key, value] : entries_of(root)) {
      const PickleValue* tensor = tensor_call(pickle[value]);
      if (pickle[key].kind != Kind::kText || tensor == nullptr) continue;
      const std::string& name = pickle[key].text;
      SEXTANT_CHECK(tensors_.emplace(name, parse_tensor(*tensor)).second, "[pytorch] ", source, ": ", name,
                    " comes twice");
    }
    SEXTANT_CHECK(tensors_.size() <= kMaxTensors, "[pytorch] ", source, " holds more than ", kMaxTensors, " tensors");
    SEXTANT_CHECK(!tensors_.empty(), "[pytorch] ", source,
                  " holds no tensors by name; save the state dict alone: ", "torch.save(model.state_dict(), file)");
  }

  struct Tensor {
    Storage* storage;
    Layout layout;
  };
  const std::map<std::string, Tensor>& tensors() const { return tensors_; }
  std::map<std::string, Storage>& storages() { return storages_; }

 private:
  void require(bool sound) const {
    SEXTANT_CHECK(sound, "[pytorch] ", source_, ": a tensor's description is damaged; save the file again");
  }
  const PickleValue& item(const PickleValue& value, size_t i) const {
    require(i < value.items.size());
    return pickle_[value.items[i]];
  }
  // What is called, by "module name"; empty for other values.
  std::string_view callee(const PickleValue& value) const {
    return value.kind == Kind::kCall ? std::string_view(item(value, 0).text) : std::string_view();
  }
  bool is_dictionary(const PickleValue& value) const {
    return value.kind == Kind::kDictionary || callee(value) == "collections OrderedDict";
  }
  // Keys and values. Python 2 pickled an OrderedDict as a call with a list of pairs.
  std::vector<std::pair<uint32_t, uint32_t>> entries_of(const PickleValue& dictionary) const {
    auto entries = dictionary.entries;
    if (dictionary.kind != Kind::kCall || item(dictionary, 1).items.empty()) return entries;
    for (const uint32_t place : item(item(dictionary, 1), 0).items) {
      require(pickle_[place].items.size() == 2);
      entries.emplace_back(pickle_[place].items[0], pickle_[place].items[1]);
    }
    return entries;
  }
  // The call that makes a tensor, or null for a value that is none. A parameter is a tensor in a wrapper.
  const PickleValue* tensor_call(const PickleValue& value) const {
    const std::string_view name = callee(value);
    if (name == "torch._utils _rebuild_tensor_v2") return &value;
    if (name == "torch._utils _rebuild_parameter" &&
        callee(item(item(value, 1), 0)) == "torch._utils _rebuild_tensor_v2")
      return &item(item(value, 1), 0);
    SEXTANT_CHECK(
        name.empty() || is_dictionary(value), "[pytorch] ", source_, " asks for '", name,
        "', which is no tensor; nothing is run. Save the state dict alone: ", "torch.save(model.state_dict(), file)");
    return nullptr;
  }
  int64_t integer(const PickleValue& value) const {
    require(value.kind == Kind::kInteger && value.number >= 0);
    return value.number;
  }
  std::vector<int64_t> integers(const PickleValue& value) const {
    require(value.kind == Kind::kSequence && value.items.size() <= kMaxRank);
    std::vector<int64_t> numbers;
    for (const uint32_t place : value.items) numbers.push_back(integer(pickle_[place]));
    return numbers;
  }

  // (storage, offset, shape, strides, requires_grad, hooks)
  Tensor parse_tensor(const PickleValue& call) {
    const PickleValue& arguments = item(call, 1);
    Tensor tensor{.storage = parse_storage(item(arguments, 0)),
                  .layout = {.offset = integer(item(arguments, 1)),
                             .shape = integers(item(arguments, 2)),
                             .strides = integers(item(arguments, 3))}};
    require(tensor.layout.shape.size() == tensor.layout.strides.size());
    return tensor;
  }

  // ("storage", type, key, device, elements[, view])
  Storage* parse_storage(const PickleValue& value) {
    require(value.kind == Kind::kPersistent);
    const PickleValue& id = item(value, 0);
    require(item(id, 0).kind == Kind::kText && item(id, 0).text == "storage" && item(id, 1).kind == Kind::kName &&
            item(id, 2).kind == Kind::kText);
    require(id.items.size() < 6 || item(id, 5).kind == Kind::kNone);
    const std::string& type = item(id, 1).text;
    const auto* row = std::ranges::find(kStorages, std::string_view(type), [](const auto& r) { return r.first; });
    SEXTANT_CHECK(row != std::end(kStorages), "[pytorch] ", source_, " holds elements of the type '", type,
                  "', which this program does not know");
    Storage& storage = storages_[item(id, 2).text];
    const Storage described{.dtype = std::string(row->second), .numel = integer(item(id, 4)), .bytes = {}};
    require(storage.dtype.empty() || (storage.dtype == described.dtype && storage.numel == described.numel));
    storage = described;
    return &storage;
  }

  const Pickle& pickle_;
  std::string_view source_;
  std::map<std::string, Storage> storages_;  // by key
  std::map<std::string, Tensor> tensors_;
};

int64_t storage_bytes(const Storage& storage, std::string_view source) {
  int64_t bytes = 0;
  SEXTANT_CHECK(!__builtin_mul_overflow(storage.numel, safetensors_type_size(storage.dtype), &bytes), "[pytorch] ",
                source, ": a storage has an impossible size");
  return bytes;
}

// Since PyTorch 1.6: an archive with NAME/data.pkl and NAME/data/KEY.
StateDict read_zip(std::string_view bytes, Pickle& pickle, std::string_view source) {
  const auto members = read_stored_zip(bytes, source);
  constexpr std::string_view kPickle = "/data.pkl";
  const auto found = std::ranges::find_if(members, [&](const auto& m) { return m.first.ends_with(kPickle); });
  SEXTANT_CHECK(found != members.end(), "[pytorch] ", source,
                " is an archive without a data.pkl: no file of torch.save");
  const std::string prefix = found->first.substr(0, found->first.size() - kPickle.size());
  const auto order = members.find(prefix + "/byteorder");
  SEXTANT_CHECK(order == members.end() || order->second == "little", "[pytorch] ", source,
                " was written on a machine with another byte order; save it again on one like this");
  std::string_view description = found->second;
  pickle = take_pickle(description, source);
  StateDict state(pickle, source);
  for (auto& [key, storage] : state.storages()) {
    const auto member = members.find(concat(prefix, "/data/", key));
    SEXTANT_CHECK(
        member != members.end() && static_cast<int64_t>(member->second.size()) == storage_bytes(storage, source),
        "[pytorch] ", source, ": the bytes of storage ", key, " are missing or of another length");
    storage.bytes = member->second;
  }
  return state;
}

// Before: pickles of a number, a version, the machine's properties, the dictionary and the storages' keys, then for
// each key the number of elements and the elements.
StateDict read_old(std::string_view bytes, Pickle& pickle, std::string_view source) {
  bytes.remove_prefix(kMagic.size());
  pickle = take_pickle(bytes, source);
  SEXTANT_CHECK(pickle[pickle.root].number == kOldProtocol, "[pytorch] ", source, " has an unknown version");
  pickle = take_pickle(bytes, source);
  for (const auto& [key, value] : pickle[pickle.root].entries)
    SEXTANT_CHECK(pickle[key].text != "little_endian" || pickle[value].number == 1, "[pytorch] ", source,
                  " was written on a machine with another byte order; save it again on one like this");
  pickle = take_pickle(bytes, source);
  StateDict state(pickle, source);
  const Pickle keys = take_pickle(bytes, source);
  for (const uint32_t place : keys[keys.root].items) {
    const std::string& key = keys[place].text;
    const auto storage = state.storages().find(key);
    SEXTANT_CHECK(storage != state.storages().end(), "[pytorch] ", source, ": storage ", key, " belongs to no tensor");
    const auto size = static_cast<uint64_t>(storage_bytes(storage->second, source));
    SEXTANT_CHECK(bytes.size() >= 8 && size <= bytes.size() - 8, "[pytorch] ", source,
                  " is cut short; fetch or save it again");
    SEXTANT_CHECK(little_endian(bytes.substr(0, 8)) == static_cast<uint64_t>(storage->second.numel), "[pytorch] ",
                  source, ": storage ", key, " has two lengths; the file is damaged");
    storage->second.bytes = bytes.substr(8, size);
    bytes.remove_prefix(8 + size);
  }
  for (const auto& [key, storage] : state.storages())
    SEXTANT_CHECK(static_cast<int64_t>(storage.bytes.size()) == storage_bytes(storage, source), "[pytorch] ", source,
                  ": the bytes of storage ", key, " are missing");
  return state;
}

// Elements of a tensor; throws unless all lie in its storage and are no more than it has.
int64_t checked_numel(const StateDict::Tensor& tensor, const std::string& name, std::string_view source) {
  const auto& [offset, shape, strides] = tensor.layout;
  int64_t numel = 1, last = offset;
  bool sound = true;
  for (size_t d = 0; d < shape.size(); ++d) {
    int64_t step = 0;
    sound = sound && !__builtin_mul_overflow(numel, shape[d], &numel) &&
            !__builtin_mul_overflow(std::max<int64_t>(shape[d] - 1, 0), strides[d], &step) &&
            !__builtin_add_overflow(last, step, &last);
  }
  SEXTANT_CHECK(sound && numel <= tensor.storage->numel && (numel == 0 || last < tensor.storage->numel), "[pytorch] ",
                source, ": ", name, " reaches beyond its storage, or repeats it");
  return numel;
}

bool in_row_order(const Layout& layout) {
  int64_t expected = 1;
  for (size_t d = layout.shape.size(); d-- > 0;) {
    if (layout.shape[d] != 1 && layout.strides[d] != expected) return false;
    expected *= layout.shape[d];
  }
  return true;
}

// The elements in row order.
std::string gather(const Layout& layout, std::string_view storage, size_t element, int64_t numel) {
  std::string gathered(static_cast<size_t>(numel) * element, '\0');
  std::vector<int64_t> index(layout.shape.size(), 0);
  int64_t from = layout.offset;
  for (size_t to = 0; to < gathered.size(); to += element) {
    std::memcpy(gathered.data() + to, storage.data() + static_cast<size_t>(from) * element, element);
    for (size_t d = index.size(); d-- > 0;) {
      if (layout.shape[d] == 1) continue;  // its stride may be any number
      from += layout.strides[d];
      if (++index[d] < layout.shape[d]) break;
      from -= layout.strides[d] * layout.shape[d];
      index[d] = 0;
    }
  }
  return gathered;
}

}  // namespace

bool is_pytorch_file(std::string_view bytes) { return is_zip(bytes) || bytes.starts_with(kMagic); }

PytorchFile PytorchFile::parse(std::string bytes, std::string_view source) {
  SEXTANT_CHECK(is_pytorch_file(bytes), "[pytorch] ", source, " is no file of torch.save");
  PytorchFile file;
  file.bytes_ = std::make_shared<const std::string>(std::move(bytes));
  file.gathered_ = std::make_shared<std::deque<std::string>>();
  Pickle pickle;
  StateDict state =
      is_zip(*file.bytes_) ? read_zip(*file.bytes_, pickle, source) : read_old(*file.bytes_, pickle, source);
  size_t total = 0;
  for (const auto& [name, tensor] : state.tensors()) {
    const int64_t numel = checked_numel(tensor, name, source);
    const auto element = static_cast<size_t>(safetensors_type_size(tensor.storage->dtype));
    const size_t size = static_cast<size_t>(numel) * element;
    TensorEntry& entry =
        file.tensors_[name] = {.dtype = tensor.storage->dtype, .shape = tensor.layout.shape, .bytes = {}};
    if (numel == 0) continue;
    SEXTANT_CHECK((total += size) <= kMostShared * file.bytes_->size(), "[pytorch] ", source,
                  ": its tensors share storage, and take more than ", kMostShared, " times the memory of the file");
    if (in_row_order(tensor.layout)) {
      entry.bytes = tensor.storage->bytes.substr(static_cast<size_t>(tensor.layout.offset) * element, size);
      continue;
    }
    entry.bytes = file.gathered_->emplace_back(gather(tensor.layout, tensor.storage->bytes, element, numel));
  }
  return file;
}

}  // namespace sextant
