// Runs of made-up stages: what is skipped, what is made anew, what an interruption or a failure leaves.
#include "saltus/runs/execute.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "../io/temporary_folder.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/runs/artifact.hpp"
#include "saltus/runs/registry.hpp"
#include "saltus/runs/report.hpp"

namespace saltus::runs {
namespace {

namespace fs = std::filesystem;

/// numbers.txt → "read" (its sum) → "double" → "last"; and "other", which depends on nothing.
struct Study {
  TemporaryFolder folder;
  std::map<std::string, int> calls;
  std::string settings = "{\"factor\":2}";
  bool fail = false;

  Study() { write("1 2 3"); }
  void write(const std::string& numbers) { folder.write("numbers.txt", numbers); }
  fs::path out() const { return folder / "runs"; }

  Stage stage(const std::string& name, std::vector<std::string> depends_on, std::function<double(const StageContext&)> value) {
    Stage result;
    result.name = name;
    result.kind = name;
    result.settings = name == "double" ? settings : "{}";
    result.depends_on = std::move(depends_on);
    result.run = [this, name, value](const StageContext& context) {
      ++calls[name];
      const double number = value(context);
      std::ofstream(context.folder / "value.txt") << number;
      fs::create_directory(context.folder / "deep");
      std::ofstream(context.folder / "deep" / "chart.json") << "{\"value\": " << number << "}";
      if (fail && name == "double") throw Error(ErrorKind::numeric, "it broke");
      return StageResult{{{name + "_value", Estimate{number, number - 1, number + 1}, true, "ang", ""}, {"nothing", std::nullopt, true, "ang", "too few"}},
                         {name + " warns"},
                         {{"chart", "deep/chart.json"}}};
    };
    return result;
  }
  static double from(const StageContext& context, const std::string& name) { return std::stod(read_file(context.inputs.at(name) / "value.txt")); }
  std::vector<Stage> stages() {
    std::vector<Stage> list{stage("read", {}, [this](const StageContext&) {
                              std::ifstream file(folder / "numbers.txt");
                              double sum = 0, number = 0;
                              while (file >> number) sum += number;
                              return sum;
                            }),
                            stage("double", {"read"}, [](const StageContext& context) { return 2 * from(context, "read"); }),
                            stage("other", {}, [](const StageContext&) { return 7.0; }),
                            stage("last", {"double"}, [](const StageContext& context) { return 1 + from(context, "double"); })};
    list[0].input_files = {folder / "numbers.txt"};
    return list;
  }
  std::vector<std::string> said;
  RunOutcome run() {
    calls.clear();
    said.clear();
    const std::vector<Stage> list = stages();
    return run_stages({"plan.toml", "hash", "a title", "[]"}, list, out(), {.progress = {}, .say = [this](const std::string& line) { said.push_back(line); }, .warn = {}, .stop = {}});
  }
  int total_calls() const {
    int sum = 0;
    for (const auto& [name, count] : calls) sum += count;
    return sum;
  }
  fs::path artifact(const std::string& name) const {
    for (const auto& entry : fs::directory_iterator(out() / "artifacts"))
      if (entry.path().filename().string().starts_with(name + "-") && entry.path().extension() != ".part") return entry.path();
    return {};
  }
};

TEST(Execute, SecondRunDoesNothing) {
  Study study;
  const RunOutcome first = study.run();
  EXPECT_EQ(first.made, 4u);
  const RunOutcome second = study.run();
  EXPECT_TRUE(second.nothing_to_do);
  EXPECT_EQ(second.run, first.run);
  EXPECT_EQ(study.total_calls(), 0);
  EXPECT_EQ(Registry(study.out(), false).runs().size(), 1u);
}

TEST(Execute, StoppedItIsRecordedAsInterruptedAndGoesOn) {
  Study study;
  const std::vector<Stage> list = study.stages();
  int asked = 0;
  const RunSinks stopping{.progress = {}, .say = {}, .warn = {}, .stop = [&] { return ++asked > 2; }};
  try {
    run_stages({"plan.toml", "hash", "a title", "[]"}, list, study.out(), stopping);
    FAIL() << "not stopped";
  } catch (const Interrupted& interrupted) {
    EXPECT_EQ(interrupted.place, "stage other");
    EXPECT_TRUE(interrupted.resumable);
  }
  const RunRecord record = Registry(study.out(), false).latest_run().value();
  EXPECT_EQ(record.state, "interrupted");
  EXPECT_EQ(record.message, "stopped in stage other");
  EXPECT_EQ(record.stages.at(1).state, "done");
  EXPECT_EQ(record.stages.at(2).state, "interrupted");
  EXPECT_EQ(record.stages.at(3).state, "pending");
  const RunOutcome rest = study.run();
  EXPECT_EQ(rest.reused, 2u);
  EXPECT_EQ(rest.made, 2u);
}

TEST(Execute, ADeletedArtifactIsRemadeWithWhatDependsOnIt) {
  Study study;
  study.run();
  fs::remove_all(study.artifact("double"));
  const RunOutcome outcome = study.run();
  EXPECT_EQ(outcome.made, 2u);
  EXPECT_EQ(outcome.reused, 2u);
  EXPECT_EQ(study.calls, (std::map<std::string, int>{{"double", 1}, {"last", 1}}));
  EXPECT_TRUE(study.run().nothing_to_do);
}

TEST(Execute, ADamagedArtifactIsRemadeWithWhatDependsOnIt) {
  for (const char* file : {"value.txt", "deep/chart.json", "artifact.json"}) {
    Study study;
    study.run();
    std::ofstream(study.artifact("read") / file, std::ios::app) << " ";
    study.run();
    EXPECT_EQ(study.calls["read"] + study.calls["double"] + study.calls["last"], file == std::string("artifact.json") ? 2 : 3) << file;
    EXPECT_EQ(study.calls["other"], 0) << file;
  }
}

TEST(Execute, InputSettingsAndVersionMakeTheKey) {
  Study study;
  study.run();
  study.write("1 2 4");
  EXPECT_EQ(study.run().made, 3u);
  study.settings = "{\"factor\":3}";
  EXPECT_EQ(study.run().made, 2u);
  study.write("1 2 3");
  study.settings = "{\"factor\":2}";
  const RunOutcome back = study.run();  // artifacts of the first run are still there
  EXPECT_TRUE(back.nothing_to_do);
  EXPECT_EQ(back.run, 1);
}

TEST(Execute, AnInterruptedDependencyIsNoticedLater) {
  Study study;
  study.run();
  const std::string before = read_file(study.artifact("double") / "artifact.json");
  fs::remove_all(study.artifact("read"));
  study.fail = true;  // "read" is remade, "double" not
  EXPECT_THROW(study.run(), Error);
  study.fail = false;
  study.run();
  EXPECT_EQ(study.calls, (std::map<std::string, int>{{"double", 1}, {"last", 1}}));
  EXPECT_NE(read_file(study.artifact("double") / "artifact.json"), before);
}

TEST(Execute, AFailureIsRecordedAndLeavesNothingThatCountsAsDone) {
  Study study;
  study.fail = true;
  try {
    study.run();
    FAIL() << "did not throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::numeric);
    EXPECT_STREQ(error.what(), "stage double: it broke");
  }
  EXPECT_TRUE(study.artifact("double").empty());
  EXPECT_FALSE(fs::exists(study.artifact("double").string() + ".part"));
  const auto run = Registry(study.out(), false).latest_run();
  EXPECT_EQ(run->state, "failed");
  EXPECT_EQ(run->message, "double: it broke");
  EXPECT_EQ(run->stages[0].state, "done");
  EXPECT_EQ(run->stages[1].state, "failed");
  EXPECT_EQ(run->stages[3].state, "pending");
}

TEST(Execute, AResumableStageFindsWhatItLeft) {
  TemporaryFolder folder;
  int calls = 0;
  Stage stage;
  stage.name = stage.kind = "slow";
  stage.settings = "{}";
  stage.resumable = true;
  stage.run = [&](const StageContext& context) {
    ++calls;
    EXPECT_EQ(fs::exists(context.folder / "checkpoint"), calls == 2);
    std::ofstream(context.folder / "checkpoint") << "half";
    if (calls == 1) throw Error(ErrorKind::numeric, "stopped");
    return StageResult{};
  };
  const auto run = [&] { return run_stages({"p", "h", "t", "[]"}, std::span(&stage, 1), folder / "runs", {}); };
  EXPECT_THROW(run(), Error);
  EXPECT_EQ(run().made, 1u);
  EXPECT_EQ(calls, 2);
}

TEST(Execute, OnlyOneAtATime) {
  Study study;
  const FolderLock lock(study.out());
  EXPECT_TRUE(is_locked(study.out()));
  try {
    study.run();
    FAIL() << "did not throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::file);
  }
}

TEST(Registry, KeepsEstimatesWarningsAndInputs) {
  Study study;
  const RunOutcome outcome = study.run();
  const Registry registry(study.out(), false);
  const auto run = registry.run(outcome.run);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->title, "a title");
  EXPECT_EQ(run->state, "done");
  const auto [artifact, name] = *registry.artifact(run->stages.at(0).key);
  EXPECT_EQ(name, study.artifact("read").filename().string());
  ASSERT_EQ(artifact.result.estimates.size(), 2u);
  EXPECT_EQ(artifact.result.estimates[0].estimate->value, 6);
  EXPECT_EQ(artifact.result.estimates[0].estimate->high, 7);
  EXPECT_FALSE(artifact.result.estimates[1].estimate);
  EXPECT_EQ(artifact.result.estimates[1].note, "too few");
  EXPECT_EQ(artifact.result.warnings, std::vector<std::string>{"read warns"});
  ASSERT_EQ(artifact.inputs.size(), 1u);
  EXPECT_EQ(artifact.inputs[0].second.size(), 64u);
}

TEST(Registry, IsRebuiltFromTheArtifacts) {
  Study study;
  study.run();
  const auto before = report_json(Registry(study.out(), false), *Registry(study.out(), false).latest_run()).at("estimates");
  fs::remove(study.out() / "registry.sqlite");
  const RunOutcome outcome = study.run();
  EXPECT_EQ(outcome.made, 0u);
  EXPECT_FALSE(outcome.nothing_to_do);
  const Registry registry(study.out(), false);
  EXPECT_EQ(report_json(registry, *registry.latest_run()).at("estimates"), before);
}

TEST(Registry, RefusesWhatIsNone) {
  TemporaryFolder folder;
  EXPECT_THROW(Registry(folder.path(), false), Error);
  folder.write("registry.sqlite", std::string(4096, 'x'));
  try {
    Registry registry(folder.path(), false);
    FAIL() << "did not throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format);
  }
}

TEST(Report, JsonHasTheStatedShape) {
  Study study;
  const RunOutcome outcome = study.run();
  const Registry registry(study.out(), false);
  const nlohmann::ordered_json document = report_json(registry, *registry.run(outcome.run));
  EXPECT_EQ(document.at("run"), outcome.run);
  EXPECT_EQ(document.at("title"), "a title");
  ASSERT_EQ(document.at("estimates").size(), 8u);
  const auto& first = document.at("estimates")[0];
  EXPECT_EQ(first.dump(), R"({"name":"read_value","value":6.0,"low":5.0,"high":7.0,"unit":"ang","stage":"read"})");
  const auto& undetermined = document.at("estimates")[1];
  EXPECT_TRUE(undetermined.at("value").is_null() && undetermined.at("low").is_null() && undetermined.at("high").is_null());
  EXPECT_EQ(undetermined.at("note"), "too few");
}

TEST(Report, PageCarriesItsDataAndEscapesIt) {
  Study study;
  const std::vector<Stage> list = study.stages();
  const std::string hostile = "<script>alert('x')</script> & \"quotes\" @@JS@@";
  run_stages({"plan.toml", "hash", hostile, "[]"}, list, study.out(), {});
  const Registry registry(study.out(), false);
  const std::string page = report_page(registry, *registry.latest_run(), study.out());
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
  EXPECT_NE(page.find("<title>&lt;script&gt;alert('x')&lt;/script&gt; &amp; &quot;quotes&quot; @@JS@@</title>"), std::string::npos);
  EXPECT_NE(page.find("\\u003cscript\\u003ealert('x')"), std::string::npos);
  EXPECT_EQ(page.find("http-equiv=\"refresh\""), std::string::npos);
  EXPECT_EQ(page.find("<script src"), std::string::npos);
  EXPECT_EQ(page.find("<link rel=\"stylesheet\""), std::string::npos);

  const std::string open = "id=\"report\">";
  const std::size_t begin = page.find(open) + open.size();
  const auto data = nlohmann::ordered_json::parse(page.substr(begin, page.find("</script>", begin) - begin));
  EXPECT_EQ(data.at("title"), hostile);
  EXPECT_EQ(data.at("stages")[1].at("series").at("chart").at("value"), 12);
  EXPECT_EQ(data.at("stages")[0].at("inputs")[0].at("file"), "numbers.txt");
}

TEST(Report, CanBeDrawnAgainWithoutTheArtifacts) {
  Study study;
  study.run();
  fs::remove_all(study.out() / "artifacts");
  const Registry registry(study.out(), false);
  EXPECT_EQ(report_json(registry, *registry.latest_run()).at("estimates").size(), 8u);
  EXPECT_NE(report_page(registry, *registry.latest_run(), study.out()).find("\"chart\":null"), std::string::npos);
}

}  // namespace
}  // namespace saltus::runs
