// Configs describe themselves once. A config is an aggregate with a static `fields()`, a tuple of `Field`s; from that
// one list come TOML and JSON (both ways), `--set a.b=1`, the fingerprint of a run and the text of --help:
//
//   struct AdamConfig {
//     double lr = 1e-3;  // learning rate after warm-up
//     static constexpr auto fields() {
//       return std::tuple{Field{"lr", &AdamConfig::lr, "learning rate after warm-up", positive()}};
//     }
//   };
//
// A member may be a bool, an integer (int64_t), a double, a string, a vector of these, an enum with
// `constexpr auto enum_names(E)`, another config, or a std::variant of configs. Each alternative of a variant carries
// `static constexpr Tag kTag{"family", "vae"}`: the key and the value that choose it.
// Policy: an unknown key, a value of another type or one outside its range is a UsageError that names the remedy;
// nothing is repaired or ignored.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/base/json.h"

namespace sextant {

// Admissible values of a number: [min, max], or (min, max] where `above_min`.
struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool above_min = false;
};
constexpr Range any() { return {}; }
constexpr Range positive() { return {.min = 0.0, .above_min = true}; }
constexpr Range at_least(double min) { return {.min = min}; }
constexpr Range between(double min, double max) { return {.min = min, .max = max}; }

template <class Owner, class T>
struct Field {
  const char* name;
  T Owner::*member;
  const char* text;     // what it is, with its unit: a line of --help
  Range range = any();  // of a number, or of each number of a vector
};
template <class Owner, class T>
Field(const char*, T Owner::*, const char*) -> Field<Owner, T>;
template <class Owner, class T>
Field(const char*, T Owner::*, const char*, Range) -> Field<Owner, T>;

struct Tag {
  const char* key;
  const char* value;
};

template <class T>
concept Config = requires {
  T::fields();
};
template <class T>
concept NamedEnum = std::is_enum_v<T> && requires(T e) {
  enum_names(e);
};

// One line of help: path ("train.epochs"), type ("integer"), default and text.
struct FieldHelp {
  std::string path, type, value, text;
};

namespace fields_detail {

template <class T>
struct IsVariant : std::false_type {};
template <class... Ts>
struct IsVariant<std::variant<Ts...>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

// Throws the UsageErrors; in fields.cpp, so that they cost no template.
[[noreturn]] void unknown_key(std::string_view path, std::string_view key, const std::vector<std::string>& known);
[[noreturn]] void wrong_type(std::string_view path, std::string_view wanted, const Json& got);
[[noreturn]] void unknown_choice(std::string_view path, std::string_view got, const std::vector<std::string>& known);
void check_range(std::string_view path, double value, const Range& range);
std::string join(std::string_view path, std::string_view key);
std::string choices(const std::vector<std::string>& names);

template <class E>
std::vector<std::string> names_of() {
  std::vector<std::string> names;
  for (const auto& [value, name] : enum_names(E{})) names.emplace_back(name);
  return names;
}

}  // namespace fields_detail

template <NamedEnum E>
std::string to_string(E value) {
  for (const auto& [v, name] : enum_names(value))
    if (v == value) return name;
  throw Error("[fields] an enum value without a name");
}

// The value as JSON, members in the order of fields().
template <class T>
Json to_json(const T& value) {
  if constexpr (Config<T>) {
    Json json = Json::object();
    std::apply([&](const auto&... field) { ((json[field.name] = to_json(value.*field.member)), ...); }, T::fields());
    return json;
  } else if constexpr (fields_detail::IsVariant<T>::value) {
    return std::visit(
        []<class A>(const A& alternative) {
          Json json = Json::object();
          json[A::kTag.key] = A::kTag.value;
          json.update(to_json(alternative));
          return json;
        },
        value);
  } else if constexpr (NamedEnum<T>) {
    return to_string(value);
  } else if constexpr (fields_detail::IsVector<T>::value) {
    Json json = Json::array();
    for (const auto& item : value) json.push_back(to_json(item));
    return json;
  } else {
    return value;
  }
}

