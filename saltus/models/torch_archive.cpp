#include "saltus/models/torch_archive.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/mapped_file.hpp"

namespace saltus {

namespace {

constexpr std::uint64_t most_extra_bytes = 1 << 20;
constexpr std::size_t most_dimensions = 64;

struct StorageType {
  std::string_view name;
  Dtype dtype;
};
constexpr std::array<StorageType, 9> storage_types{{{"FloatStorage", Dtype::f32},
                                                    {"DoubleStorage", Dtype::f64},
                                                    {"HalfStorage", Dtype::f16},
                                                    {"BFloat16Storage", Dtype::bf16},
                                                    {"LongStorage", Dtype::i64},
                                                    {"IntStorage", Dtype::i32},
                                                    {"ShortStorage", Dtype::i16},
                                                    {"CharStorage", Dtype::i8},
                                                    {"ByteStorage", Dtype::u8}}};

std::string shown(std::string_view text) {
  std::string words(text.substr(0, 80));
  for (char& c : words)
    if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126) c = '?';
  return fmt::format("'{}{}'", words, text.size() > 80 ? "…" : "");
}

// Beginnings of files of torch.save before 1.6 (a pickled magic number) and of tar archives of still older ones.
bool is_old_torch(std::string_view bytes) {
  constexpr std::string_view magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15);
  return bytes.starts_with(magic) || (bytes.size() > 262 && bytes.substr(257, 5) == "ustar");
}

}  // namespace

TorchArchive::TorchArchive(const std::filesystem::path& path) : file_(std::make_shared<MappedFile>(path)) { open(file_->bytes(), path.string()); }
TorchArchive::TorchArchive(std::string_view bytes, const std::string& source) { open(bytes, source); }
TorchArchive::TorchArchive(TorchArchive&&) noexcept = default;
TorchArchive::~TorchArchive() = default;

void TorchArchive::open(std::string_view bytes, const std::string& source) {
  if (is_old_torch(bytes))
    throw Error(ErrorKind::unsupported,
                source + ": a torch file of before version 1.6, which is no zip archive; load and save it again with a newer torch");
  if (!looks_like_zip(bytes)) throw Error(ErrorKind::format, source + ": not a torch file: it does not begin as a zip archive");
  zip_ = std::make_unique<ZipArchive>(bytes, source);
  constexpr std::string_view data_name = "data.pkl";
  const ZipEntry* data = zip_->find(data_name);
  for (const ZipEntry& entry : zip_->entries())
    if (entry.name.ends_with("/data.pkl") && std::count(entry.name.begin(), entry.name.end(), '/') == 1) {
      if (data) throw Error(ErrorKind::format, fmt::format("{}: two entries are called data.pkl: {} and {}", source, shown(data->name), shown(entry.name)));
      data = &entry;
    }
  if (!data) throw Error(ErrorKind::format, source + ": a zip archive, but not of torch: it has no data.pkl");
  root_ = std::string(data->name.substr(0, data->name.size() - data_name.size()));
  if (const ZipEntry* const order = zip_->find(root_ + "byteorder")) {
    const std::string word = zip_->content(*order, 64);
    if (!word.starts_with("little")) throw Error(ErrorKind::unsupported, fmt::format("{}: byte order {}; only little-endian files are read", source, shown(word)));
  }
  data_ = std::make_unique<Pickle>(zip_->stored(*data), source + ", " + std::string(data_name));
  if (const ZipEntry* const constants = zip_->find(root_ + "constants.pkl")) constants_.emplace(zip_->stored(*constants), source + ", constants.pkl");
}

std::optional<TensorView> TorchArchive::tensor(PickleId id) const { return tensor(*data_, id, "data"); }

