// Frames for the tests of this room: a plain reader of the extended XYZ files in the tree, and crystals.
#pragma once

#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "saltus/analysis/analysis.hpp"
#include "saltus/atoms/elements.hpp"
#include "saltus/atoms/frame.hpp"

namespace saltus::testing_frames {

/// Frames of a file whose columns start with species and position, then perhaps forces and velocities; 2 fs apart.
inline std::vector<Frame> read_frames(const std::string& path, std::size_t most = static_cast<std::size_t>(-1)) {
  std::ifstream file(std::string(SALTUS_SOURCE_DIR) + "/" + path);
  if (!file) throw std::runtime_error("cannot open " + path);
  std::vector<Frame> frames;
  std::string line;
  while (frames.size() < most && std::getline(file, line)) {
    const std::size_t n = std::stoul(line);
    std::getline(file, line);
    const bool has_velocities = line.find("pos:R:3:forces:R:3:vel:R:3") != std::string::npos;
    std::istringstream lattice(line.substr(line.find("Lattice=\"") + 9));
    Mat3 rows;
    for (int i = 0; i < 3; ++i) lattice >> rows[i].x >> rows[i].y >> rows[i].z;
    std::vector<std::uint8_t> z;
    Frame frame;
    frame.cell = Cell(rows);
    for (std::size_t i = 0; i < n; ++i) {
      std::getline(file, line);
      std::istringstream words(line);
      std::string symbol;
      Vec3 r;
      words >> symbol >> r.x >> r.y >> r.z;
      z.push_back(*atomic_number_of(symbol));
      frame.position_ang.push_back(r);
      if (!has_velocities) continue;
      Vec3 force, velocity;
      words >> force.x >> force.y >> force.z >> velocity.x >> velocity.y >> velocity.z;
      frame.velocity_ang_fs.push_back(velocity);
    }
    frame.atoms = frames.empty() ? std::make_shared<const Atoms>(atoms_of(z)) : frames.front().atoms;
    frame.time_fs = 2.0 * static_cast<double>(frames.size());
    frames.push_back(std::move(frame));
  }
  return frames;
}

/// Hands out copies of the frames one by one.
inline NextFrame next_of(const std::vector<Frame>& frames) {
  return [&frames, k = std::size_t{0}](Frame& frame) mutable {
    if (k == frames.size()) return false;
    frame = frames[k++];
    return true;
  };
}

inline std::vector<Vec3> positions_of(const Frame& frame, int atomic_number) {
  std::vector<Vec3> positions;
  for (const auto i : indices_of(*frame.atoms, atomic_number)) positions.push_back(frame.position_ang[i]);
  return positions;
}

}  // namespace saltus::testing_frames
