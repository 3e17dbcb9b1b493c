// What saltus msm found, as a document and as a table.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "saltus/kinetics/first_passage.hpp"
#include "saltus/kinetics/markov_study.hpp"
#include "saltus/kinetics/posterior_study.hpp"

namespace saltus::cli {

struct TransitionPaths {
  std::vector<int> from, to;  ///< places in the connected set
  kinetics::ReactiveFlux flux;
  std::vector<kinetics::ReactivePath> paths;
  std::vector<double> first_passage_fs;  ///< [states of the model] to `to`
  std::optional<Estimate> rate_per_fs;   ///< with its interval
  std::vector<std::optional<Estimate>> committor_interval, first_passage_interval_fs;  ///< [states of the model]
  std::string interval_note;             ///< what the intervals come from, or why there are none
};

struct MsmFindings {
  std::string input;
  std::string counting;      ///< "sliding", …; empty: counts were given
  std::string estimator;     ///< "reversible", "reversible, stationary prescribed", "without detailed balance"
  int n_input_states = 0;
  kinetics::MarkovStudy study;
  std::vector<kinetics::MarkovStudy> lags;
  std::optional<kinetics::MetastableSets> sets;
  std::optional<kinetics::ChapmanKolmogorov> test;
  std::optional<kinetics::PosteriorStudy> posterior;
  std::optional<TransitionPaths> paths;
  std::vector<std::string> warnings;
};

/// States up to which the document holds the whole transition matrix.
inline constexpr int dense_states = 2000;

nlohmann::ordered_json document_of(const MsmFindings& findings);
std::string text_of(const MsmFindings& findings);
/// One row a state.
std::string csv_of(const MsmFindings& findings);

}  // namespace saltus::cli
