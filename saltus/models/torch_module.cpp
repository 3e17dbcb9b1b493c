#include "saltus/models/torch_module.hpp"

#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

// More attributes than any module has; names are looked up one by one.
constexpr std::size_t most_attributes = 10'000;

constexpr std::string_view sections[] = {"_parameters", "_buffers", "_modules"};

// "__torch__.mace.modules.models.___torch_mangle_136.MACE" → "mace.modules.models.MACE"
std::string undecorated(std::string_view name) {
  constexpr std::string_view script = "__torch__.", mangle = "___torch_mangle_";
  if (name.starts_with(script)) name.remove_prefix(script.size());
  std::string plain;
  while (!name.empty()) {
    const std::size_t dot = name.find('.');
    const std::string_view part = name.substr(0, dot);
    if (!part.starts_with(mangle)) {
      if (!plain.empty()) plain += '.';
      plain += part;
    }
    name.remove_prefix(dot == std::string_view::npos ? name.size() : dot + 1);
  }
  return plain;
}

template <class Stored>
std::vector<double> as_doubles(std::string_view bytes) {
  std::vector<double> values(bytes.size() / sizeof(Stored));
  for (std::size_t k = 0; k < values.size(); ++k) {
    Stored stored;
    std::memcpy(&stored, bytes.data() + k * sizeof stored, sizeof stored);
    values[k] = static_cast<double>(stored);
  }
  return values;
}

// The items of a tuple or list, or of the one tuple that an object of a class derived from tuple is made from.
const std::vector<PickleId>* tuple_items(const Pickle& pickle, PickleId id) {
  if (pickle.get<PickleList>(id) || pickle.get<PickleTuple>(id)) return pickle.items(id);
  const auto* const object = pickle.get<PickleObject>(id);
  if (!object) return nullptr;
  const auto* const arguments = pickle.items(object->arguments);
  if (arguments && arguments->size() == 1 && (pickle.get<PickleTuple>(arguments->front()) || pickle.get<PickleList>(arguments->front())))
    return pickle.items(arguments->front());
  return arguments;
}

// What torch.jit._pickle wraps a list in: build_intlist(list), restore_type_tag(list, type).
PickleId unwrapped(const Pickle& pickle, PickleId id) {
  const auto* const object = pickle.get<PickleObject>(id);
  if (!object || !pickle.class_name(id).starts_with("torch.jit._pickle.")) return id;
  const auto* const arguments = pickle.items(object->arguments);
  return arguments && !arguments->empty() ? arguments->front() : id;
}

// Bytes as protocol 2 writes them: _codecs.encode(text, 'latin1'), each character one byte.
std::optional<std::string> bytes_of(const Pickle& pickle, PickleId id) {
  if (const auto* const bytes = pickle.get<PickleBytes>(id)) return std::string(bytes->value);
  const auto* const object = pickle.get<PickleObject>(id);
  if (!object || pickle.class_name(id) != "_codecs.encode") return std::nullopt;
  const auto* const arguments = pickle.items(object->arguments);
  if (!arguments || arguments->size() != 2 || pickle.text((*arguments)[1]) != "latin1") return std::nullopt;
  const auto text = pickle.text(arguments->front());
  if (!text) return std::nullopt;
  std::string bytes;
  for (std::size_t k = 0; k < text->size(); ++k) {
    const auto byte = static_cast<std::uint8_t>((*text)[k]);
    if (byte < 0x80) {
      bytes += static_cast<char>(byte);
    } else {
      if ((byte != 0xc2 && byte != 0xc3) || k + 1 == text->size()) return std::nullopt;
      bytes += static_cast<char>(((byte & 3) << 6) | (static_cast<std::uint8_t>((*text)[++k]) & 0x3f));
    }
  }
  return bytes;
}

