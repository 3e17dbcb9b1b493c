// Gaussian cube files: values on a grid of parallelepipeds beside atoms. Lengths are written in bohr, values as they are.
// Reference: the description of cubegen, gaussian.com/cubegen.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "saltus/atoms/frame.hpp"

namespace saltus {

struct CubeFile {
  std::string title, remark;  ///< one line each
  Frame atoms;                ///< its cell is not written: readers take count·voxel
  Vec3 origin_ang;            ///< place of the first value
  Mat3 voxel_ang;             ///< from one value to the next, along each direction, in rows
  Int3 count{};
  std::vector<double> value;  ///< [count0][count1][count2]
};

/// Writes the file whole or not at all. Throws Error{usage} when the numbers of values and points differ, Error{numeric} for
/// values that are not finite, Error{file}.
void write_cube(const std::filesystem::path& path, const CubeFile& cube);

}  // namespace saltus
