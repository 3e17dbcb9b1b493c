// Golden files of plain numbers: whitespace separated, '#' begins a comment line.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace saltus::kinetics {

inline std::vector<std::string> golden_lines(const std::string& name) {
  std::ifstream file(std::string(SALTUS_SOURCE_DIR) + "/tests/golden/kinetics/" + name);
  if (!file) throw std::runtime_error("cannot open golden file " + name);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  }
  return lines;
}

inline std::vector<double> golden_numbers(const std::string& name) {
  std::vector<double> numbers;
  for (const std::string& line : golden_lines(name)) {
    std::istringstream words(line);
    for (std::string word; words >> word;) numbers.push_back(std::stod(word));
  }
  return numbers;
}

}  // namespace saltus::kinetics
