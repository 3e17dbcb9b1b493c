// Files of torch.save and torch.jit.save, read without running anything in them: a pickle, storages and, for TorchScript, constants.
// Reference: torch/serialization.py and torch/csrc/jit/serialization (formats 1 to 3 of the zip container).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/models/pickle.hpp"
#include "saltus/models/safetensors.hpp"
#include "saltus/models/zip_archive.hpp"

namespace saltus {

class MappedFile;

/// A tensor as the pickle describes it: a strided view of a storage. Views may overlap; each lies within its storage.
struct TensorView {
  Dtype dtype = Dtype::f32;
  std::string_view storage;  ///< little-endian bytes
  std::uint64_t offset = 0;  ///< of the first element, in elements
  std::vector<std::size_t> shape, stride;
};

class TorchArchive {
 public:
  /// Throws Error{file}; Error{format} with the place; Error{unsupported} for torch files that are no zip archives, and big-endian ones.
  explicit TorchArchive(const std::filesystem::path& path);
  /// The same for bytes, which must outlive the archive.
  TorchArchive(std::string_view bytes, const std::string& source);
  TorchArchive(TorchArchive&&) noexcept;
  ~TorchArchive();

  bool is_torch_script() const { return constants_.has_value(); }
  const Pickle& data() const { return *data_; }
  const std::string& source() const { return zip_->source(); }
  const ZipArchive& zip() const { return *zip_; }

  /// TorchScript only. CONSTANTS.cN of the code is the item N of this list, whatever the archive calls its storage.
  std::vector<TensorView> constants() const;
  /// The text of extra/NAME, up to 1 MiB.
  std::optional<std::string> extra(std::string_view name) const;
  /// Names and text of the code/*.py of TorchScript, up to `most` bytes in all. Text to look at, never run.
  std::vector<std::pair<std::string, std::string>> code(std::uint64_t most) const;

  /// The tensor that a record of data() describes (through _rebuild_parameter too), or nothing when it is not a tensor.
  /// Throws Error{format} when it does not lie in its storage, Error{unsupported} for a storage of unknown type.
  std::optional<TensorView> tensor(PickleId id) const;
  /// The same for a record of another pickle of this archive, with the storages in `folder`.
  std::optional<TensorView> tensor(const Pickle& pickle, PickleId id, std::string_view folder) const;

  /// Every distinct tensor of data() and of the constants, in the order of the file.
  std::vector<TensorView> all_tensors() const;

 private:
  void open(std::string_view bytes, const std::string& source);
  std::shared_ptr<const MappedFile> file_;
  std::unique_ptr<ZipArchive> zip_;
  std::string root_;  ///< what the entries' names begin with, "archive/"
  std::unique_ptr<Pickle> data_;
  std::optional<Pickle> constants_;
  mutable std::set<const ZipEntry*> checked_;  ///< storages whose checksum was compared; not for several threads
};

/// Elements of a view.
std::size_t count(const TensorView& view);
/// Copied row-major. Throws Error{unsupported} for complex and quantised types, which have no place in a Tensor.
Tensor copy(const TensorView& view);

}  // namespace saltus
