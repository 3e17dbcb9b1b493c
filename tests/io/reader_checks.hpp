// What every reader must do, checked on the bytes of a file: golden values, seeking, files cut off, malformed files.
#pragma once

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/io/topology.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus {

using OpenBytes = std::function<std::unique_ptr<TrajectoryReader>(std::string_view bytes, const std::string& name)>;

struct MalformedBytes {
  std::string name, content, message;
};

inline Topology hydrogens(std::size_t count) {
  return {std::make_shared<const Atoms>(atoms_of(std::vector<std::uint8_t>(count, 1))), {}, "topology"};
}

inline std::vector<Frame> read_all(TrajectoryReader& reader) {
  std::vector<Frame> frames;
  for (Frame frame; reader.read_next(frame);) frames.push_back(frame);
  return frames;
}

inline void expect_same_frame(const Frame& a, const Frame& b) {
  EXPECT_EQ(*a.atoms, *b.atoms);
  EXPECT_EQ(a.cell, b.cell);
  EXPECT_EQ(a.position_ang, b.position_ang);
  EXPECT_EQ(a.velocity_ang_fs, b.velocity_ang_fs);
  EXPECT_EQ(a.force_ev_ang, b.force_ev_ang);
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.time_fs, b.time_fs);
}

/// Numbers of a frame by the names used in expected.txt; none for an unknown name or a field that is absent.
inline std::vector<double> quantity_of(const Frame& frame, const std::string& quantity) {
  std::vector<double> values;
  const auto add = [&](const auto& vectors) {
    for (const Vec3& v : vectors) values.insert(values.end(), {v.x, v.y, v.z});
  };
  if (quantity == "step") values = {static_cast<double>(frame.step)};
  if (quantity == "time") values = {frame.time_fs};
  if (quantity == "cell") add(frame.cell.has_vectors() ? frame.cell.rows_ang().row : std::array<Vec3, 3>{});
  if (quantity == "numbers") values.assign(frame.atoms->atomic_number.begin(), frame.atoms->atomic_number.end());
  if (quantity == "positions") add(frame.position_ang);
  if (quantity == "velocities") add(frame.velocity_ang_fs);
  if (quantity == "forces") add(frame.force_ev_ang);
  return values;
}

struct Tolerance {
  double relative = 0, absolute = 0;
  double factor = 1;  ///< of the values in the file to Saltus units
};

/// Each line "file frame quantity values" of folder/expected.txt against what is read from that file. Returns the lines
/// compared.
inline std::size_t expect_golden(const std::string& folder, const std::map<std::string, Tolerance>& tolerances,
                                 const std::function<std::vector<Frame>(const std::string& file)>& read) {
  std::ifstream expected(folder + "/expected.txt");
  std::map<std::string, std::vector<Frame>> files;
  std::size_t compared = 0;
  for (std::string line; std::getline(expected, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string file, quantity;
    std::size_t index = 0;
    words >> file >> index >> quantity;
    std::vector<double> values;
    for (double value = 0; words >> value;) values.push_back(value);
    if (!files.count(file)) files[file] = read(folder + "/" + file);
    const auto ours = quantity_of(files[file].at(index), quantity);
    const Tolerance tolerance = tolerances.at(quantity);
    EXPECT_EQ(ours.size(), values.size()) << file << " " << index << " " << quantity;
    for (std::size_t i = 0; i < std::min(ours.size(), values.size()); ++i) {
      const double value = values[i] * tolerance.factor;
      EXPECT_NEAR(ours[i], value, tolerance.absolute + tolerance.relative * std::abs(value))
          << file << " " << index << " " << quantity << " " << i;
    }
    ++compared;
  }
  return compared;
}

/// Frames found by number are those read in order, and count() is their number wherever the reader stands.
inline void expect_seek_finds_frames(TrajectoryReader& reader, TrajectoryReader& fresh) {
  const auto frames = read_all(reader);
  ASSERT_GE(frames.size(), 2u);
  Frame frame;
  reader.seek(1);
  EXPECT_EQ(reader.count(), frames.size());
  ASSERT_TRUE(reader.read_next(frame));
  expect_same_frame(frame, frames[1]);
  for (std::size_t k = frames.size(); k-- > 0;) {
    reader.seek(k);
    ASSERT_TRUE(reader.read_next(frame));
    expect_same_frame(frame, frames[k]);
  }
  reader.seek(frames.size());
  EXPECT_FALSE(reader.read_next(frame));
  EXPECT_THROW(reader.seek(frames.size() + 1), Error);
  fresh.seek(frames.size() - 1);
  ASSERT_TRUE(fresh.read_next(frame));
  expect_same_frame(frame, frames.back());
  EXPECT_EQ(fresh.count(), frames.size());
}

/// Every prefix gives the whole frames before the cut, then an error of kind format that names file and frame, or the
/// end where the cut is between frames. Returns the number of prefixes refused.
inline std::size_t expect_prefixes_refused(const std::string& bytes, const OpenBytes& open) {
  const auto whole = read_all(*open(bytes, "whole"));
  std::size_t refused = 0;
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    std::size_t read = 0;
    try {
      const auto reader = open(std::string_view(bytes).substr(0, length), "cut.file");
      for (Frame frame; reader->read_next(frame); ++read) expect_same_frame(frame, whole.at(read));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::format) << error.what();
      EXPECT_EQ(std::string(error.what()).rfind("cut.file", 0), 0u) << error.what();
      if (read > 0) {
        EXPECT_NE(std::string(error.what()).find("frame " + std::to_string(read + 1)), std::string::npos)
            << error.what();
      }
      ++refused;
    }
    EXPECT_LE(read, whole.size());
  }
  return refused;
}

/// Each case is refused with Error{format} or Error{unsupported} that names the file and says what is wrong, short
/// enough to be read.
inline void expect_refused(const std::vector<MalformedBytes>& cases, const OpenBytes& open) {
  for (const auto& bad : cases) {
    try {
      const auto reader = open(bad.content, "bad.file");
      read_all(*reader);
      ADD_FAILURE() << bad.name << " was read without complaint";
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_TRUE(error.kind() == ErrorKind::format || error.kind() == ErrorKind::unsupported)
          << bad.name << ": " << message;
      EXPECT_EQ(message.rfind("bad.file", 0), 0u) << bad.name << ": " << message;
      EXPECT_NE(message.find(bad.message), std::string::npos) << bad.name << ": " << message;
      EXPECT_LT(message.size(), 400u) << bad.name << ": " << message;
    }
  }
}

/// `bytes` with those at `offset` replaced.
inline std::string with_bytes(std::string bytes, std::size_t offset, std::string_view replacement) {
  return bytes.replace(offset, replacement.size(), replacement);
}

/// A number as bytes, big endian or little.
template <typename Number>
std::string number_bytes(Number number, bool big_endian = true) {
  std::string bytes(reinterpret_cast<const char*>(&number), sizeof number);
  if (big_endian == (std::endian::native == std::endian::little)) std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

}  // namespace saltus
