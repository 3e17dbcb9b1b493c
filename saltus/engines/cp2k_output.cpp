#include "saltus/engines/cp2k_output.hpp"

#include <algorithm>
#include <cmath>

#include "saltus/base/text.hpp"

namespace saltus {

namespace {

constexpr std::size_t longest_line = 1 << 16;
constexpr std::size_t longest_message = 2000;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t begin = line.find_first_not_of(" \t\r", at);
    if (begin == std::string_view::npos) break;
    at = std::min(line.find_first_of(" \t\r", begin), line.size());
    words.push_back(line.substr(begin, at - begin));
  }
  return words;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::optional<double> last_number(std::string_view line) {
  const auto words = words_of(line);
  return words.empty() ? std::nullopt : parse_double(words.back());
}

}  // namespace

void Cp2kOutput::take(std::string_view bytes) {
  rest_ += bytes;
  std::size_t begin = 0;
  for (std::size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1) line(std::string_view(rest_).substr(begin, end - begin));
  rest_.erase(0, begin);
  if (rest_.size() > longest_line) rest_.clear();
}

void Cp2kOutput::line(std::string_view text) {
  if (in_abort_) {  // the text stands in a frame of stars, to the right of a picture
    const std::size_t first = text.find('*'), last = text.rfind('*');
    const bool rule = text.find_first_not_of(" *\r") == std::string_view::npos;
    if (rule || first == std::string_view::npos || last <= first) {
      if (!abort_.empty() || !rule) in_abort_ = false;
      return;
    }
    std::string_view inside = text.substr(first + 1, last - first - 1);
    if (inside.size() > 15) inside.remove_prefix(15);
    for (const std::string_view word : words_of(inside)) {
      if (contains(word, ".F:")) continue;
      if (abort_.size() < longest_message) (abort_ += abort_.empty() ? "" : " ") += word;
    }
    return;
  }
  if (contains(text, "PROGRAM STARTED AT")) {
    ++starts_;
    ended_ = false;
    abort_.clear();
    converged_ = true;
    first_of_start_ = evaluations_.size();
  } else if (contains(text, "[ABORT]")) {
    in_abort_ = true;
    abort_.clear();
  } else if (contains(text, "PROGRAM ENDED AT")) {
    ended_ = true;
  } else if (contains(text, "*** SCF run converged in")) {
    const auto words = words_of(text);
    for (std::size_t k = 0; k + 1 < words.size(); ++k)
      if (words[k] == "in")
        if (const auto n = parse_double(words[k + 1])) scf_steps_ = static_cast<int>(std::clamp(*n, 0.0, 1e6));
    converged_ = true;  // of several cycles, as of ot, the last one counts
  } else if (contains(text, "SCF run NOT converged")) {
    converged_ = false;
  } else if (contains(text, "outer SCF loop FAILED to converge")) {
    converged_ = false;
  } else if (contains(text, "ENERGY| Total FORCE_EVAL")) {
    Cp2kEvaluation& evaluation = evaluations_.emplace_back();
    evaluation.converged = converged_;
    evaluation.scf_steps = scf_steps_;
    if (const auto energy = last_number(text); energy && std::isfinite(*energy)) evaluation.energy_hartree = *energy;
    else evaluation.converged = false;
    converged_ = true;
    scf_steps_ = 0;
  } else if (contains(text, "STRESS| Analytical stress tensor [")) {
    stress_unit_gpa_ = contains(text, "[GPa]") ? 1 : contains(text, "[bar]") ? 1e-4 : 0;
    stress_rows_ = stress_unit_gpa_ > 0 ? 3 : 0;
  } else if (stress_rows_ > 0 && contains(text, "STRESS|")) {
    const auto words = words_of(text);
    if (words.size() != 5 || words[1] != std::string_view("xyz").substr(static_cast<std::size_t>(3 - stress_rows_), 1)) return;
    Vec3 row;
    for (int k = 0; k < 3; ++k) {
      const auto value = parse_double(words[static_cast<std::size_t>(2 + k)]);
      if (!value) {
        stress_rows_ = 0;
        return;
      }
      row[k] = *value * stress_unit_gpa_;
    }
    stress_[3 - stress_rows_] = row;
    if (--stress_rows_ == 0 && !evaluations_.empty()) evaluations_.back().stress_gpa = stress_;
  } else if (text.starts_with(" MD| Step number") && evaluations_.size() > first_of_start_) {
    const auto step = last_number(text);
    if (!step || !(std::abs(*step) < 1e15)) return;
    const auto number = static_cast<std::int64_t>(*step);
    if (evaluations_.size() == first_of_start_ + 2 && !evaluations_[first_of_start_].step) evaluations_[first_of_start_].step = number - 1;
    evaluations_.back().step = number;
  } else if (contains(text, "MD| CPU time per MD step [s]") && evaluations_.size() > first_of_start_) {
    const auto words = words_of(text);
    if (words.size() >= 2) evaluations_.back().seconds = parse_double(words[words.size() - 2]);
  }
}

}  // namespace saltus
