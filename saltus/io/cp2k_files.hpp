// The two kinds of files that CP2K writes along a run: xyz with a step number in the comment line, and tables with a step
// number in the first column. Both are indexed by step; a step written again replaces the earlier one and all behind it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/atoms/frame.hpp"
#include "saltus/base/error.hpp"
#include "saltus/io/fields.hpp"
#include "saltus/io/lines.hpp"

namespace saltus {

/// The steps that a file has, ascending.
class StepList {
 public:
  /// Adds a step behind the others; returns how many of those before it replaces.
  /// Throws Error{format} when it replaces all of several: a second run in the same file.
  std::size_t add(std::int64_t step);
  /// Index of a step.
  std::optional<std::size_t> find(std::int64_t step) const;
  /// Whether a file with this first and last step and this stride (the most common one) should have `step`.
  bool promises(std::int64_t step) const;
  const std::vector<std::int64_t>& steps() const { return steps_; }
  std::size_t replaced() const { return replaced_; }

 private:
  std::uint64_t stride() const;

  std::vector<std::int64_t> steps_;
  std::size_t replaced_ = 0;
  mutable std::uint64_t stride_ = 0;       // the most common difference, the smaller of two; a last step may be out of turn
  mutable std::size_t stride_counts_ = 0;  // number of steps it was computed from
};

struct Cp2kComment {
  std::int64_t step = 0;
  std::optional<double> time_fs, energy_hartree;
};

/// " i = 0, time = 0.000, E = -78.8947494336"; nothing when there is no step in it. Throws Error{format} for a bad number.
std::optional<Cp2kComment> parse_cp2k_comment(std::string_view line);

class Cp2kXyz {
 public:
  /// Goes through the whole file for its steps. Throws Error{file}.
  explicit Cp2kXyz(const std::filesystem::path& path) : lines_(path), name_(path.string()) { skim(); }
  Cp2kXyz(std::string_view text, std::string name) : lines_(text), name_(std::move(name)) { skim(); }

  const std::string& name() const { return name_; }
  const StepList& steps() const { return steps_; }
  /// What is wrong behind the last step: cut off, or not CP2K's xyz.
  const std::optional<Error>& broken() const { return broken_; }
  /// Reads one step; `values` are the three columns as in the file. Throws Error{format} with file, step and line.
  Cp2kComment read(std::size_t index, Atoms& atoms, std::vector<Vec3>& values);

 private:
  struct Place {
    std::uint64_t offset = 0, lines_before = 0;
  };
  void skim();
  std::size_t read_count(bool& at_end);

  LineReader lines_;
  std::string name_;
  StepList steps_;
  std::vector<Place> places_;
  std::optional<Error> broken_;
  ElementTable elements_;
};

class Cp2kTable {
 public:
  /// Reads the columns behind the step; `columns` of them are kept, further ones passed over.
  Cp2kTable(const std::filesystem::path& path, std::size_t columns) : name_(path.string()), columns_(columns) {
    LineReader lines(path);
    read(lines);
  }
  Cp2kTable(std::string_view text, std::string name, std::size_t columns) : name_(std::move(name)), columns_(columns) {
    LineReader lines(text);
    read(lines);
  }

  const std::string& name() const { return name_; }
  const StepList& steps() const { return steps_; }
  const std::optional<Error>& broken() const { return broken_; }
  /// The kept columns of one step.
  std::span<const double> row(std::size_t index) const { return {values_.data() + index * columns_, columns_}; }

 private:
  void read(LineReader& lines);

  std::string name_;
  std::size_t columns_;
  StepList steps_;
  std::vector<double> values_;
  std::optional<Error> broken_;
};

}  // namespace saltus
