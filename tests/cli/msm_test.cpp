// saltus msm: golden matrices through files, text and .npy, and what it refuses.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "run_saltus.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/random.hpp"
#include "saltus/io/number_table.hpp"
#include "session.hpp"

namespace {

using namespace saltus;
using nlohmann::json;
using session::Folder;

const std::string golden = SALTUS_SOURCE_DIR "/tests/golden/kinetics/";

json found(const std::string& arguments, const Folder& folder) {
  const CommandResult result = run_saltus("msm " + arguments + " --json --quiet", folder.path());
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  return json::parse(result.output, nullptr, false);
}

// Counts of a golden case with states renumbered and all counts multiplied, one empty state put in front.
TEST(Msm, GoldenCountsInAnyOrderAndScale) {
  const Folder folder;
  const std::vector<std::size_t> order{3, 1, 4, 0, 2};
  for (const std::string name : {"mle_c3", "mle_hard5"}) {
    const std::string base = golden + "reversible_mle/" + name;
    const std::vector<double> c = read_number_table(base + "_C.dat").value, t = read_number_table(base + "_T.dat").value, pi = read_number_table(base + "_pi.dat").value;
    const std::size_t n = pi.size();
    const auto place = [&](std::size_t i) { return n == 5 ? order[i] + 1 : (i + 1) % 3 + 1; };
    std::vector<double> moved((n + 1) * (n + 1), 0.0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) moved[place(i) * (n + 1) + place(j)] = 0.25 * c[i * n + j];
    write_file_atomically(folder.path() / "counts.npy", npy_bytes(n + 1, n + 1, moved));
    std::string text = "# from a row to a column\n";
    for (std::size_t k = 0; k < moved.size(); ++k) text += fmt::format("{}{}", moved[k], (k + 1) % (n + 1) == 0 ? "\n" : " ");
    write_file_atomically(folder.path() / "counts.txt", text);
    for (const char* file : {"counts.npy", "counts.txt"}) {
      const json document = found(fmt::format("--counts {} --lag-fs 2", file), folder);
      EXPECT_TRUE(document.at("converged").get<bool>());
      EXPECT_LE(document.at("residual").get<double>(), 1e-13);
      const auto states = document.at("states").get<std::vector<std::size_t>>();
      ASSERT_EQ(states.size(), n);
      for (std::size_t i = 0; i < n; ++i) {
        const auto row = static_cast<std::size_t>(std::find(states.begin(), states.end(), place(i)) - states.begin());
        EXPECT_NEAR(document.at("stationary").at(row).get<double>() / pi[i], 1, 1e-9);
        for (std::size_t j = 0; j < n; ++j) {
          const auto column = static_cast<std::size_t>(std::find(states.begin(), states.end(), place(j)) - states.begin());
          EXPECT_NEAR(document.at("transition").at(row).at(column).get<double>(), t[i * n + j], 1e-13);
        }
      }
    }
  }
}

TEST(Msm, DoubleWellInTwoStates) {
  const Folder folder;
  std::string text;
  const StateTable states = read_state_table(golden + "deeptime/double_well_dtraj.dat");
  for (const auto state : states.carrier[0]) text += state < 50 ? "1\n" : "0\n";
  write_file_atomically(folder.path() / "states.txt", text);
  const json document = found("--lag 10 --time-step-fs 2.5 --lags 1,2,5,10,20,50,100 states.txt --output model.json,model.npy --output model.csv", folder);
  const std::vector<double> t = read_number_table(golden + "double_well/double_well_n2good_T10.dat").value;
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 2; ++j) EXPECT_NEAR(document.at("transition").at(1 - i).at(1 - j).get<double>(), t[i * 2 + j], 1e-14);
  const NumberTable its = read_number_table(golden + "double_well/double_well_n2good_its.dat");
  ASSERT_EQ(document.at("lags").size(), its.rows);
  for (std::size_t k = 0; k < its.rows; ++k) {
    const json& at = document.at("lags").at(k);
    const double value = at.at("implied_timescales_fs").at(0), expected = 2.5 * its.value[k * its.columns + 1];
    EXPECT_EQ(at.at("lag_frames").get<double>(), its.value[k * its.columns]);
    EXPECT_NEAR(value, expected, 1e-6 * expected);
    EXPECT_LT(at.at("low_implied_timescales_fs").at(0).get<double>(), value);
    EXPECT_GT(at.at("high_implied_timescales_fs").at(0).get<double>(), value);
  }
  // The exact slowest time, 286.35 frames, within the interval where the lag has taken the bias of two states away.
  EXPECT_LT(document.at("lags").at(6).at("low_implied_timescales_fs").at(0).get<double>(), 286.3498513 * 2.5);
  EXPECT_GT(document.at("lags").at(6).at("high_implied_timescales_fs").at(0).get<double>(), 286.3498513 * 2.5);
  const NumberTable matrix = read_number_table(folder.path() / "model.npy");
  EXPECT_EQ(matrix.value[1], document.at("transition").at(0).at(1).get<double>());
  EXPECT_TRUE(json::parse(read_file(folder.path() / "model.json")) == document);
  EXPECT_TRUE(read_file(folder.path() / "model.csv").starts_with("state,stationary,"));
}

