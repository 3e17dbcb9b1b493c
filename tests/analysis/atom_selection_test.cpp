#include "saltus/analysis/atom_selection.hpp"

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"

namespace saltus {
namespace {

// Two waters, a hydroxide, a sodium; far apart.
Frame sample(bool labels = true) {
  Frame frame;
  frame.cell = Cell(Mat3{{Vec3{20, 0, 0}, Vec3{0, 20, 0}, Vec3{0, 0, 20}}});
  Atoms atoms = atoms_of({8, 1, 1, 8, 1, 1, 8, 1, 11});
  frame.position_ang = {{0, 0, 0}, {0.97, 0, 0}, {19.8, 0.9, 0}, {5, 5, 5}, {5.9, 5, 5}, {5, 5.9, 5}, {10, 10, 10}, {10, 10, 10.97}, {15, 15, 15}};
  if (labels)
    atoms.labels = std::make_shared<const AtomLabels>(AtomLabels{{"OW", "HW1", "HW2", "OW", "HW1", "HW2", "O", "H", "NA"},
                                                                 {"SOL", "SOL", "SOL", "SOL", "SOL", "SOL", "OH", "OH", "NA"},
                                                                 {1, 1, 1, 2, 2, 2, 3, 3, 4}});
  frame.atoms = std::make_shared<const Atoms>(std::move(atoms));
  return frame;
}

using Indices = std::vector<std::uint32_t>;

std::string message_of(const std::string& text, bool labels = true) {
  try {
    select_atoms(text, sample(labels));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage) << text;
    return error.what();
  }
  return "no error";
}

TEST(AtomSelection, EachKeyword) {
  const Frame frame = sample();
  const auto of = [&](const char* text) { return select_atoms(text, frame); };
  EXPECT_EQ(of("all").size(), 9u);
  EXPECT_EQ(of("element O"), (Indices{0, 3, 6}));
  EXPECT_EQ(of("O"), of("element O"));
  EXPECT_EQ(of("Na,O"), (Indices{0, 3, 6, 8}));
  EXPECT_EQ(of("element O, Na"), (Indices{0, 3, 6, 8}));
  EXPECT_EQ(of("name OW"), (Indices{0, 3}));
  EXPECT_EQ(of("name HW* H"), (Indices{1, 2, 4, 5, 7}));
  EXPECT_EQ(of("name ?W"), (Indices{0, 3}));
  EXPECT_EQ(of("name *1"), (Indices{1, 4}));
  EXPECT_EQ(of("residue OH NA"), (Indices{6, 7, 8}));
  EXPECT_EQ(of("resid 2-3"), (Indices{3, 4, 5, 6, 7}));
  EXPECT_EQ(of("index 0-1,8"), (Indices{0, 1, 8}));
  EXPECT_EQ(of("molecule H2O"), (Indices{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(of("molecule OH2"), of("molecule H2O"));
  EXPECT_EQ(of("molecule OH Na"), (Indices{6, 7, 8}));
}

TEST(AtomSelection, PrecedenceAndParentheses) {
  const Frame frame = sample();
  const auto of = [&](const char* text) { return select_atoms(text, frame); };
  EXPECT_EQ(of("element Na or element O and residue OH"), (Indices{6, 8}));
  EXPECT_EQ(of("(element Na or element O) and residue OH"), (Indices{6}));
  EXPECT_EQ(of("not H and not Na"), (Indices{0, 3, 6}));
  EXPECT_EQ(of("not (H or Na)"), (Indices{0, 3, 6}));
  EXPECT_EQ(of("not not O"), (Indices{0, 3, 6}));
  EXPECT_EQ(of("((O))and(not resid 3)"), (Indices{0, 3}));
  EXPECT_EQ(of("molecule H2O and element O"), (Indices{0, 3}));
}

TEST(AtomSelection, WhatDoesNotMatchIsRefusedWithWhatThereIs) {
  EXPECT_EQ(message_of("element Li"), "selection 'element Li': 'Li' (in 'element Li') matches no atom; there are 5 H, 3 O, 1 Na");
  EXPECT_EQ(message_of("name HW3"), "selection 'name HW3': 'HW3' (in 'name HW3') matches no atom (did you mean 'HW1'?); there are 2 HW1, 2 HW2, 2 OW, 1 H, 1 NA, 1 O (numbers of atoms)");
  EXPECT_NE(message_of("name OW OX").find("'OX' (in 'name OW OX') matches no atom"), std::string::npos);
  EXPECT_NE(message_of("resid 9-12").find("there are residues from 1 to 4"), std::string::npos);
  EXPECT_NE(message_of("index 3-9").find("there is no atom 9; there are 9 atoms, counted from 0"), std::string::npos);
  EXPECT_NE(message_of("molecule CO2").find("there are molecules 2 H2O, 1 HO, 1 Na"), std::string::npos);
  EXPECT_EQ(message_of("name OW and residue OH"),
            "the selection 'name OW and residue OH' matches none of 9 atoms; by themselves match 'name OW' 2, 'residue OH' 2");
  EXPECT_NE(message_of("name OW", false).find("needs names of atoms, which the trajectory does not have; give a topology"), std::string::npos);
  EXPECT_NE(message_of("resid 1", false).find("needs numbers of residues"), std::string::npos);
  EXPECT_EQ(select_atoms("molecule H2O and O", sample(false)), (Indices{0, 3}));
}

TEST(AtomSelection, FaultsOfTheTextNameTheirPlace) {
  EXPECT_NE(message_of("nam OW").find("character 1 ('nam'): expected 'element', 'name', 'residue', 'resid', 'index', 'molecule', 'all', or symbols of elements (did you mean 'name'?)"),
            std::string::npos);
  EXPECT_NE(message_of("OW").find("write 'name OW' or 'residue OW'"), std::string::npos);
  EXPECT_NE(message_of("element na").find("no symbol of an element (did you mean 'Na'?)"), std::string::npos);
  EXPECT_NE(message_of("O residue SOL").find("character 3 ('residue'): expected 'and', 'or' or the end"), std::string::npos);
  EXPECT_NE(message_of("(O or H").find("at its end: expected ')'"), std::string::npos);
  EXPECT_NE(message_of("O)").find("character 2 (')'): no parenthesis is open"), std::string::npos);
  EXPECT_NE(message_of("O and").find("at its end: expected a group of atoms"), std::string::npos);
  EXPECT_NE(message_of("name and O").find("character 6 ('and'): expected what 'name' is to match"), std::string::npos);
  EXPECT_NE(message_of("index 5-3").find("expected a number or a range"), std::string::npos);
  EXPECT_NE(message_of("index -3").find("expected a number or a range"), std::string::npos);
  EXPECT_NE(message_of("molecule water").find("expected the formula"), std::string::npos);
  EXPECT_NE(message_of(" ").find("an empty selection"), std::string::npos);
  EXPECT_NE(message_of(std::string(200, '(')).find("nested more than 100 deep"), std::string::npos);
  std::string nots;
  for (int k = 0; k < 200; ++k) nots += "not ";
  EXPECT_NE(message_of(nots + "O").find("nested more than 100 deep"), std::string::npos);
}

}  // namespace
}  // namespace saltus
