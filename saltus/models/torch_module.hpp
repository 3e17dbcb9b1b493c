// A torch module as attributes, whether it was pickled whole (_parameters, _buffers, _modules) or saved as TorchScript.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/models/irreps.hpp"
#include "saltus/models/torch_archive.hpp"

namespace saltus {

/// The archive must outlive it. Names are looked up one by one, so shared and cyclic parts cost nothing.
class ModuleView {
 public:
  /// The root of the archive. Throws Error{unsupported} when it is no module.
  explicit ModuleView(const TorchArchive& archive);

  /// Full name without TorchScript's decorations, "mace.modules.models.MACE"; and its last part.
  const std::string& class_name() const { return class_name_; }
  std::string_view short_class() const;
  /// "interactions.0.linear"; empty for the root.
  const std::string& path() const { return path_; }
  const TorchArchive& archive() const { return *archive_; }

  bool has(std::string_view name) const { return find(name).has_value(); }
  /// Not there, or None.
  bool lacks(std::string_view name) const;
  /// These throw Error{format} that names the module when the attribute is missing, Error{unsupported} when it is of another kind.
  ModuleView child(std::string_view name) const;
  std::size_t children() const;  ///< named 0, 1, … in a list of modules or parameters
  TensorView tensor(std::string_view name) const;
  double number(std::string_view name) const;  ///< a number, a numpy scalar, or a tensor of one element
  std::int64_t integer(std::string_view name) const;
  bool flag(std::string_view name, bool otherwise) const;
  Irreps irreps(std::string_view name) const;
  std::vector<std::int64_t> integers(std::string_view name) const;  ///< a list or tuple of them, or a tensor
  std::vector<std::string> words(std::string_view name) const;
  /// A list of tuples such as e3nn's instructions: its numbers, with texts left out and nested tuples joined on.
  std::vector<std::vector<double>> rows(std::string_view name) const;
  /// "module.name" of a class or function.
  std::string symbol(std::string_view name) const;

  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  ModuleView(const TorchArchive& archive, PickleId id, std::string path);
  std::optional<PickleId> find(std::string_view name) const;
  PickleId need(std::string_view name) const;

  const TorchArchive* archive_;
  PickleId state_ = 0;
  std::string class_name_, path_;
};

/// A number as Python or numpy holds it, or nothing.
std::optional<double> number_of(const TorchArchive& archive, PickleId id);
/// A list of such numbers, a numpy array of them or a tensor.
std::optional<std::vector<double>> numbers_of(const TorchArchive& archive, PickleId id);
/// Irreps of e3nn: text, an object, or nested tuples.
std::optional<Irreps> irreps_of(const Pickle& pickle, PickleId id);
/// Values of a view as doubles, of any plain element type. Throws Error{unsupported} for 8-bit floats.
std::vector<double> values_of(const TensorView& view);

}  // namespace saltus