TEST(Msm, TransitionPathsOfABirthDeathChain) {
  // Counts proportional to pi_i T_ij are their own maximum.
  const Folder folder;
  const std::string base = golden + "transition_paths/bdc10_";
  const std::vector<double> t = read_number_table(base + "T.dat").value, pi = read_number_table(base + "pi.dat").value;
  std::vector<double> counts;
  for (std::size_t k = 0; k < t.size(); ++k) counts.push_back(1e6 * pi[k / 10] * t[k]);
  write_file_atomically(folder.path() / "counts.npy", npy_bytes(10, 10, counts));
  const json paths = found("--counts counts.npy --from 0,1 --to 8,9 --lag-fs 3", folder).at("transition_paths");
  const std::vector<double> q = read_number_table(base + "qplus.dat").value, times = read_number_table(base + "mfpt_to_8_9.dat").value;
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_NEAR(paths.at("committor").at(i).get<double>(), q[i], 1e-9);
    EXPECT_NEAR(paths.at("mean_first_passage_fs").at(i).get<double>(), 3 * times[i], 1e-9 * 3 * times[i]);
  }
  const double rate = paths.at("rate_per_fs").at("value");
  EXPECT_NEAR(rate, 8.151287903488751e-4 / 3, 1e-9 * rate);
  EXPECT_EQ(paths.at("paths").size(), 1u);
}

// Chains of 60 000 steps, some 50 passages each, 100 seeds: 95 of 100 intervals hold the exact values, with a standard error of 2.2.
TEST(Msm, IntervalsOfCommittorsAndPassageTimesHoldTheTruth) {
  const Folder folder;
  const std::string base = golden + "transition_paths/bdc10_";
  const std::vector<double> t = read_number_table(base + "T.dat").value, q = read_number_table(base + "qplus.dat").value,
                            times = read_number_table(base + "mfpt_to_8_9.dat").value;
  int committor = 0, passage = 0;
  const int runs = 100;
  for (int run = 0; run < runs; ++run) {
    Random random(17, static_cast<std::uint64_t>(run));
    std::string text;
    std::size_t state = 5;
    for (int frame = 0; frame < 60000; ++frame) {
      text += std::to_string(state) + "\n";
      double draw = random.uniform();
      std::size_t next = 0;
      while (next < 9 && (draw -= t[10 * state + next]) > 0) ++next;
      state = next;
    }
    write_file_atomically(folder.path() / "states.txt", text);
    const json paths = found("states.txt --lag 1 --from 0,1 --to 8,9", folder).at("transition_paths");
    const auto holds = [&](const std::string& key, std::size_t i, double truth) {
      return paths.at("low_" + key).at(i).get<double>() <= truth && truth <= paths.at("high_" + key).at(i).get<double>();
    };
    committor += holds("committor", 5, q[5]);
    passage += holds("mean_first_passage_fs", 0, times[0]);
    EXPECT_EQ(paths.at("high_mean_first_passage_fs").at(8).get<double>(), 0);
  }
  EXPECT_GE(committor, 89);
  EXPECT_GE(passage, 89);
}

TEST(Msm, RefusesWhatCannotBeMeant) {
  const Folder folder;
  const auto refusal = [&](const std::string& content, const std::string& options, int exit_code, const std::string& word) {
    write_file_atomically(folder.path() / "file", content);
    const CommandResult result = run_saltus("msm " + options + " --quiet", folder.path());
    EXPECT_EQ(result.exit_code, exit_code) << content << options << result.errors;
    EXPECT_NE(result.errors.find(word), std::string::npos) << result.errors;
    EXPECT_TRUE(result.output.empty());
  };
  refusal("1 2\n3 -4\n", "--counts file", 4, "row 2, column 2");
  refusal("1 2 3\n4 5 6\n", "--counts file", 4, "square");
  refusal("1 nan\n1 1\n", "--counts file", 4, "line 1");
  refusal("1 2\n3\n", "--counts file", 4, "line 2");
  refusal("", "--counts file", 4, "no numbers");
  refusal("0 0\n0 0\n", "--counts file", 4, "zero");
  refusal("1 2\n3 4\n", "--counts missing", 3, "missing");
  refusal("0\n1.5\n", "file", 4, "line 2");
  refusal("-1\n-1\n", "file", 2, "no frame has a state");
  refusal("0\n1\n0\n", "file --lag 5", 2, "apart");
  refusal("0\n1\n0\n", "", 2, "--counts");
  refusal("0\n1\n0\n", "file --counts file", 2, "either");
  refusal("1 2\n3 4\n", "--counts file --ck 3", 2, "--ck");
  refusal("1 2\n3 4\n", "--counts file --lags 3", 2, "--lags");
  refusal("1 2\n3 4\n", "--counts file --from 0 --to 2", 2, "--to 2");
  refusal("1 2\n3 4\n", "--counts file --from 0", 2, "together");
  refusal("1 2\n3 4\n", "--counts file --from 0 --to 0", 2, "both");
  refusal("1 2\n3 4\n", "--counts file --pcca 3", 2, "sets");
  refusal("1 2\n3 4\n", "--counts file --output model.txt", 2, ".npy");
  refusal("1 2 0\n3 4 0\n1 0 0\n", "--counts file --from 0 --to 2", 2, "outside the connected set");
}

}  // namespace
