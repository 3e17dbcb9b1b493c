// A YAML document as a plain tree, for model files of ACE and GRACE. Inert and bounded: no tags mean anything, and anchors, aliases, merges
// of documents, deep nesting and more nodes than a model needs are refused, so that a small file cannot become a large tree.
// Reference: YAML 1.2; parsed by yaml-cpp, as LAMMPS' pace style does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace saltus {

struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, sequence, map };
  Kind kind = Kind::null;
  std::uint32_t line = 0;         ///< from 1
  std::string text;               ///< of a scalar
  std::vector<YamlNode> items;    ///< of a sequence; of a map keys and values in turn
};

struct YamlTree {
  YamlNode root;
  std::string source;  ///< for messages
};

/// Throws Error{format} with file and line for what is not YAML; Error{unsupported} for anchors, aliases and several documents.
YamlTree parse_yaml(std::string_view bytes, const std::string& source);

/// Throws Error{format}: "SOURCE, line N: what".
[[noreturn]] void refuse(const YamlTree& tree, const YamlNode& node, const std::string& what);

/// The value of a key of a map, or null. Throws Error{format} when `map` is none, or has the key twice.
const YamlNode* find(const YamlTree& tree, const YamlNode& map, std::string_view key);
/// The same; throws Error{format} when it is not there.
const YamlNode& require(const YamlTree& tree, const YamlNode& map, std::string_view key);

/// Numbers of scalars and sequences. All throw Error{format} for something else, for numbers that are not finite, out of range, or too many.
double as_double(const YamlTree& tree, const YamlNode& node);
std::int64_t as_int(const YamlTree& tree, const YamlNode& node, std::int64_t low, std::int64_t high);
std::string as_text(const YamlTree& tree, const YamlNode& node);
std::vector<double> as_doubles(const YamlTree& tree, const YamlNode& node);
std::vector<int> as_ints(const YamlTree& tree, const YamlNode& node, int low, int high);

}  // namespace saltus
