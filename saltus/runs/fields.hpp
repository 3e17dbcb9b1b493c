// Field tables: one row per setting of a struct. From them come parsing, checks, explain and the report's settings.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace saltus::runs {

/// A name that a setting may take, with one line on what it means.
struct Choice {
  const char* name;
  const char* help;
};

template <class S>
struct Field {
  using Member = std::variant<bool S::*, std::int64_t S::*, double S::*, std::string S::*, std::vector<std::int64_t> S::*,
                              std::vector<double> S::*, std::vector<std::string> S::*>;
  const char* key;
  Member member;
  const char* unit;                     ///< "" = dimensionless
  const char* help;                     ///< one line
  bool required = false;
  double minimum = -std::numeric_limits<double>::infinity();  ///< of a number, or of each number of a list
  double maximum = std::numeric_limits<double>::infinity();
  std::size_t size = 0;                 ///< exact length of a list; 0 = any
  std::span<const Choice> choices = {};  ///< of a string; empty = any text
  bool one_or_more = false;              ///< a list that may be written, and is shown, as one value without brackets
};

/// A setting as resolved: what `saltus explain`, the artifact's key and the report's settings hold.
struct ResolvedValue {
  std::string key;
  std::string json;  ///< value as JSON text
  std::string unit;
  std::string help;
  bool is_default = false;
};

struct ResolvedSection {
  std::string table;  ///< "fit", "md", …; "" for the top of the file
  std::string name;   ///< of an entry of a list of tables, else empty
  std::vector<ResolvedValue> values;
};

}  // namespace saltus::runs
