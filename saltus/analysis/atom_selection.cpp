#include "saltus/analysis/atom_selection.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "saltus/analysis/molecules.hpp"
#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"

namespace saltus {

namespace {

using Operation = AtomSelection::Operation;
using Step = AtomSelection::Step;

constexpr int deepest = 100;
constexpr std::size_t most_listed = 12;

const std::vector<std::pair<std::string, Operation>> list_keywords{{"element", Operation::element}, {"name", Operation::name},
                                                                   {"residue", Operation::residue}, {"resid", Operation::resid},
                                                                   {"index", Operation::index},     {"molecule", Operation::molecule}};

std::optional<Operation> keyword(std::string_view word) {
  for (const auto& [name, operation] : list_keywords)
    if (word == name) return operation;
  return std::nullopt;
}

bool is_reserved(std::string_view word) {
  return word == "and" || word == "or" || word == "not" || word == "all" || word == "(" || word == ")" || keyword(word);
}

std::optional<std::pair<std::int64_t, std::int64_t>> range_from(std::string_view word) {
  const std::size_t dash = word.find('-');
  const auto low = parse_int(word.substr(0, dash));
  const auto high = dash == std::string_view::npos ? low : parse_int(word.substr(dash + 1));
  if (!low || !high || *low < 0 || *high < *low) return std::nullopt;
  return std::pair{*low, *high};
}

// "H2O" as numbers of atoms by atomic number.
std::optional<std::map<int, std::int64_t>> composition_from(std::string_view text) {
  std::map<int, std::int64_t> count;
  while (!text.empty()) {
    std::size_t letters = std::min<std::size_t>(text.size(), 2);
    std::optional<std::uint8_t> element;
    for (; letters > 0 && !element; --letters) element = atomic_number_of(text.substr(0, letters));
    if (!element) return std::nullopt;
    text.remove_prefix(letters + 1);
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto times = digits == 0 ? std::optional<std::int64_t>(1) : parse_int(text.substr(0, digits));
    if (!times || *times < 1 || *times > 1'000'000'000) return std::nullopt;
    count[*element] += *times;
    text.remove_prefix(digits);
  }
  return count;
}

struct Token {
  std::string_view word;
  std::size_t at = 0;  // character, from 0
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {
    const std::string_view breaks = " \t\r\n,()";
    for (std::size_t at = 0; at < text.size();) {
      if (text[at] == '(' || text[at] == ')') {
        tokens_.push_back({text.substr(at, 1), at});
        ++at;
      } else if (breaks.find(text[at]) != std::string_view::npos) {
        ++at;
      } else {
        const std::size_t stop = std::min(text.find_first_of(breaks, at), text.size());
        tokens_.push_back({text.substr(at, stop - at), at});
        at = stop;
      }
    }
  }

  AtomSelection selection() {
    if (tokens_.empty()) throw Error(ErrorKind::usage, "an empty selection of atoms; 'all' is all of them");
    either(0);
    if (next_ < tokens_.size()) fail(word() == ")" ? "no parenthesis is open before this one" : "expected 'and', 'or' or the end");
    return {std::string(text_), std::move(steps_)};
  }

 private:
  std::string_view word() const { return next_ < tokens_.size() ? tokens_[next_].word : std::string_view{}; }

  [[noreturn]] void fail(const std::string& why) const {
    const bool end = next_ == tokens_.size();
    throw Error(ErrorKind::usage, fmt::format("selection '{}', {}: {}", text_,
                                              end ? std::string("at its end") : fmt::format("character {} ('{}')", tokens_[next_].at + 1, word()), why));
  }

  void either(int depth) {
    both(depth);
    while (word() == "or") {
      ++next_;
      both(depth);
      steps_.push_back({Operation::either, {}, "or"});
    }
  }

  void both(int depth) {
    single(depth);
    while (word() == "and") {
      ++next_;
      single(depth);
      steps_.push_back({Operation::both, {}, "and"});
    }
  }

  void single(int depth) {
    if (depth == deepest) fail(fmt::format("nested more than {} deep", deepest));
    if (word() == "not") {
      ++next_;
      single(depth + 1);
      steps_.push_back({Operation::negate, {}, "not"});
    } else if (word() == "(") {
      ++next_;
      either(depth + 1);
      if (word() != ")") fail("expected ')' here, for a parenthesis that is open");
      ++next_;
    } else if (word() == "all") {
      ++next_;
      steps_.push_back({Operation::all, {}, "all"});
    } else {
      list();
    }
  }

  void list() {
    const auto known = keyword(word());
    if (!known && (next_ == tokens_.size() || is_reserved(word()))) fail("expected a group of atoms");
    if (!known && !atomic_number_of(word())) fail(fmt::format("expected {}, or symbols of elements{}", expected_keywords(), meant(word())));
    Step step{known.value_or(Operation::element), {}, {}};
    const std::size_t begin = tokens_[next_].at;
    if (known) ++next_;
    std::size_t end = begin;
    for (; next_ < tokens_.size() && !is_reserved(word()); ++next_) {
      check(step.operation, known.has_value());
      step.words.emplace_back(word());
      end = tokens_[next_].at + word().size();
    }
    if (step.words.empty()) fail(fmt::format("expected what '{}' is to match", text_.substr(begin, text_.find_first_of(" \t\r\n,()", begin) - begin)));
    step.text = text_.substr(begin, end - begin);
    steps_.push_back(std::move(step));
  }

  // The word at hand as one of a list.
  void check(Operation operation, bool after_keyword) const {
    switch (operation) {
      case Operation::element:
        if (!atomic_number_of(word())) {
          std::string as_symbol(word());
          for (std::size_t k = 0; k < as_symbol.size(); ++k) {
            char& c = as_symbol[k];
            if (k == 0 && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
            if (k > 0 && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
          }
          fail(fmt::format("no symbol of an element{}{}", atomic_number_of(as_symbol) ? fmt::format(" (did you mean '{}'?)", as_symbol) : "",
                           after_keyword ? "" : fmt::format("; between groups stand 'and' or 'or', before a list stands {}", expected_keywords())));
        }
        break;
      case Operation::resid:
      case Operation::index:
        if (!range_from(word())) fail("expected a number or a range, such as 7 or 0-99");
        break;
      case Operation::molecule:
        if (!composition_from(word())) fail("expected the formula of a molecule, such as H2O");
        break;
      default: break;
    }
  }

  static std::string expected_keywords() {
    std::string text;
    for (const auto& [name, operation] : list_keywords) text += fmt::format("'{}', ", name);
    return text + "'all'";
  }

  static std::string meant(std::string_view word) {
    std::vector<std::string> names{"all", "not"};
    for (const auto& [name, operation] : list_keywords) names.push_back(name);
    const std::string near = did_you_mean(word, names);
    return near.empty() ? fmt::format("; for atoms or residues of this name write 'name {}' or 'residue {}'", word, word) : near;
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  std::vector<Step> steps_;
};

// * any letters, ? one.
bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, tried = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      tried = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++tried;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// "1024 HW1, 512 OW": the most frequent first.
std::string listed(const std::map<std::string, std::size_t>& count) {
  std::vector<std::pair<std::string, std::size_t>> by_count(count.begin(), count.end());
  std::stable_sort(by_count.begin(), by_count.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> words;
  for (std::size_t k = 0; k < std::min(by_count.size(), most_listed); ++k) words.push_back(fmt::format("{} {}", by_count[k].second, by_count[k].first));
  if (by_count.size() > most_listed) words.push_back(fmt::format("and {} more", by_count.size() - most_listed));
  return join(words);
}

using Mask = std::vector<char>;

class Evaluation {
 public:
  Evaluation(const AtomSelection& selection, const Frame& frame) : selection_(selection), frame_(frame), atoms_(*frame.atoms) {}

  std::vector<std::uint32_t> atoms() {
    std::vector<Mask> stack;
    std::vector<std::string> matched;
    for (const Step& step : selection_.steps) {
      if (step.operation == Operation::negate) {
        for (char& in : stack.back()) in = !in;
      } else if (step.operation == Operation::both || step.operation == Operation::either) {
        const Mask second = std::move(stack.back());
        stack.pop_back();
        for (std::size_t i = 0; i < second.size(); ++i)
          stack.back()[i] = step.operation == Operation::both ? stack.back()[i] && second[i] : stack.back()[i] || second[i];
      } else {
        stack.push_back(list(step));
        matched.push_back(fmt::format("'{}' {}", step.text, std::count(stack.back().begin(), stack.back().end(), 1)));
      }
    }
    std::vector<std::uint32_t> found;
    for (std::size_t i = 0; i < atoms_.size(); ++i)
      if (stack.back()[i]) found.push_back(static_cast<std::uint32_t>(i));
    if (found.empty())
      throw Error(ErrorKind::usage, fmt::format("the selection '{}' matches none of {} atoms; by themselves match {}", selection_.text, atoms_.size(), join(matched)));
    return found;
  }

 private:
  [[noreturn]] void nothing(const Step& step, const std::string& word, const std::string& there_are, const std::string& meant = {}) const {
    throw Error(ErrorKind::usage, fmt::format("selection '{}': '{}'{} matches no atom{}; there are {}", selection_.text, word,
                                              step.words.size() > 1 || step.text != word ? fmt::format(" (in '{}')", step.text) : "", meant, there_are));
  }

  Mask list(const Step& step) {
    const std::size_t n = atoms_.size();
    Mask mask(n, step.operation == Operation::all);
    const auto take = [&](const auto& belongs) {
      bool any = false;
      for (std::size_t i = 0; i < n; ++i)
        if (belongs(i)) mask[i] = 1, any = true;
      return any;
    };
    for (const std::string& word : step.words) switch (step.operation) {
        case Operation::element: {
          const int z = *atomic_number_of(word);
          if (!take([&](std::size_t i) { return atoms_.atomic_number[i] == z; }))
            nothing(step, word, counted([&](std::size_t i) { return std::string(symbol_of(atoms_.atomic_number[i])); }));
          break;
        }
        case Operation::name:
        case Operation::residue: {
          const auto& names = labels(step);
          if (!take([&](std::size_t i) { return matches(word, names[i]); })) {
            std::map<std::string, std::size_t> count;
            for (const auto& name : names) ++count[name];
            std::vector<std::string> known;
            for (const auto& [name, times] : count) known.push_back(name);
            nothing(step, word, listed(count) + " (numbers of atoms)", did_you_mean(word, known));
          }
          break;
        }
        case Operation::resid: {
          const std::int64_t low = range_from(word)->first, high = range_from(word)->second;
          if (!atoms_.labels || atoms_.labels->residue.empty()) no_labels(step, "numbers of residues");
          const auto& residue = atoms_.labels->residue;
          if (!take([&](std::size_t i) { return residue[i] >= low && residue[i] <= high; })) {
            const auto [least, most] = std::minmax_element(residue.begin(), residue.end());
            nothing(step, word, fmt::format("residues from {} to {}", *least, *most));
          }
          break;
        }
        case Operation::index: {
          const auto [low, high] = *range_from(word);
          if (static_cast<std::uint64_t>(high) >= n)
            throw Error(ErrorKind::usage, fmt::format("selection '{}': there is no atom {}; there are {} atoms, counted from 0", selection_.text, high, n));
          for (auto i = static_cast<std::size_t>(low); i <= static_cast<std::size_t>(high); ++i) mask[i] = 1;
          break;
        }
        case Operation::molecule: {
          const auto wanted = composition_from(word);
          find_molecules();
          std::vector<char> is_wanted;
          for (const std::string& formula : formulas_) is_wanted.push_back(composition_from(formula) == wanted);
          if (!take([&](std::size_t i) { return is_wanted[molecule_[i]]; })) {
            std::map<std::string, std::size_t> count;
            for (const std::string& formula : formulas_) ++count[formula];
            nothing(step, word, "molecules " + listed(count));
          }
          break;
        }
        default: break;
      }
    return mask;
  }

  std::string counted(const std::function<std::string(std::size_t)>& name_of) const {
    std::map<std::string, std::size_t> count;
    for (std::size_t i = 0; i < atoms_.size(); ++i) ++count[name_of(i)];
    return listed(count);
  }

  [[noreturn]] void no_labels(const Step& step, const char* what) const {
    throw Error(ErrorKind::usage, fmt::format("selection '{}': '{}' needs {}, which the trajectory does not have; give a topology that does (--topology FILE.gro), "
                                              "or select by element, index or molecule",
                                              selection_.text, step.text, what));
  }

  const std::vector<std::string>& labels(const Step& step) const {
    const bool atoms = step.operation == Operation::name;
    const char* what = atoms ? "names of atoms" : "names of residues";
    if (!atoms_.labels) no_labels(step, what);
    const auto& names = atoms ? atoms_.labels->atom_name : atoms_.labels->residue_name;
    if (names.empty()) no_labels(step, what);
    return names;
  }

  void find_molecules() {
    if (!molecule_.empty()) return;
    molecule_ = molecule_of_each_atom(frame_, MoleculeRule::bonds);
    formulas_ = molecule_formulas(atoms_, molecule_);
  }

  const AtomSelection& selection_;
  const Frame& frame_;
  const Atoms& atoms_;
  std::vector<std::uint32_t> molecule_;
  std::vector<std::string> formulas_;
};

}  // namespace

AtomSelection parse_selection(std::string_view text) { return Parser(text).selection(); }

std::vector<std::uint32_t> selected_atoms(const AtomSelection& selection, const Frame& first) { return Evaluation(selection, first).atoms(); }

std::vector<std::uint32_t> select_atoms(std::string_view text, const Frame& first) { return selected_atoms(parse_selection(text), first); }

}  // namespace saltus