std::optional<TensorView> TorchArchive::tensor(const Pickle& pickle, PickleId id, std::string_view folder) const {
  const auto fail = [&](const std::string& what) { throw Error(ErrorKind::format, fmt::format("{}: a tensor {}", pickle.place(), what)); };
  std::string kind = pickle.class_name(id);
  const auto* object = pickle.get<PickleObject>(id);
  // A parameter wraps a tensor, and is wrapped by nothing.
  if (object && (kind == "torch._utils._rebuild_parameter" || kind == "torch._utils._rebuild_parameter_with_state")) {
    const auto* const wrapped = pickle.items(object->arguments);
    if (!wrapped || wrapped->empty()) fail("is a parameter of nothing");
    id = wrapped->front();
    object = pickle.get<PickleObject>(id);
    kind = pickle.class_name(id);
    if (kind != "torch._utils._rebuild_tensor_v2") fail(fmt::format("is a parameter of {}", shown(kind)));
  }
  if (!object || kind != "torch._utils._rebuild_tensor_v2") return std::nullopt;

  const auto* const arguments = pickle.items(object->arguments);
  if (!arguments || arguments->size() < 4) fail("is described by too few values");
  const auto* const storage = pickle.get<PicklePersistent>((*arguments)[0]);
  const auto* const words = storage ? pickle.items(storage->id) : nullptr;
  if (!words || words->size() < 5 || pickle.text((*words)[0]) != "storage") fail("has no storage");
  const std::string type = pickle.class_name((*words)[1]);
  const auto key = pickle.text((*words)[2]);
  const auto numel = pickle.integer((*words)[4]);
  if (!key || !numel || *numel < 0) fail("has a storage without a name or size");

  TensorView view;
  if (type == "torch.BoolStorage") {
    view.dtype = Dtype::boolean;
  } else {
    const auto row = std::find_if(storage_types.begin(), storage_types.end(), [&](const StorageType& t) { return type == fmt::format("torch.{}", t.name); });
    if (row == storage_types.end()) throw Error(ErrorKind::unsupported, fmt::format("{}: a tensor of {} is not read", pickle.place(), shown(type)));
    view.dtype = row->dtype;
  }
  const std::string entry_name = fmt::format("{}{}/{}", root_, folder, *key);
  const ZipEntry* const entry = zip_->find(entry_name);
  if (!entry) fail(fmt::format("has the storage {}, which is not in the archive", shown(entry_name)));
  view.storage = checked_.insert(entry).second ? zip_->stored(*entry) : entry->packed;
  const std::uint64_t elements = view.storage.size() / size_bytes(view.dtype);
  if (static_cast<std::uint64_t>(*numel) > elements)
    fail(fmt::format("has the storage {} of {} elements, but only {} bytes are there", shown(entry_name), *numel, view.storage.size()));

  const auto offset = pickle.integer((*arguments)[1]);
  const auto *const sizes = pickle.items((*arguments)[2]), *const strides = pickle.items((*arguments)[3]);
  if (!offset || *offset < 0 || !sizes || !strides || sizes->size() != strides->size()) fail("has no offset, shape or strides");
  if (sizes->size() > most_dimensions) fail(fmt::format("has {} dimensions", sizes->size()));
  view.offset = static_cast<std::uint64_t>(*offset);
  std::uint64_t count = 1, last = view.offset;  // elements, and index of the last one
  bool fits = true;
  for (std::size_t k = 0; k < sizes->size(); ++k) {
    const auto size = pickle.integer((*sizes)[k]), stride = pickle.integer((*strides)[k]);
    if (!size || !stride || *size < 0 || *stride < 0) fail("has a negative size or stride");
    view.shape.push_back(static_cast<std::size_t>(*size));
    view.stride.push_back(static_cast<std::size_t>(*stride));
    std::uint64_t reach = 0;
    fits = fits && !__builtin_mul_overflow(count, static_cast<std::uint64_t>(*size), &count);
    if (*size > 0) fits = fits && !__builtin_mul_overflow(static_cast<std::uint64_t>(*size) - 1, static_cast<std::uint64_t>(*stride), &reach) &&
                          !__builtin_add_overflow(last, reach, &last);
  }
  const bool empty = std::find(view.shape.begin(), view.shape.end(), 0u) != view.shape.end();
  // Repeating an element by stride 0 is legal in torch; no weight is stored so, and it would let a small file ask for any memory.
  if (!empty && (!fits || last >= static_cast<std::uint64_t>(*numel)))
    fail(fmt::format("does not lie in its storage {} of {} elements", shown(entry_name), *numel));
  if (!empty && count > static_cast<std::uint64_t>(*numel))
    fail(fmt::format("of {} elements repeats those of its storage {} of {}", count, shown(entry_name), *numel));
  if (empty && view.offset > static_cast<std::uint64_t>(*numel)) fail("begins behind its storage");
  return view;
}

