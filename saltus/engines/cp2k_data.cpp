#include "saltus/engines/cp2k_data.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/text.hpp"

namespace saltus {

namespace fs = std::filesystem;

namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t begin = line.find_first_not_of(" \t\r", at);
    if (begin == std::string_view::npos || line[begin] == '#' || line[begin] == '!') break;
    at = std::min(line.find_first_of(" \t\r", begin), line.size());
    words.push_back(line.substr(begin, at - begin));
  }
  return words;
}

bool starts_like_a_number(std::string_view word) { return word.find_first_not_of("0123456789+-.") == std::string_view::npos || (word[0] >= '0' && word[0] <= '9' && word.find('-') == std::string_view::npos); }

/// "…-q3" → 3; 0 when a name does not say.
int electrons_in(std::string_view name) {
  const std::size_t at = name.rfind("-q");
  if (at == std::string_view::npos || at + 2 >= name.size()) return 0;
  int count = 0;
  for (const char c : name.substr(at + 2)) {
    if (c < '0' || c > '9' || count > 1000) return 0;
    count = 10 * count + (c - '0');
  }
  return count;
}

int electrons_in(const Cp2kEntry& entry) {
  for (const std::string& name : entry.names)
    if (const int count = electrons_in(name)) return count;
  return 0;
}

/// What a list of "NAME" and "Element=NAME" says of an element; empty when nothing.
std::string chosen(const std::vector<std::string>& list, const std::string& element) {
  std::string general;
  for (const std::string& word : list) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) general = word;
    else if (word.substr(0, equals) == element) return word.substr(equals + 1);
  }
  return general;
}

void check_words(const std::vector<std::string>& list, const char* setting) {
  for (const std::string& word : list) {
    const auto equals = word.find('=');
    const std::string symbol = word.substr(0, equals);
    if (equals != std::string::npos && !atomic_number_of(symbol))
      throw Error(ErrorKind::usage, fmt::format("'{}': '{}': '{}' is no element", setting, word, symbol));
    if (word.empty() || equals + 1 == word.size()) throw Error(ErrorKind::usage, fmt::format("'{}': '{}' names nothing", setting, word));
    if (word.find_first_of(" \t\r\n&$@!#'\"") != std::string::npos) throw Error(ErrorKind::usage, fmt::format("'{}': '{}' is no name that CP2K has", setting, word));
  }
}

const char* family_of(const std::string& functional) {
  if (functional == "blyp") return "BLYP";
  if (functional == "bp") return "BP";
  if (functional == "lda") return "PADE";
  if (functional == "scan") return "SCAN";
  return "PBE";  // revPBE, RPBE and PBEsol too, as is usual
}

std::vector<Cp2kEntry> entries_of(const std::vector<std::string>& files, const fs::path& data, const fs::path& base, bool potentials, const char* setting) {
  std::vector<Cp2kEntry> all;
  if (files.empty()) throw Error(ErrorKind::usage, fmt::format("'{}' names no file", setting));
  for (const std::string& name : files) {
    const fs::path own = base / name, installed = data / name;
    std::error_code error;
    const fs::path file = fs::is_regular_file(own, error) ? own : installed;
    if (!fs::is_regular_file(file, error))
      throw Error(ErrorKind::file, fmt::format("'{}': there is neither {} nor {}", setting, own.string(), installed.string()));
    const auto entries = read_cp2k_entries(file, potentials);
    all.insert(all.end(), entries.begin(), entries.end());
  }
  return all;
}

[[noreturn]] void not_found(const std::vector<Cp2kEntry>& entries, const std::string& element, const std::string& what, const std::string& name) {
  std::vector<std::string> there;
  for (const Cp2kEntry& entry : entries)
    if (entry.element == element) there.push_back(entry.names.front());
  if (there.empty()) throw Error(ErrorKind::usage, fmt::format("CP2K: none of the {} files has an entry for {}", what, element));
  const std::string hint = did_you_mean(name, there);
  if (there.size() > 40) there.resize(40);
  throw Error(ErrorKind::usage, fmt::format("CP2K: no {} '{}' for {}{}; there are: {}", what, name, element, hint, join(there)));
}

}  // namespace

