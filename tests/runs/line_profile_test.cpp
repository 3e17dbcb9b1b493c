#include "saltus/runs/line_profile.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "saltus/base/error.hpp"

namespace saltus::runs {
namespace {

using kinetics::Line;
using kinetics::LineEnds;

const Line ring{0, 20, LineEnds::periodic}, slit{-3, 7, LineEnds::walls};

double diffusion_at(const Line& line, const std::vector<std::string>& terms, double z) {
  return line_profile({line, terms, {}, ""}).at(z).diffusion_ang2_fs * 1000;
}

double free_energy_at(const Line& line, const std::vector<std::string>& terms, double z) {
  return line_profile({line, {"0.23"}, terms, ""}).at(z).free_energy_kt;
}

TEST(LineProfile, Terms) {
  EXPECT_NEAR(diffusion_at(ring, {"0.23"}, 3), 0.23, 1e-12);
  EXPECT_NEAR(diffusion_at(ring, {"0.23", "cosine:0.05,10,1"}, 2), 0.23 + 0.05 * std::cos(0.2 * std::numbers::pi), 1e-9);
  EXPECT_NEAR(diffusion_at(ring, {"0.23", "gauss:-0.1,19,2"}, 1), 0.23 - 0.1 * std::exp(-0.5), 1e-9);  // through the end of the period
  EXPECT_NEAR(diffusion_at(slit, {"0.05", "step:0.18,0,2.5"}, 1), 0.05 + 0.09 * (1 + std::tanh(0.4)), 1e-9);
  EXPECT_NEAR(diffusion_at(slit, {"0.23", "walls:-0.1,2"}, -2), 0.23 - 0.1 * (std::exp(-0.5) + std::exp(-4.5)), 1e-9);
  EXPECT_NEAR(free_energy_at(slit, {"layers:0.8,3,4"}, -2), 0.8 * (std::cos(2 * std::numbers::pi / 3) * std::exp(-0.25) + std::exp(-2.25)), 1e-9);
  EXPECT_NEAR(free_energy_at(slit, {"slope:-0.5,1"}, 3), -1, 1e-9);
  EXPECT_NEAR(free_energy_at(slit, {"harmonic:0.5,1"}, 3), 1, 1e-9);
}

std::pair<ErrorKind, std::string> refusal(const LineProfileSettings& settings) {
  try {
    line_profile(settings);
  } catch (const Error& error) {
    return {error.kind(), error.what()};
  }
  return {ErrorKind::internal, "no error"};
}

TEST(LineProfile, RefusesTermsThatCannotBeMeant) {
  const auto expect = [](const Line& line, const std::vector<std::string>& terms, const std::string& part) {
    const auto [kind, message] = refusal({line, terms, {}, ""});
    EXPECT_EQ(kind, ErrorKind::usage);
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(ring, {}, "either as terms or by a table");
  expect(ring, {"0.23", "cosin:1,2,3"}, "did you mean 'cosine'");
  expect(ring, {"0.23", "cosine:1,2"}, "2 numbers; expected cosine:A,LENGTH,Z0");
  expect(ring, {"0.23", "cosine:1,x,2"}, "'x' is no number");
  expect(ring, {"0.23", "cosine:0.1,nan,2"}, "no number");
  expect(ring, {"0.23", "cosine"}, "0 numbers");
  expect(ring, {"0.23", "gauss:1,2,0"}, "0 is not above 0");
  expect(ring, {"0.23", "cosine:0.1,7,0"}, "at the other; choose another period");
  expect(ring, {"0.23", "slope:0.01,0"}, "needs walls");
  expect(slit, {"0.23", "gauss:-0.3,1,1"}, "expected above 0");
}

TEST(LineProfile, Tables) {
  const std::string path = std::filesystem::temp_directory_path() / ("saltus_line_profile_" + std::to_string(::getpid()) + ".txt");
  const auto write = [&](const std::string& text) { std::ofstream(path) << text; };
  write("# z D F\n0 0.1 1\n5 0.2 0\n10 0.4 0.5\n15 0.2 0\n20 0.1 1\n");
  const auto profile = line_profile({ring, {}, {}, path});
  EXPECT_NEAR(profile.at(5).diffusion_ang2_fs, 0.2e-3, 1e-9);
  EXPECT_NEAR(profile.at(10).free_energy_kt, 0.5, 1e-9);
  EXPECT_NEAR(profile.at(2.5).diffusion_ang2_fs, profile.at(17.5).diffusion_ang2_fs, 1e-10);
  // Two columns, and F from terms; rows of a period need not begin at 0.
  write("-2 0.1\n3 0.2\n8 0.4\n13 0.2\n");
  const auto shifted = line_profile({ring, {}, {"cosine:1,20,0"}, path});
  EXPECT_NEAR(shifted.at(18).diffusion_ang2_fs, 0.1e-3, 1e-9);
  EXPECT_NEAR(shifted.at(10).free_energy_kt, -1, 1e-9);
  const auto expect = [&](const std::string& text, const Line& line, ErrorKind kind, const std::string& part) {
    write(text);
    const auto [seen, message] = refusal({line, {}, {}, path});
    EXPECT_EQ(seen, kind);
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find(path), 0u) << message;
  };
  expect("0 1\n5 2\n", ring, ErrorKind::format, "expected one period of 20 Å");
  expect("0 1\n10 2\n20 3\n", ring, ErrorKind::format, "but differ");
  expect("0 1\n5 2\n", slit, ErrorKind::format, "expected -3 to 7 Å");
  expect("0 1\n0 2\n", slit, ErrorKind::format, "row 2: z is 0 after 0");
  expect("0 1\n1 -2\n", slit, ErrorKind::format, "row 2: D is -2");
  expect("0\n1\n", slit, ErrorKind::format, "1 columns");
  expect("0 1\n", slit, ErrorKind::format, "one row");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace saltus::runs
