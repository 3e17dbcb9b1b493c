// Read back by hand here; by ASE in tests/golden/peers/analyses.
#include "saltus/io/cube.hpp"

#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

CubeFile example() {
  CubeFile cube;
  cube.title = "a title\nof two lines";
  cube.remark = "a remark";
  cube.atoms.atoms = std::make_shared<const Atoms>(atoms_of({3, 14}));
  cube.atoms.position_ang = {{0.1, 0.2, 0.3}, {-1, 2, 3}};
  cube.origin_ang = {0.25, 0.25, 0.5};
  cube.voxel_ang = Mat3{{Vec3{0.5, 0, 0}, Vec3{0.1, 0.5, 0}, Vec3{0, -0.2, 1}}};
  cube.count = {2, 3, 8};
  for (int k = 0; k < 48; ++k) cube.value.push_back(k == 5 ? -1.5e-120 : 1e-3 / (1 + k));
  return cube;
}

TEST(Cube, LengthsAreInBohrAndValuesInOrder) {
  const TemporaryFolder folder;
  const auto path = folder / "density.cube";
  const CubeFile cube = example();
  write_cube(path, cube);
  std::ifstream file(path);
  std::string title, remark;
  std::getline(file, title);
  std::getline(file, remark);
  EXPECT_EQ(title, "a title of two lines");
  const double bohr = 0.529177210903;
  const auto expect_line = [&](int number, const Vec3& v_ang) {
    int n = 0;
    double x = 0, y = 0, z = 0;
    file >> n >> x >> y >> z;
    EXPECT_EQ(n, number);
    EXPECT_NEAR(norm(bohr * Vec3{x, y, z} - v_ang), 0, 1e-9);
  };
  expect_line(2, cube.origin_ang);
  for (int axis = 0; axis < 3; ++axis) expect_line(cube.count[static_cast<std::size_t>(axis)], cube.voxel_ang[axis]);
  for (std::size_t i = 0; i < 2; ++i) {
    int z = 0;
    double charge = 0;
    Vec3 r;
    file >> z >> charge >> r.x >> r.y >> r.z;
    EXPECT_EQ(z, cube.atoms.atoms->atomic_number[i]);
    EXPECT_EQ(charge, z);
    EXPECT_NEAR(norm(bohr * r - cube.atoms.position_ang[i]), 0, 1e-9);
  }
  for (const double expected : cube.value) {
    double value = 0;
    file >> value;
    EXPECT_NEAR(value, expected, 1e-7 * std::abs(expected));
  }
  std::string rest;
  EXPECT_FALSE(file >> rest);
}

TEST(Cube, AppearsWholeOrNotAtAll) {
  const TemporaryFolder folder;
  CubeFile cube = example();
  cube.value[47] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(write_cube(folder / "a.cube", cube), Error);
  cube.value.pop_back();
  EXPECT_THROW(write_cube(folder / "a.cube", cube), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace saltus