std::vector<TensorView> TorchArchive::constants() const {
  std::vector<TensorView> list;
  if (!constants_) return list;
  const auto* const items = constants_->items(constants_->root());
  if (!items) throw Error(ErrorKind::format, constants_->place() + ": the constants are no list");
  for (const PickleId item : *items) {
    auto view = tensor(*constants_, item, "constants");
    if (!view) throw Error(ErrorKind::unsupported, fmt::format("{}: constant {} is no tensor", constants_->place(), list.size()));
    list.push_back(std::move(*view));
  }
  return list;
}

std::optional<std::string> TorchArchive::extra(std::string_view name) const {
  const ZipEntry* const entry = zip_->find(fmt::format("{}extra/{}", root_, name));
  if (!entry) return std::nullopt;
  return zip_->content(*entry, most_extra_bytes);
}

std::vector<std::pair<std::string, std::string>> TorchArchive::code(std::uint64_t most) const {
  std::vector<std::pair<std::string, std::string>> files;
  for (const ZipEntry& entry : zip_->entries()) {
    if (!entry.name.starts_with(root_ + "code/") || !entry.name.ends_with(".py")) continue;
    files.emplace_back(std::string(entry.name), zip_->content(entry, most));
    most -= files.back().second.size();
  }
  return files;
}

std::vector<TensorView> TorchArchive::all_tensors() const {
  std::vector<TensorView> views;
  for (PickleId id = 0; id < data_->size(); ++id) {
    // A parameter is counted as the tensor that it wraps.
    if (data_->class_name(id) != "torch._utils._rebuild_tensor_v2" || !data_->get<PickleObject>(id)) continue;
    if (auto view = tensor(id)) views.push_back(std::move(*view));
  }
  for (TensorView& view : constants()) views.push_back(std::move(view));
  return views;
}

std::size_t count(const TensorView& view) {
  std::size_t product = 1;
  for (const std::size_t extent : view.shape) product *= extent;
  return product;
}

Tensor copy(const TensorView& view) {
  Tensor tensor{view.dtype, view.shape, {}};
  const std::size_t size = size_bytes(view.dtype), elements = count(view);
  if (elements == 0) return tensor;
  tensor.bytes.resize(elements * size);
  // Row-major over all but the last axis; the last one in a run where its elements are neighbours.
  const std::size_t axes = view.shape.size();
  const std::size_t inner = axes == 0 ? 1 : view.shape.back(), inner_stride = axes == 0 ? 1 : view.stride.back();
  std::vector<std::size_t> index(axes == 0 ? 0 : axes - 1, 0);
  char* out = tensor.bytes.data();
  for (std::size_t row = 0; row < elements / inner; ++row) {
    std::uint64_t from = view.offset;
    for (std::size_t axis = 0; axis < index.size(); ++axis) from += index[axis] * view.stride[axis];
    if (inner_stride == 1) {
      std::memcpy(out, view.storage.data() + from * size, inner * size);
      out += inner * size;
    } else {
      for (std::size_t k = 0; k < inner; ++k, out += size) std::memcpy(out, view.storage.data() + (from + k * inner_stride) * size, size);
    }
    for (std::size_t axis = index.size(); axis-- > 0;) {
      if (++index[axis] < view.shape[axis]) break;
      index[axis] = 0;
    }
  }
  return tensor;
}

}  // namespace saltus
