// The house rules that a machine can check: which room includes what, and what must not stand in any file.
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/files.hpp"
#include "saltus/base/text.hpp"

namespace {

namespace fs = std::filesystem;
using Rooms = std::map<std::string, std::set<std::string>>;

const fs::path root = SALTUS_SOURCE_DIR;

std::vector<std::string> lines_of(const fs::path& path) {
  std::istringstream stream(saltus::read_file(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::set<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// What a clone holds: everything but what .gitignore names.
std::vector<fs::path> tracked_files() {
  const std::set<fs::path> ignored{root / ".git", root / "build", root / "saltus-runs", root / "web" / "node_modules"};
  std::vector<fs::path> files;
  for (auto entry = fs::recursive_directory_iterator(root); entry != fs::recursive_directory_iterator(); ++entry) {
    if (ignored.contains(entry->path())) entry.disable_recursion_pending();
    else if (entry->is_regular_file()) files.push_back(entry->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<fs::path> sources_of(const std::string& top) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(root / top))
    if (entry.path().extension() == ".cpp" || entry.path().extension() == ".hpp") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string shown(const fs::path& path) { return path.lexically_relative(root).string(); }

/// saltus_room(NAME ROOMS a b c LIBRARIES …) of CMakeLists.txt.
Rooms rooms_of_cmake() {
  const std::string text = saltus::read_file(root / "CMakeLists.txt");
  const std::string call = "\nsaltus_room(";
  Rooms rooms;
  for (std::size_t at = 0; (at = text.find(call, at)) != std::string::npos; ++at) {
    const std::size_t begin = at + call.size();
    std::istringstream words(text.substr(begin, text.find(')', begin) - begin));
    std::string name, word, list;
    words >> name;
    for (rooms[name]; words >> word;)
      if (word == "ROOMS" || word == "LIBRARIES") list = word;
      else if (list == "ROOMS") rooms[name].insert(word);
  }
  return rooms;
}

/// | `room` | holds | may include | of docs/design.md.
Rooms rooms_of_design() {
  Rooms rooms;
  std::set<std::string> above;
  bool in_table = false;
  for (const std::string& line : lines_of(root / "docs" / "design.md")) {
    if (line.starts_with("| room | holds | may include |")) in_table = true;
    else if (in_table && !line.starts_with("|")) break;
    if (!in_table || !line.starts_with("| `")) continue;
    const std::string name = line.substr(3, line.find('`', 3) - 3);
    const std::size_t end = line.rfind(" |"), begin = line.rfind("| ", end - 1) + 2;
    const std::string list = line.substr(begin, end - begin);
    rooms[name] = list == "all above" ? above : list == "–" ? std::set<std::string>{} : words_of(list);
    above.insert(name);
  }
  return rooms;
}

struct Include {
  std::string name;
  std::size_t line;
};

std::vector<Include> includes_of(const fs::path& path) {
  std::vector<Include> includes;
  const auto lines = lines_of(path);
  for (std::size_t k = 0; k < lines.size(); ++k) {
    const std::size_t hash = lines[k].find_first_not_of(" \t"), open = lines[k].find_first_of("<\"");
    if (hash == std::string::npos || lines[k][hash] != '#' || open == std::string::npos) continue;
    if (saltus::trim(lines[k].substr(hash + 1, open - hash - 1)) != "include") continue;
    includes.push_back({lines[k].substr(open + 1, lines[k].find_first_of(">\"", open + 1) - open - 1), k + 1});
  }
  return includes;
}

TEST(Rooms, TheTablesOfCMakeAndTheDesignAgree) {
  Rooms design = rooms_of_design();
  ASSERT_EQ(design.size(), 14u);
  design.erase("cli");  // a program, not a library
  EXPECT_EQ(rooms_of_cmake(), design);
}

TEST(Rooms, IncludeOnlyWhatTheyMay) {
  const Rooms rooms = rooms_of_design();
  std::size_t checked = 0;
  for (const fs::path& path : sources_of("saltus")) {
    const std::string room = *std::next(path.lexically_relative(root).begin());
    ASSERT_TRUE(rooms.contains(room)) << shown(path) << ": no such room in docs/design.md";
    for (const Include& include : includes_of(path)) {
      const std::string place = shown(path) + ":" + std::to_string(include.line);
      EXPECT_EQ(include.name.find(".."), std::string::npos) << place << ": includes by a relative path";
      if (!include.name.starts_with("saltus/")) continue;
      const std::string other = *std::next(fs::path(include.name).begin());
      EXPECT_TRUE(other == room || rooms.at(room).contains(other)) << place << ": " << room << " may not include " << other;
      ++checked;
    }
  }
  EXPECT_GT(checked, 100u);
}

TEST(Rooms, KeepLibrariesToTheRoomsThatNeedThem) {
  const std::vector<std::pair<std::string, std::set<std::string>>> allowed{
      {"toml++/", {"runs"}},
      {"nlohmann/", {"models", "runs", "cli"}},
      {"sqlite3.h", {"runs", "cli"}},
      {"CLI/", {"cli"}},
      {"hwy/", {"kernels", "cli"}},
      {"cblas.h", {"kernels", "cli"}},
      {"lapacke.h", {"kernels"}},
      {"Eigen/", {"kinetics", "statics", "cli"}},
      {"torch/", {"training/torch"}},
      {"ATen/", {"training/torch"}},
      {"c10/", {"training/torch"}},
      {"fftw", {}},
  };
  for (const fs::path& path : sources_of("saltus")) {
    const std::string folder = path.parent_path().lexically_relative(root / "saltus").string(), room = folder.substr(0, folder.find('/'));
    for (const Include& include : includes_of(path))
      for (const auto& [library, rooms] : allowed)
        if (include.name.starts_with(library)) {
          EXPECT_TRUE(rooms.contains(room) || rooms.contains(folder))
              << shown(path) << ":" << include.line << ": <" << include.name << "> has no place in this room";
        }
  }
}

TEST(Rooms, HaveTests) {
  std::set<std::string> rooms;
  for (const fs::path& path : sources_of("saltus")) rooms.insert(*std::next(path.lexically_relative(root).begin()));
  for (const std::string& room : rooms) {
    std::size_t tests = 0;
    for (const auto& entry : fs::directory_iterator(root / "tests" / room)) tests += entry.path().string().ends_with("_test.cpp");
    EXPECT_GT(tests, 0u) << room;
  }
}

TEST(Sources, OpenWithWhatTheyAre) {
  for (const char* top : {"saltus", "bench"})
    for (const fs::path& path : sources_of(top)) {
      const auto lines = lines_of(path);
      ASSERT_FALSE(lines.empty()) << shown(path);
      // A source may leave the word to the header that it implements.
      const std::string own_room = "#include \"" + path.lexically_relative(root).parent_path().string() + "/";
      EXPECT_TRUE(lines[0].starts_with("// ") || (path.extension() == ".cpp" && lines[0].starts_with(own_room)))
          << shown(path) << ": does not say what it is";
      if (path.extension() == ".hpp") {
        EXPECT_NE(std::find(lines.begin(), lines.end(), "#pragma once"), lines.end()) << shown(path);
      }
    }
}

/// cmake/source_hash.cmake follows includes from header to implementation by name: from X.hpp to X.cpp and X_*.cpp.
TEST(Sources, AreNamedAfterAHeaderThatTheyInclude) {
  for (const fs::path& path : sources_of("saltus")) {
    const std::string room = *std::next(path.lexically_relative(root).begin());
    if (path.extension() != ".cpp" || room == "runs" || room == "cli") continue;
    bool named = false;
    for (const Include& include : includes_of(path)) {
      const fs::path header = include.name;
      const std::string stem = header.stem().string(), own = path.stem().string();
      named = named || (header.parent_path() == path.parent_path().lexically_relative(root) && (own == stem || own.starts_with(stem + "_")));
    }
    EXPECT_TRUE(named) << shown(path) << ": no header X.hpp of this room is included whose source may be called so (X.cpp, X_*.cpp)";
  }
}

TEST(Sources, AreBuiltForEveryMachineAndEveryNumber) {
  for (const fs::path& path : tracked_files()) {
    const bool builds = path.filename() == "CMakeLists.txt" || path.extension() == ".cmake" || path.filename() == "CMakePresets.json" ||
                        shown(path).starts_with("scripts/");
    if (!builds) continue;
    const std::string text = saltus::read_file(path);
    for (const char* flag : {"march=", "mtune=native", "ffast-math", "Ofast", "funsafe-math"})
      EXPECT_EQ(text.find(flag), std::string::npos) << shown(path) << ": -" << flag;
  }
}

TEST(Sources, NameNoMachine) {
  // Put together here, so that this file does not hold them.
  std::vector<std::string> patterns;
  for (const char* folder : {"work", "root", "home", "tmp", "farm"}) patterns.push_back(std::string("/") + folder + "/");
  for (const char* host : {"registry", "deb", "security", "pypi", "files.pythonhosted"}) patterns.push_back(std::string("https:") + "//" + host + ".");
  for (const fs::path& path : tracked_files()) {
    std::string text = saltus::read_file(path);
    // Where unix sockets of the i-PI protocol lie, on every machine.
    for (const char* name : {"ipi_", "qiskit_"}) {
      const std::string prefix = std::string("/") + "tmp/" + name;
      for (std::size_t at = 0; (at = text.find(prefix, at)) != std::string::npos;) text.erase(at, prefix.size());
    }
    for (const std::string& pattern : patterns) {
      const auto found = text.find(pattern);
      EXPECT_EQ(found, std::string::npos) << shown(path) << ": ..." << text.substr(found < 20 ? 0 : found - 20, 60);
    }
  }
}

}  // namespace
