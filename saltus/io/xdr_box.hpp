// The box of GROMACS binary files: nine XDR numbers, lattice vectors in rows, nm.
#pragma once

#include <array>

#include "saltus/atoms/cell.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/byte_file.hpp"

namespace saltus {

/// A cell that is periodic along the vectors that are not zero; none: not periodic, no vectors.
inline Cell cell_from_rows_nm(const Mat3& rows_nm) {
  Mat3 rows = rows_nm;
  std::array<bool, 3> periodic{};
  for (int i = 0; i < 3; ++i) {
    rows[i] *= units::ang_per_nm;
    periodic[static_cast<std::size_t>(i)] = rows_nm[i] != Vec3{};
  }
  if (!periodic[0] && !periodic[1] && !periodic[2]) return {};
  return Cell(rows, periodic);
}

template <typename Number>
Cell cell_from_xdr(const char* bytes) {
  Mat3 rows_nm;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      rows_nm[i][j] = load<Number>(bytes + static_cast<int>(sizeof(Number)) * (3 * i + j), std::endian::big);
  return cell_from_rows_nm(rows_nm);
}

}  // namespace saltus