// Numbers of a numpy dtype object ("f8", …; little-endian or of one byte) in those bytes.
std::optional<std::vector<double>> numpy_values(const Pickle& pickle, PickleId dtype, const std::string& bytes) {
  const auto* const object = pickle.get<PickleObject>(dtype);
  const std::string name = pickle.class_name(dtype);
  const auto* const arguments = object && (name == "numpy.dtype" || name == "numpy.dtypes.dtype") ? pickle.items(object->arguments) : nullptr;
  const auto code = arguments && !arguments->empty() ? pickle.text(arguments->front()) : std::nullopt;
  if (!code) return std::nullopt;
  const auto* const state = object->state ? pickle.items(*object->state) : nullptr;
  if (!state || state->size() < 2 || (pickle.text((*state)[1]) != "<" && pickle.text((*state)[1]) != "|")) return std::nullopt;
  const std::size_t size = code->size() == 2 && (*code)[1] >= '1' && (*code)[1] <= '8' ? static_cast<std::size_t>((*code)[1] - '0') : 0;
  if (size == 0 || bytes.size() % size != 0) return std::nullopt;
  if (*code == "f8") return as_doubles<double>(bytes);
  if (*code == "f4") return as_doubles<float>(bytes);
  if (*code == "i8") return as_doubles<std::int64_t>(bytes);
  if (*code == "i4") return as_doubles<std::int32_t>(bytes);
  if (*code == "u1") return as_doubles<std::uint8_t>(bytes);
  return std::nullopt;
}

bool is_numpy(const std::string& name, std::string_view function) {
  return name == fmt::format("numpy.core.multiarray.{}", function) || name == fmt::format("numpy._core.multiarray.{}", function);
}

std::optional<std::vector<double>> numpy_scalar(const Pickle& pickle, PickleId id) {
  const auto* const object = pickle.get<PickleObject>(id);
  if (!object || !is_numpy(pickle.class_name(id), "scalar")) return std::nullopt;
  const auto* const arguments = pickle.items(object->arguments);
  if (!arguments || arguments->size() != 2) return std::nullopt;
  const auto bytes = bytes_of(pickle, (*arguments)[1]);
  return bytes ? numpy_values(pickle, (*arguments)[0], *bytes) : std::nullopt;
}

// An array in C order: _reconstruct(...) with the state (version, shape, dtype, is_fortran, bytes). The shape is not looked at.
std::optional<std::vector<double>> numpy_array(const Pickle& pickle, PickleId id) {
  const auto* const object = pickle.get<PickleObject>(id);
  if (!object || !object->state || !is_numpy(pickle.class_name(id), "_reconstruct")) return std::nullopt;
  const auto* const state = pickle.items(*object->state);
  if (!state || state->size() != 5 || pickle.integer((*state)[3]) != 0) return std::nullopt;
  const auto bytes = bytes_of(pickle, (*state)[4]);
  return bytes ? numpy_values(pickle, (*state)[2], *bytes) : std::nullopt;
}

}  // namespace

std::vector<double> values_of(const TensorView& view) {
  const Tensor tensor = copy(view);
  switch (tensor.dtype) {
    case Dtype::f64: return as_doubles<double>(tensor.bytes);
    case Dtype::f32: return as_doubles<float>(tensor.bytes);
    case Dtype::i64: return as_doubles<std::int64_t>(tensor.bytes);
    case Dtype::i32: return as_doubles<std::int32_t>(tensor.bytes);
    case Dtype::i16: return as_doubles<std::int16_t>(tensor.bytes);
    case Dtype::i8: return as_doubles<std::int8_t>(tensor.bytes);
    case Dtype::u8: case Dtype::boolean: return as_doubles<std::uint8_t>(tensor.bytes);
    default: throw Error(ErrorKind::unsupported, fmt::format("numbers of type {} are not read", name(tensor.dtype)));
  }
}

std::optional<double> number_of(const TorchArchive& archive, PickleId id) {
  const Pickle& pickle = archive.data();
  if (const auto plain = pickle.number(id)) return plain;
  const auto values = numbers_of(archive, id);
  return values && values->size() == 1 ? std::optional(values->front()) : std::nullopt;
}