std::vector<Cp2kEntry> parse_cp2k_entries(std::string_view text, const fs::path& file, bool potentials) {
  std::vector<Cp2kEntry> entries;
  bool counting = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const auto words = words_of(text.substr(at, end - at));
    at = end + 1;
    if (words.empty()) continue;
    if (counting) {
      counting = false;
      int electrons = 0;
      for (const std::string_view word : words) {
        if (word.size() > 3 || word.find_first_not_of("0123456789") != std::string_view::npos) break;
        electrons += std::atoi(std::string(word).c_str());
      }
      entries.back().electrons = electrons;
      continue;
    }
    if (words.size() < 2 || words[0].size() > 2 || starts_like_a_number(words[1]) || !atomic_number_of(std::string(words[0]))) continue;
    Cp2kEntry& entry = entries.emplace_back();
    entry.element = words[0];
    for (std::size_t k = 1; k < words.size(); ++k) entry.names.emplace_back(words[k]);
    entry.file = file;
    counting = potentials;
  }
  if (entries.empty()) throw Error(ErrorKind::format, fmt::format("{}: no entry of an element in it: no file of CP2K's basis sets or potentials", file.string()));
  return entries;
}

std::vector<Cp2kEntry> read_cp2k_entries(const fs::path& file, bool potentials) { return parse_cp2k_entries(read_file(file), file, potentials); }

fs::path cp2k_data_folder(const std::string& set) {
  std::vector<fs::path> places;
  const char* environment = std::getenv("CP2K_DATA_DIR");
  if (!set.empty()) places = {set};
  else if (environment && *environment) places = {environment};
  else places = {"/usr/share/cp2k", "/usr/share/cp2k/data", "/usr/local/share/cp2k/data", "/opt/cp2k/data"};
  std::string looked;
  for (const fs::path& place : places) {
    std::error_code error;
    if (fs::is_regular_file(place / "BASIS_MOLOPT", error)) return place;
    looked += (looked.empty() ? "" : ", ") + place.string();
  }
  throw Error(ErrorKind::file, fmt::format("CP2K's data folder (BASIS_MOLOPT, GTH_POTENTIALS, …) is not in {}: install it (Debian, Ubuntu: apt-get install cp2k), or name "
                                           "it by 'data_folder' or CP2K_DATA_DIR", looked));
}

std::vector<Cp2kKind> cp2k_kinds(const Cp2kSettings& settings, std::span<const std::string> elements, const fs::path& base_folder) {
  check_words(settings.basis, "basis");
  check_words(settings.potential, "potential");
  const fs::path data = cp2k_data_folder(settings.data_folder);
  const auto bases = entries_of(settings.basis_files, data, base_folder, false, "basis_files");
  const auto potentials = entries_of(settings.potential_files, data, base_folder, true, "potential_files");
  const auto named = [](const Cp2kEntry& entry, const std::string& name) { return std::find(entry.names.begin(), entry.names.end(), name) != entry.names.end(); };
  std::vector<Cp2kKind> kinds;
  for (const std::string& element : elements) {
    const std::string basis = chosen(settings.basis, element), potential = chosen(settings.potential, element);
    if (basis.empty()) throw Error(ErrorKind::usage, fmt::format("'basis' names none for {}: give one for all, or {}=NAME", element, element));
    const auto own = [&](const Cp2kEntry& entry) { return entry.element == element; };
    const auto first = std::find_if(bases.begin(), bases.end(), [&](const Cp2kEntry& e) { return own(e) && named(e, basis); });
    if (first == bases.end()) not_found(bases, element, "basis set", basis);
    const int electrons = electrons_in(*first);
    auto found = potentials.end();
    const std::string family = fmt::format("GTH-{}", family_of(settings.functional));
    if (!potential.empty()) found = std::find_if(potentials.begin(), potentials.end(), [&](const Cp2kEntry& e) { return own(e) && named(e, potential); });
    else if (electrons) found = std::find_if(potentials.begin(), potentials.end(), [&](const Cp2kEntry& e) { return own(e) && named(e, fmt::format("{}-q{}", family, electrons)); });
    else found = std::find_if(potentials.begin(), potentials.end(), [&](const Cp2kEntry& e) { return own(e) && named(e, family); });
    const std::string wanted = !potential.empty() ? potential : electrons ? fmt::format("{}-q{}", family, electrons) : family;
    if (found == potentials.end()) not_found(potentials, element, "pseudopotential", wanted);
    if (electrons && found->electrons && electrons != found->electrons)
      throw Error(ErrorKind::usage, fmt::format("CP2K: the basis set {} of {} is for {} valence electrons, the potential {} has {}", basis, element, electrons, wanted, found->electrons));
    kinds.push_back({element, basis, wanted, found->electrons, first->file, found->file});
  }
  return kinds;
}

void copy_own_files(std::span<const Cp2kKind> kinds, const fs::path& data_folder, const fs::path& folder) {
  for (const Cp2kKind& kind : kinds)
    for (const fs::path& file : {kind.basis_file, kind.potential_file}) {
      std::error_code error;
      if (!fs::equivalent(fs::absolute(file).parent_path(), data_folder, error)) fs::copy_file(file, folder / file.filename(), fs::copy_options::overwrite_existing);
    }
}

}  // namespace saltus
