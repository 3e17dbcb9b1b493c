// D(z) and F(z) as a command gets them: terms that add up, or a table.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "saltus/kinetics/brownian_motion.hpp"

namespace saltus::runs {

/// A word for a shape: NAME:NUMBER,NUMBER,…
struct ProfileTermRow {
  const char* name;
  const char* numbers;  ///< what they are
  const char* help;     ///< the formula
};

/// cosine, gauss, step, walls, layers, slope, harmonic. A number alone is a constant.
std::span<const ProfileTermRow> profile_terms();

struct LineProfileSettings {
  kinetics::Line line;
  std::vector<std::string> diffusion_ang2_per_ps;  ///< terms
  std::vector<std::string> free_energy_kt;         ///< terms; none: 0
  std::string table;                               ///< file of columns z (Å), D (Å²/ps) and, if it likes, F (kT), z ascending; in place of terms
};

/// A table is interpolated by monotone cubics in ln D and F; of a period it may hold any part as long as one row follows the other around it.
/// Throws Error{usage} for terms that cannot be meant, with what may stand there; Error{format} with the file's name for a bad table; else as LineProfile does.
/// note: what the reader of the table has to say, if anything.
kinetics::LineProfile line_profile(const LineProfileSettings& settings, std::string* note = nullptr);

}  // namespace saltus::runs