std::optional<std::vector<double>> numbers_of(const TorchArchive& archive, PickleId id) {
  const Pickle& pickle = archive.data();
  if (auto scalar = numpy_scalar(pickle, id)) return scalar;
  if (auto array = numpy_array(pickle, id)) return array;
  if (const auto view = archive.tensor(id)) return values_of(*view);
  id = unwrapped(pickle, id);
  if (!pickle.get<PickleList>(id) && !pickle.get<PickleTuple>(id)) return std::nullopt;
  std::vector<double> values;
  for (const PickleId item : *pickle.items(id)) {
    std::optional<double> value = pickle.number(item);
    if (!value) {
      const auto scalar = numpy_scalar(pickle, item);
      if (scalar && scalar->size() == 1) value = scalar->front();
    }
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

std::optional<Irreps> irreps_of(const Pickle& pickle, PickleId id) {
  if (const auto text = pickle.text(id)) return parse_irreps(*text);
  const auto* const blocks = tuple_items(pickle, id);
  if (!blocks) return std::nullopt;
  std::string sum;
  for (const PickleId block : *blocks) {
    const auto* const pair = tuple_items(pickle, block);
    const auto* const irrep = pair && pair->size() == 2 ? tuple_items(pickle, (*pair)[1]) : nullptr;
    if (!irrep || irrep->size() != 2) return std::nullopt;
    const auto channels = pickle.integer((*pair)[0]), degree = pickle.integer((*irrep)[0]), parity = pickle.integer((*irrep)[1]);
    if (!channels || !degree || (parity != 1 && parity != -1)) return std::nullopt;
    sum += fmt::format("{}{}x{}{}", sum.empty() ? "" : "+", *channels, *degree, *parity == 1 ? "e" : "o");
  }
  return parse_irreps(sum);  // which has the limits
}

ModuleView::ModuleView(const TorchArchive& archive) : ModuleView(archive, archive.data().root(), "") {}

ModuleView::ModuleView(const TorchArchive& archive, PickleId id, std::string path) : archive_(&archive), path_(std::move(path)) {
  const auto* const object = archive.data().get<PickleObject>(id);
  class_name_ = undecorated(archive.data().class_name(id));
  if (!object || class_name_.empty() || !object->state || !archive.data().pairs(*object->state)) refuse("is no module with a state");
  state_ = *object->state;
  const Pickle& pickle = archive.data();
  const auto is_too_long = [&](PickleId part) { return pickle.pairs(part) && pickle.pairs(part)->size() > most_attributes; };
  if (is_too_long(state_)) refuse(fmt::format("has more than {} attributes", most_attributes));
  for (const std::string_view section : sections)
    if (const auto part = pickle.find(state_, section); part && is_too_long(*part)) refuse(fmt::format("has more than {} attributes", most_attributes));
}

std::string_view ModuleView::short_class() const {
  const std::size_t dot = class_name_.rfind('.');
  return std::string_view(class_name_).substr(dot == std::string::npos ? 0 : dot + 1);
}

void ModuleView::fail(const std::string& what) const {
  throw Error(ErrorKind::format, fmt::format("{}: module {}{}", archive_->source(), path_.empty() ? "" : path_ + " ", what));
}
void ModuleView::refuse(const std::string& what) const {
  throw Error(ErrorKind::unsupported, fmt::format("{}: module {}{}", archive_->source(), path_.empty() ? "" : path_ + " ", what));
}

std::optional<PickleId> ModuleView::find(std::string_view name) const {
  const Pickle& pickle = archive_->data();
  if (const auto plain = pickle.find(state_, name)) return plain;
  for (const std::string_view section : sections)
    if (const auto part = pickle.find(state_, section))
      if (const auto found = pickle.find(*part, name)) return found;
  return std::nullopt;
}

PickleId ModuleView::need(std::string_view name) const {
  const auto found = find(name);
  if (!found) fail(fmt::format("({}) has no {}", class_name_, name));
  return *found;
}

bool ModuleView::lacks(std::string_view name) const {
  const auto found = find(name);
  return !found || archive_->data().get<PickleNone>(*found);
}

ModuleView ModuleView::child(std::string_view name) const {
  return {*archive_, need(name), path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name)};
}

std::size_t ModuleView::children() const {
  std::size_t count = 0;
  while (has(std::to_string(count))) ++count;
  return count;
}

TensorView ModuleView::tensor(std::string_view name) const {
  auto view = archive_->tensor(need(name));
  if (!view) refuse(fmt::format("has a {} that is no tensor", name));
  return std::move(*view);
}

double ModuleView::number(std::string_view name) const {
  const auto value = number_of(*archive_, need(name));
  if (!value) refuse(fmt::format("has a {} that is no number", name));
  if (!std::isfinite(*value)) fail(fmt::format("has a {} that is not finite", name));
  return *value;
}

std::int64_t ModuleView::integer(std::string_view name) const {
  const double value = number(name);
  if (value != std::floor(value) || std::abs(value) > 1e9) fail(fmt::format("has a {} of {}, expected an integer", name, value));
  return static_cast<std::int64_t>(value);
}

bool ModuleView::flag(std::string_view name, bool otherwise) const {
  if (lacks(name)) return otherwise;
  const auto value = archive_->data().integer(need(name));
  return value ? *value != 0 : number(name) != 0;
}

Irreps ModuleView::irreps(std::string_view name) const {
  const auto read = irreps_of(archive_->data(), need(name));
  if (!read) refuse(fmt::format("has {} that cannot be read as irreps", name));
  return *read;
}

std::vector<std::int64_t> ModuleView::integers(std::string_view name) const {
  const auto values = numbers_of(*archive_, need(name));
  if (!values) refuse(fmt::format("has {} that are no list of numbers", name));
  std::vector<std::int64_t> whole;
  for (const double value : *values) {
    if (!(std::abs(value) <= 1e9) || value != std::floor(value)) fail(fmt::format("has {} that are no integers", name));
    whole.push_back(static_cast<std::int64_t>(value));
  }
  return whole;
}

std::vector<std::string> ModuleView::words(std::string_view name) const {
  const Pickle& pickle = archive_->data();
  const auto* const items = pickle.items(unwrapped(pickle, need(name)));
  if (!items) refuse(fmt::format("has {} that are no list", name));
  std::vector<std::string> words;
  for (const PickleId item : *items) {
    const auto text = pickle.text(item);
    if (!text) refuse(fmt::format("has {} that are no texts", name));
    words.emplace_back(*text);
  }
  return words;
}

std::vector<std::vector<double>> ModuleView::rows(std::string_view name) const {
  const Pickle& pickle = archive_->data();
  const auto* const items = pickle.items(unwrapped(pickle, need(name)));
  if (!items) refuse(fmt::format("has {} that are no list", name));
  std::vector<std::vector<double>> rows;
  for (const PickleId item : *items) {
    const auto* const fields = tuple_items(pickle, item);
    if (!fields) refuse(fmt::format("has {} that are no tuples", name));
    std::vector<double> row;
    for (const PickleId field : *fields) {
      if (const auto flag = pickle.integer(field)) row.push_back(static_cast<double>(*flag));
      else if (const auto value = pickle.number(field)) row.push_back(*value);
      else if (const auto* const inner = tuple_items(pickle, field)) {
        for (const PickleId part : *inner)
          if (const auto number = pickle.number(part)) row.push_back(*number);
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string ModuleView::symbol(std::string_view name) const {
  const auto* const found = archive_->data().get<PickleSymbol>(need(name));
  if (!found) refuse(fmt::format("has a {} that is no function", name));
  return fmt::format("{}.{}", found->module, found->name);
}

}  // namespace saltus
