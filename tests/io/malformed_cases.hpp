// extXYZ files that must be refused, with a part of the message that names what is wrong.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace saltus {

struct MalformedCase {
  std::string name, content, message;
};

inline void PrintTo(const MalformedCase& malformed, std::ostream* out) { *out << malformed.name; }

inline std::vector<MalformedCase> malformed_cases() {
  const std::string cell = "Lattice=\"5 0 0 0 5 0 0 0 5\" ";
  const std::string columns = "Properties=species:S:1:pos:R:3:forces:R:3 ";
  const std::string line = "Li 0 0 0 0.1 0.2 0.3\n";
  const std::string good = "1\n" + cell + columns + "energy=-1\n" + line;
  const auto frame = [&](const std::string& comment) { return "1\n" + comment + "\n" + line; };
  const auto atom = [&](const std::string& text) { return "1\n" + cell + columns + "energy=-1\n" + text + "\n"; };
  return {
      {"empty", "", "empty"},
      {"blank_lines_only", "\n\n  \n", "nothing but blank lines"},
      {"count_word", "abc\n" + cell + "\n" + line, "expected the number of atoms, found 'abc'"},
      {"count_negative", "-3\n" + cell + "\n" + line, "at least 1, found -3"},
      {"count_zero", "0\n" + cell + "\n", "at least 1, found 0"},
      {"count_fraction", "1.5\n" + cell + "\n" + line, "expected the number of atoms, found '1.5'"},
      {"count_trillion", "1000000000000\n" + cell + "\n" + line, "too large"},
      {"count_beyond_64_bits", "99999999999999999999999\n" + cell + "\n" + line, "too large"},
      {"count_hundred_million", "100000000\n" + cell + columns + "\n" + line, "the file ends after 1 of 100000000 atoms"},
      {"count_with_text", "1 atom\n" + cell + columns + "\n" + line, "expected the number of atoms, found '1 atom'"},
      {"count_too_large", "2\n" + cell + columns + "\n" + line, "the file ends after 1 of 2 atoms; it is cut off"},
      {"count_too_small", "1\n" + cell + columns + "\n" + line + line, "does the frame before have more lines"},
      {"second_frame_bad_count", good + "x\n", "frame 2, line 4"},
      {"blank_line_between_frames", good + "\n" + good, "frame 2, line 5: blank line before a frame"},
      {"no_comment_line", "1\n", "ends before the comment line"},
      {"cut_in_comment", "1\nLattice=\"5 0 0 0 5", "is not closed"},
      {"cut_in_atoms", "3\n" + cell + columns + "\n" + line + line, "the file ends after 2 of 3 atoms"},
      {"cut_in_line", "2\n" + cell + columns + "\n" + line + "Li 0 0", "line 4: expected 7 columns"},
      {"missing_column", atom("Li 0 0 0 0.1 0.2"), "frame 1, line 3: expected 7 columns (species:S:1:pos:R:3:forces:R:3), found 6"},
      {"extra_column", atom("Li 0 0 0 0.1 0.2 0.3 9"), "expected 7 columns (species:S:1:pos:R:3:forces:R:3), found 8"},
      {"extra_column_without_properties", "1\n" + cell + "\nLi 0 0 0 9\n", "expected 4 columns (species:S:1:pos:R:3), found 5"},
      {"blank_atom_line", atom(""), "found 0"},
      {"position_word", atom("Li 0 zero 0 0.1 0.2 0.3"), "column 3 (pos): 'zero' is not a number"},
      {"position_comma", atom("Li 0 0,5 0 0.1 0.2 0.3"), "'0,5' is not a number"},
      {"position_hexadecimal", atom("Li 0 0x1p3 0 0.1 0.2 0.3"), "'0x1p3' is not a number"},
      {"position_two_signs", atom("Li 0 +-1 0 0.1 0.2 0.3"), "'+-1' is not a number"},
      {"position_nan", atom("Li 0 nan 0 0.1 0.2 0.3"), "column 3 (pos): 'nan' is not finite"},
      {"position_overflow", atom("Li 0 1e999 0 0.1 0.2 0.3"), "'1e999' is not finite"},
      {"position_stars", atom("Li 0 ******** 0 0.1 0.2 0.3"), "'********' is not a number"},
      {"force_inf", atom("Li 0 0 0 0.1 -inf 0.3"), "column 6 (forces): '-inf' is not finite"},
      {"velocity_nan", "1\nProperties=species:S:1:pos:R:3:vel:R:3 energy=1\nLi 0 0 0 1 NaN 0\n", "column 6 (vel): 'NaN' is not finite"},
      {"element_upper_case", atom("LI 0 0 0 0.1 0.2 0.3"), "unknown element 'LI' (did you mean 'Li'?)"},
      {"element_label", atom("Li_1 0 0 0 0.1 0.2 0.3"), "unknown element 'Li_1' (did you mean 'Li'?)"},
      {"element_unknown", atom("Qq 0 0 0 0.1 0.2 0.3"), "unknown element 'Qq'"},
      {"element_bytes", atom("\xc3\xa9 0 0 0 0.1 0.2 0.3"), "unknown element '\\xc3\\xa9'"},
      {"atomic_number_zero", "1\nProperties=Z:I:1:pos:R:3 energy=1\n0 0 0 0\n", "'0' is no atomic number"},
      {"atomic_number_119", "1\nProperties=Z:I:1:pos:R:3 energy=1\n119 0 0 0\n", "'119' is no atomic number"},
      {"elements_disagree", "1\nProperties=species:S:1:Z:I:1:pos:R:3 energy=1\nLi 4 0 0 0\n", "different elements"},
      {"mass_zero", "1\nProperties=species:S:1:pos:R:3:mass:R:1 energy=1\nLi 0 0 0 0\n", "mass must be positive"},
      {"energy_word", frame(cell + columns + "energy=low"), "line 2: energy: 'low' is not a number"},
      {"energy_nan", frame(cell + columns + "energy=nan"), "energy: 'nan' is not finite"},
      {"energy_overflow", frame(cell + columns + "energy=-1e400"), "energy: '-1e400' is not finite"},
      {"energy_two_numbers", frame(cell + columns + "energy=\"1 2\""), "energy: '1 2' is not a number"},
      {"energy_missing_value", frame(cell + columns + "energy="), "'energy' has no value"},
      {"energy_twice", frame(cell + columns + "energy=1 energy=2"), "'energy' is given twice"},
      {"quote_unclosed", frame("Lattice=\"5 0 0 0 5 0 0 0 5 " + columns), "is not closed"},
      {"quote_stray", frame(cell + columns + "energy=1\""), "stray quote"},
      {"quote_followed_by_text", frame("Lattice=\"5 0 0 0 5 0 0 0 5\"Å " + columns), "expected a blank after a closing quote"},
      {"bracket_unclosed", frame(cell + columns + "list=[1, 2, [3, 4]"), "bracket"},
      {"bracket_mismatched", frame(cell + columns + "list=[1, 2}"), "bracket"},
      {"value_without_name", frame(cell + columns + "=5"), "a value without a name"},
      {"lattice_singular", frame("Lattice=\"5 0 0 0 5 0 5 5 0\" " + columns), "singular"},
      {"lattice_zero", frame("Lattice=\"0 0 0 0 0 0 0 0 0\" " + columns), "singular"},
      {"lattice_eight_numbers", frame("Lattice=\"5 0 0 0 5 0 0 0\" " + columns), "Lattice has 8 numbers"},
      {"lattice_ten_numbers", frame("Lattice=\"5 0 0 0 5 0 0 0 5 5\" " + columns), "more than 9 numbers"},
      {"lattice_word", frame("Lattice=\"5 0 0 0 five 0 0 0 5\" " + columns), "'five' is not a number"},
      {"lattice_infinite", frame("Lattice=\"inf 0 0 0 5 0 0 0 5\" " + columns), "'inf' is not finite"},
      {"lattice_lower_case", frame("lattice=\"5 0 0 0 5 0 0 0 5\" " + columns), "did you mean 'Lattice'?"},
      {"pbc_two_values", frame(cell + columns + "pbc=\"T T\""), "must have three values"},
      {"pbc_unquoted", frame(cell + columns + "pbc=T T F"), "must have three values"},
      {"pbc_word", frame(cell + columns + "pbc=\"T T maybe\""), "'maybe' is neither T nor F"},
      {"pbc_without_lattice", frame(columns + "pbc=\"T T T\""), "but no Lattice"},
      {"properties_two_parts", frame(cell + "Properties=species:S"), "triplets"},
      {"properties_type", frame(cell + "Properties=species:S:1:pos:X:3"), "types are S, I, R and L"},
      {"properties_count_word", frame(cell + "Properties=species:S:1:pos:R:three"), "count 'three'"},
      {"properties_count_negative", frame(cell + "Properties=species:S:1:pos:R:3:x:R:-1"), "count '-1'"},
      {"properties_count_huge", frame(cell + "Properties=species:S:1:pos:R:3:x:R:99999999999"), "count '99999999999'"},
      {"properties_no_position", frame(cell + "Properties=species:S:1:forces:R:3"), "no positions; expected pos:R:3"},
      {"properties_no_elements", frame(cell + "Properties=pos:R:3"), "names no elements"},
      {"properties_column_twice", frame(cell + "Properties=species:S:1:pos:R:3:pos:R:3"), "'pos' is given twice"},
      {"properties_two_dimensions", frame(cell + "Properties=species:S:1:pos:R:2:forces:R:3"), "expected R:3"},
      {"properties_empty", frame(cell + "Properties="), "'Properties' has no value"},
      {"stress_without_cell", frame(columns + "stress=\"1 0 0 0 1 0 0 0 1\""), "without Lattice"},
      {"stress_against_virial", frame(cell + columns + "virial=\"1 0 0 0 1 0 0 0 1\" stress=\"1 0 0 0 1 0 0 0 1\""), "disagree"},
      {"virial_six_numbers", frame(cell + columns + "virial=\"1 0 0 0 1 0\""), "virial has 6 numbers"},
      {"step_fraction", frame(cell + columns + "step=1.5"), "step: '1.5' is not an integer"},
      {"time_word", frame(cell + columns + "time_fs=now"), "time_fs: 'now' is not a number"},
      {"binary", std::string("\x7f" "ELF\0\1\2\0\0\xff\xfe\n\0\0", 14), "expected the number of atoms"},
      {"zero_bytes", std::string(5000, '\0'), "expected the number of atoms"},
      {"long_line", "1\n" + cell + columns + std::string((std::size_t{16} << 20) + 100, 'x') + "\n" + line, "longer than 16 MiB"},
      {"many_keys", [&] {
         std::string keys;
         for (int k = 0; k < 10001; ++k) keys += "k ";
         return frame(cell + columns + keys);
       }(), "more than 10000 keys"},
  };
}

}  // namespace saltus
