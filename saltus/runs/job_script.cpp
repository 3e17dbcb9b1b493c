#include "saltus/runs/job_script.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"

namespace saltus::runs {

std::string_view slurm_template() {
  return R"(#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --ntasks={tasks}
#SBATCH --cpus-per-task=1
#SBATCH --time={hours}:00:00
#SBATCH --output={name}-%j.out
#SBATCH --signal=B:TERM@300
#SBATCH --requeue

# CP2K is started with srun on the tasks of this job (ranks = 0), one thread each.
export OMP_NUM_THREADS=1
cd {folder}

# Five minutes before the end the command is asked to stop in good order; the same job, submitted again, goes on.
trap 'kill -TERM "$running"; wait "$running"' TERM
{command} &
running=$!
wait "$running"
)";
}

std::string filled(std::string_view text, const std::map<std::string, std::string>& values) {
  std::string result;
  std::set<std::string> used;
  const auto is_word = [](std::string_view word) {
    return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if ((c == '{' || c == '}') && at + 1 < text.size() && text[at + 1] == c) {
      result += c;
      ++at;
      continue;
    }
    const std::size_t end = c == '{' && (at == 0 || text[at - 1] != '$') ? text.find('}', at) : std::string_view::npos;
    if (end == std::string_view::npos || !is_word(text.substr(at + 1, end - at - 1))) {
      result += c;
      continue;
    }
    const std::string word(text.substr(at + 1, end - at - 1));
    const auto found = values.find(word);
    if (found == values.end()) {
      std::vector<std::string> known;
      for (const auto& [name, value] : values) known.push_back(name);
      const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
      throw Error(ErrorKind::usage, fmt::format("line {} of the template: there is no value of {{{}}}{}: give it by --set {}=VALUE", line, word, did_you_mean(word, known), word));
    }
    result += found->second;
    used.insert(word);
    at = end;
  }
  for (const auto& [name, value] : values)
    if (!used.contains(name)) throw Error(ErrorKind::usage, fmt::format("the template has no place {{{}}}", name));
  return result;
}

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    const bool plain = !word.empty() && word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=,:+@%") == std::string::npos;
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace saltus::runs
