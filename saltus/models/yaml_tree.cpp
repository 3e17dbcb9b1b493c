#include "saltus/models/yaml_tree.hpp"

#include <cmath>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"

namespace saltus {

namespace {

constexpr std::size_t most_nodes = 40'000'000, deepest = 16, most_bytes = std::size_t{1} << 30;

std::uint32_t line_of(const YAML::Mark& mark) { return static_cast<std::uint32_t>(mark.line + 1); }

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(YamlNode& root, const std::string& source) : root_(root), source_(source) {}
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(YamlNode::Kind::null, mark, anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
    add(YamlNode::Kind::scalar, mark, anchor).text = value;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(add(YamlNode::Kind::sequence, mark, anchor), mark);
  }
  void OnSequenceEnd() override { path_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(add(YamlNode::Kind::map, mark, anchor), mark);
  }
  void OnMapEnd() override { path_.pop_back(); }

 private:
  [[noreturn]] void refuse_anchor(const YAML::Mark& mark) const {
    throw Error(ErrorKind::unsupported, fmt::format("{}, line {}: anchors and aliases of YAML are not read", source_, line_of(mark)));
  }
  YamlNode& add(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor) refuse_anchor(mark);
    if (++nodes_ > most_nodes) throw Error(ErrorKind::format, fmt::format("{}, line {}: more than {} values", source_, line_of(mark), most_nodes));
    YamlNode& node = path_.empty() ? root_ : path_.back()->items.emplace_back();
    node.kind = kind;
    node.line = line_of(mark);
    return node;
  }
  // Only the innermost open node grows, so that pointers to the others stay good.
  void open(YamlNode& node, const YAML::Mark& mark) {
    if (path_.size() >= deepest) throw Error(ErrorKind::format, fmt::format("{}, line {}: nested deeper than {}", source_, line_of(mark), deepest));
    path_.push_back(&node);
  }

  YamlNode& root_;
  const std::string& source_;
  std::vector<YamlNode*> path_;
  std::size_t nodes_ = 0;
};

const char* name_of(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::null: return "nothing";
    case YamlNode::Kind::scalar: return "a value";
    case YamlNode::Kind::sequence: return "a list";
    default: return "a map";
  }
}

}  // namespace

YamlTree parse_yaml(std::string_view bytes, const std::string& source) {
  if (bytes.size() > most_bytes) throw Error(ErrorKind::unsupported, fmt::format("{}: YAML of more than 1 GiB is not read", source));
  if (bytes.find('\0') != std::string_view::npos) throw Error(ErrorKind::format, source + ": not a text file");
  YamlTree tree;
  tree.source = source;
  try {
    std::istringstream stream{std::string(bytes)};
    YAML::Parser parser(stream);
    TreeBuilder builder(tree.root, source);
    if (!parser.HandleNextDocument(builder)) throw Error(ErrorKind::format, source + ": an empty YAML document");
    YamlNode second;
    TreeBuilder ignored(second, source);
    if (parser.HandleNextDocument(ignored)) throw Error(ErrorKind::unsupported, source + ": several YAML documents in one file are not read");
  } catch (const YAML::Exception& error) {
    std::string what = error.msg;
    for (char& c : what)
      if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126) c = '?';
    throw Error(ErrorKind::format, fmt::format("{}, line {}: not YAML: {}", source, line_of(error.mark), what));
  }
  return tree;
}

void refuse(const YamlTree& tree, const YamlNode& node, const std::string& what) {
  throw Error(ErrorKind::format, fmt::format("{}, line {}: {}", tree.source, node.line, what));
}

const YamlNode* find(const YamlTree& tree, const YamlNode& map, std::string_view key) {
  if (map.kind != YamlNode::Kind::map) refuse(tree, map, fmt::format("expected a map with '{}', found {}", key, name_of(map.kind)));
  const YamlNode* found = nullptr;
  for (std::size_t k = 0; k + 1 < map.items.size(); k += 2)
    if (map.items[k].kind == YamlNode::Kind::scalar && map.items[k].text == key) {
      if (found) refuse(tree, map.items[k], fmt::format("'{}' is there twice", key));
      found = &map.items[k + 1];
    }
  return found;
}

const YamlNode& require(const YamlTree& tree, const YamlNode& map, std::string_view key) {
  const YamlNode* const found = find(tree, map, key);
  if (!found) refuse(tree, map, fmt::format("'{}' is missing", key));
  return *found;
}

double as_double(const YamlTree& tree, const YamlNode& node) {
  const auto value = node.kind == YamlNode::Kind::scalar ? parse_double(node.text) : std::nullopt;
  if (!value || !std::isfinite(*value)) refuse(tree, node, fmt::format("expected a finite number, found {}", name_of(node.kind)));
  return *value;
}

std::int64_t as_int(const YamlTree& tree, const YamlNode& node, std::int64_t low, std::int64_t high) {
  const auto value = node.kind == YamlNode::Kind::scalar ? parse_int(node.text) : std::nullopt;
  if (!value || *value < low || *value > high) refuse(tree, node, fmt::format("expected a whole number from {} to {}", low, high));
  return *value;
}

std::string as_text(const YamlTree& tree, const YamlNode& node) {
  if (node.kind != YamlNode::Kind::scalar) refuse(tree, node, fmt::format("expected a word, found {}", name_of(node.kind)));
  return node.text;
}

std::vector<double> as_doubles(const YamlTree& tree, const YamlNode& node) {
  if (node.kind != YamlNode::Kind::sequence) refuse(tree, node, fmt::format("expected a list of numbers, found {}", name_of(node.kind)));
  std::vector<double> values;
  values.reserve(node.items.size());
  for (const YamlNode& item : node.items) values.push_back(as_double(tree, item));
  return values;
}

std::vector<int> as_ints(const YamlTree& tree, const YamlNode& node, int low, int high) {
  if (node.kind != YamlNode::Kind::sequence) refuse(tree, node, fmt::format("expected a list of whole numbers, found {}", name_of(node.kind)));
  std::vector<int> values;
  values.reserve(node.items.size());
  for (const YamlNode& item : node.items) values.push_back(static_cast<int>(as_int(tree, item, low, high)));
  return values;
}

}  // namespace saltus
