#include "saltus/io/trajectory.hpp"

#include <array>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/io/cp2k.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/io/amber_netcdf.hpp"
#include "saltus/io/dcd.hpp"
#include "saltus/io/gro.hpp"
#include "saltus/io/h5md.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/npy.hpp"
#include "saltus/io/lammps_data.hpp"
#include "saltus/io/lammps_dump.hpp"
#include "saltus/io/pdb.hpp"
#include "saltus/io/ring_beads.hpp"
#include "saltus/io/segments.hpp"
#include "saltus/io/trr.hpp"
#include "saltus/io/xtc.hpp"

namespace saltus {

namespace {

constexpr std::array formats{
    TrajectoryFormat{"cp2k", "", "CP2K's files of one run: -pos-1.xyz with -frc-1.xyz, -vel-1.xyz, -1.ener, -1.cell, -1.stress beside it",
                     false, recognizes_cp2k, open_cp2k, nullptr, recognizes_cp2k_folder},
    TrajectoryFormat{"gro", ".gro", "GROMACS coordinates in fixed columns, nm; elements by atom names", false,
                     recognizes_gro, open_gro, nullptr},
    TrajectoryFormat{"extxyz", ".extxyz .xyz", "extended and plain XYZ: columns and key=value pairs per frame, eV and Å",
                     false, recognizes_extxyz, open_extxyz, create_extxyz},
    TrajectoryFormat{"xtc", ".xtc", "GROMACS compressed positions; needs a topology", false, recognizes_xtc, open_xtc,
                     nullptr},
    TrajectoryFormat{"trr", ".trr", "GROMACS positions, velocities, forces; needs a topology", false, recognizes_trr,
                     open_trr, nullptr},
    TrajectoryFormat{"dcd", ".dcd", "CHARMM, NAMD, LAMMPS, OpenMM, CP2K positions; needs a topology", false,
                     recognizes_dcd, open_dcd, create_dcd},
    TrajectoryFormat{"amber-netcdf", ".nc .ncdf .ncrst", "AMBER NetCDF trajectories and restarts; needs a topology",
                     false, recognizes_amber_netcdf, open_amber_netcdf, nullptr},
    TrajectoryFormat{"npy", ".npy", "NumPy array of positions (frames, atoms, 3), Å; needs a topology", false,
                     recognizes_npy, open_npy, nullptr},
    TrajectoryFormat{"lammps-dump", ".lammpstrj .dump", "LAMMPS text dumps; types need elements, units are metal unless the file says", false,
                     recognizes_lammps_dump, open_lammps_dump, nullptr},
    TrajectoryFormat{"lammps-data", ".data .lmp", "LAMMPS data file of one frame, atom_style atomic, units metal", false, nullptr, nullptr,
                     create_lammps_data},
    TrajectoryFormat{"pdb", ".pdb", "PDB for viewers: one MODEL per frame, 0.001 Å", false, nullptr, nullptr, create_pdb},
    TrajectoryFormat{"h5md", ".h5md .h5", "H5MD (HDF5): positions with images, velocities, forces, energies, with their units", false,
                     recognizes_h5md, open_h5md, create_h5md},
    TrajectoryFormat{"segments", "", "folder of H5MD or extXYZ segments 000001.h5md, 000002.h5md, … written by saltus md", true,
                     nullptr, open_segments, nullptr},
};

// Without ".gz" or ".zst".
std::filesystem::path without_compression(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".gz" || extension == ".zst" ? path.stem() : path;
}

bool has_extension(const TrajectoryFormat& format, const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  const std::string known = fmt::format(" {} ", format.extensions);
  return !extension.empty() && known.find(" " + extension + " ") != std::string::npos;
}

// Passes frames on and refuses one whose atoms differ from those of the first frame read.
class SameAtomsReader final : public TrajectoryReader {
 public:
  SameAtomsReader(std::unique_ptr<TrajectoryReader> inner, std::string name) : inner_(std::move(inner)), name_(std::move(name)) {}

