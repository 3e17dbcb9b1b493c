// What is different on a terminal: colour of labels, unless NO_COLOR is set, and a progress line with rate and time left.
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "child.hpp"
#include "run_saltus.hpp"
#include "session.hpp"

namespace {

using namespace saltus;

const std::string data = SALTUS_SOURCE_DIR "/examples/li15si4/li15si4_900K.extxyz";

/// For the length of a test.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Environment() { ::unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

TEST(Terminal, LabelsAreColouredUnlessToldNot) {
  const Environment terminal("TERM", "xterm");
  const std::vector<std::string> command{SALTUS_BINARY, "info", "no_such_file"};
  EXPECT_NE(on_a_terminal(command).find("saltus: \033[1;31merror:\033[0m no_such_file"), std::string::npos);
  {
    const Environment none("NO_COLOR", "1");
    EXPECT_EQ(on_a_terminal(command).find('\033'), std::string::npos);
  }
  const Environment dumb("TERM", "dumb");
  EXPECT_EQ(on_a_terminal(command).find('\033'), std::string::npos);
  EXPECT_EQ(run_saltus("info no_such_file", "/").errors.find('\033'), std::string::npos);
}

TEST(Terminal, ProgressTellsShareRateAndTimeLeftAndIsQuietWhenAsked) {
  const Environment terminal("TERM", "xterm");
  const session::Folder folder;
  const std::string model = folder.path() / "model.safetensors";
  const std::vector<std::string> fit{SALTUS_BINARY, "fit", data, "--out", model, "--body-order", "3"};
  const std::string shown = on_a_terminal(fit);
  EXPECT_NE(shown.find("fit: normal equations ["), std::string::npos) << shown;
  EXPECT_NE(shown.find(" frames/s"), std::string::npos) << shown;
  EXPECT_NE(shown.find(" left"), std::string::npos) << shown;
  const std::vector<std::string> quiet{SALTUS_BINARY, "fit", data, "--out", model, "--body-order", "2", "--quiet"};
  const std::string silent = on_a_terminal(quiet);
  EXPECT_EQ(silent.find("\033[K"), std::string::npos) << silent;
  EXPECT_NE(silent.find("written to"), std::string::npos) << silent;
}

TEST(Terminal, WithoutOneQuietLeavesErrorsOnly) {
  const session::Folder folder;
  const auto error = run_saltus("convert no_such_file out.extxyz --quiet", folder.path());
  EXPECT_EQ(error.exit_code, 3);
  EXPECT_EQ(error.errors.find("saltus: error: no_such_file: "), 0u) << error.errors;
  const auto done = run_saltus("convert '" + data + "' out.extxyz --quiet --last 20", folder.path());
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_EQ(done.errors, "");
}

}  // namespace