// Overwrites in `value` what `json` names and leaves the rest. `path` stands before the names in errors.
template <class T>
void assign(T& value, const Json& json, std::string_view path = {}, const Range& range = any()) {
  using namespace fields_detail;
  if constexpr (Config<T>) {
    if (!json.is_object()) wrong_type(path, "a table", json);
    for (const auto& [name, value_of] : json.items()) {
      const std::string& key = name;
      const Json& item = value_of;  // a lambda captures no structured binding before clang 16
      bool found = false;
      std::apply(
          [&](const auto&... field) {
            ((key == field.name ? (found = true, assign(value.*field.member, item, join(path, key), field.range))
                                : void()),
             ...);
          },
          T::fields());
      if (!found) {
        std::vector<std::string> known;
        std::apply([&](const auto&... field) { (known.emplace_back(field.name), ...); }, T::fields());
        unknown_key(path, key, known);
      }
    }
  } else if constexpr (IsVariant<T>::value) {
    if (!json.is_object()) wrong_type(path, "a table", json);
    []<class... As>(std::variant<As...>& variant, const Json& from, std::string_view at) {
      const char* tag_key = std::variant_alternative_t<0, std::variant<As...>>::kTag.key;
      Json rest = from;
      if (from.contains(tag_key)) {
        const Json tag = from[tag_key];
        if (!tag.is_string()) wrong_type(join(at, tag_key), "a string", tag);
        bool found = false;
        const auto choose = [&]<class A>(std::type_identity<A>) {
          if (tag.get<std::string>() != A::kTag.value) return;
          found = true;
          if (!std::holds_alternative<A>(variant)) variant = A{};
        };
        (choose(std::type_identity<As>{}), ...);
        if (!found) unknown_choice(join(at, tag_key), tag.get<std::string>(), {As::kTag.value...});
        rest.erase(tag_key);
      }
      std::visit([&](auto& alternative) { assign(alternative, rest, at); }, variant);
    }(value, json, path);
  } else if constexpr (NamedEnum<T>) {
    if (!json.is_string()) wrong_type(path, "one of " + choices(names_of<T>()), json);
    const auto name = json.get<std::string>();
    for (const auto& [v, known] : enum_names(value))
      if (name == known) {
        value = v;
        return;
      }
    unknown_choice(path, name, names_of<T>());
  } else if constexpr (IsVector<T>::value) {
    if (!json.is_array()) wrong_type(path, "a list", json);
    T items;
    for (const Json& item : json) {
      typename T::value_type one{};
      assign(one, item, path, range);
      items.push_back(one);
    }
    value = std::move(items);
  } else if constexpr (std::same_as<T, bool>) {
    if (!json.is_boolean()) wrong_type(path, "true or false", json);
    value = json.get<bool>();
  } else if constexpr (std::same_as<T, int64_t>) {
    if (!json.is_number_integer()) wrong_type(path, "an integer", json);
    check_range(path, json.get<double>(), range);
    value = json.get<int64_t>();
  } else if constexpr (std::same_as<T, double>) {
    if (!json.is_number()) wrong_type(path, "a number", json);
    check_range(path, json.get<double>(), range);
    value = json.get<double>();
  } else {
    static_assert(std::same_as<T, std::string>, "a config member must be one of the kinds that fields.h lists");
    if (!json.is_string()) wrong_type(path, "a string", json);
    value = json.get<std::string>();
  }
}

// Parses one `path=value` ("train.epochs=3"); the value is read as TOML, a bare word as a string.
Json parse_setting(std::string_view setting);

// Applies one `path=value` to a config.
template <class T>
void set(T& value, std::string_view setting) {
  assign(value, parse_setting(setting));
}

// Hash of all fields and of a format version: 16 hex digits. Equal configs have equal fingerprints on every machine.
std::string fingerprint(const Json& config);

// Help for every field of T, with the defaults of `value`, depth first. A variant lists the alternative that it holds.
template <class T>
void describe(const T& value, std::vector<FieldHelp>& out, const std::string& path = {}, const char* text = "") {
  using namespace fields_detail;
  if constexpr (Config<T>) {
    std::apply(
        [&](const auto&... field) { (describe(value.*field.member, out, join(path, field.name), field.text), ...); },
        T::fields());
  } else if constexpr (IsVariant<T>::value) {
    std::visit(
        [&]<class A>(const A& alternative) {
          out.push_back({join(path, A::kTag.key), "choice", A::kTag.value, text});
          describe(alternative, out, path);
        },
        value);
  } else {
    std::string type = "string";
    if constexpr (NamedEnum<T>)
      type = choices(names_of<T>());
    else if constexpr (IsVector<T>::value)
      type = "list";
    else if constexpr (std::same_as<T, bool>)
      type = "true or false";
    else if constexpr (std::same_as<T, int64_t>)
      type = "integer";
    else if constexpr (std::same_as<T, double>)
      type = "number";
    out.push_back({path, type, to_json(value).dump(), text});
  }
}

}  // namespace sextant