  bool read_next(Frame& frame) override {
    if (!inner_->read_next(frame)) return false;
    if (!first_) first_ = frame.atoms;
    if (frame.atoms != first_) {
      try {
        require_same_atoms(*first_, *frame.atoms);
      } catch (const Error& error) {
        throw with_place(error, fmt::format("{}, frame {}", name_, next_ + 1));
      }
      frame.atoms = first_;
    }
    ++next_;
    return true;
  }
  void seek(std::size_t k) override {
    inner_->seek(k);
    next_ = k;
  }
  std::size_t count() override { return inner_->count(); }
  const FrameSource& source() const override { return inner_->source(); }

 private:
  std::unique_ptr<TrajectoryReader> inner_;
  std::string name_;
  std::shared_ptr<const Atoms> first_;
  std::size_t next_ = 0;
};

}  // namespace

std::span<const TrajectoryFormat> trajectory_formats() { return formats; }

const TrajectoryFormat& trajectory_format_of(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    for (const auto& format : formats)
      if (format.recognizes_folder && format.recognizes_folder(path)) return format;
    for (const auto& format : formats)
      if (format.folder) return format;
  }
  const std::string start = first_bytes(path, 4096);
  if (start.empty()) throw Error(ErrorKind::format, path.string() + ": the file is empty");
  for (const auto& format : formats)
    if (format.recognizes && format.recognizes(start)) return format;
  for (const auto& format : formats)
    if (format.open && has_extension(format, without_compression(path))) return format;
  for (const auto& format : formats)
    if (has_extension(format, without_compression(path)))
      throw Error(ErrorKind::unsupported, fmt::format("{}: the format {} can be written, not read", path.string(), format.name));
  throw Error(ErrorKind::format,
              fmt::format("{}: no trajectory format is recognized; 'saltus info --formats' lists those known", path.string()));
}

std::unique_ptr<TrajectoryReader> open_trajectory(const std::filesystem::path& path, const ReadOptions& options) {
  auto reader = trajectory_format_of(path).open(path, options);
  if (options.bead) reader = only_bead(std::move(reader), *options.bead, path.string());
  if (!options.same_atoms) return reader;
  return std::make_unique<SameAtomsReader>(std::move(reader), path.string());
}

std::unique_ptr<TrajectoryWriter> create_trajectory(const std::filesystem::path& path, const WriteOptions& options) {
  std::string known;
  for (const auto& format : formats) {
    if (!format.create) continue;
    if (has_extension(format, path)) return format.create(path, options);
    known += fmt::format("{}{}", known.empty() ? "" : " ", format.extensions);
  }
  throw Error(ErrorKind::usage, fmt::format("{}: the extension names no format that can be written; use one of {}",
                                            path.string(), known));
}

std::vector<Frame> read_frames(const std::filesystem::path& path, const ReadOptions& options) {
  const auto reader = open_trajectory(path, options);
  std::vector<Frame> frames;
  for (Frame frame; reader->read_next(frame);) frames.push_back(frame);
  return frames;
}

void require_same_atoms(const Atoms& reference, const Atoms& atoms) {
  constexpr const char* remedy = "a trajectory must keep its atoms and their order; split the file by composition";
  const std::string before = formula(reference), now = formula(atoms);
  if (before != now)
    throw Error(ErrorKind::format, fmt::format("the atoms are {} ({}), in the first frame they are {} ({}); {}", now,
                                               atoms.size(), before, reference.size(), remedy));
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    if (atoms.atomic_number[i] != reference.atomic_number[i])
      throw Error(ErrorKind::format, fmt::format("atom {} is {}, in the first frame it is {}; {}", i + 1,
                                                 symbol_of(atoms.atomic_number[i]), symbol_of(reference.atomic_number[i]), remedy));
    if (atoms.mass_amu[i] != reference.mass_amu[i])
      throw Error(ErrorKind::format, fmt::format("atom {} has a mass of {} amu, in the first frame {} amu; {}", i + 1,
                                                 atoms.mass_amu[i], reference.mass_amu[i], remedy));
  }
}

}  // namespace saltus
