#include "saltus/cli/manual_page.hpp"

#include <sstream>

#include <fmt/format.h>

#include "saltus/base/text.hpp"
#include "saltus/runs/settings_reference.hpp"

namespace saltus::cli {

namespace {

// A line of text as roff shows it: no requests at its beginning, no escapes, hyphens that can be pasted.
std::string escaped(const std::string& line) {
  std::string text;
  for (const char c : line) {
    if (c == '\\') text += "\\e";
    else if (c == '-') text += "\\-";
    else text += c;
  }
  if (text.starts_with('.') || text.starts_with('\'')) text.insert(0, "\\&");
  return text;
}

std::string escaped_lines(const std::string& text) {
  std::istringstream stream(text);
  std::string result;
  for (std::string line; std::getline(stream, line);) result += line.empty() ? ".PP\n" : escaped(line) + "\n";
  return result;
}

std::string verbatim(const std::vector<std::string>& lines) {
  std::string text = ".PP\n.nf\n.RS\n";
  for (const std::string& line : lines) text += escaped(line) + "\n";
  return text + ".RE\n.fi\n";
}

std::string heading(const std::string& title, int section) {
  return fmt::format(".\\\" -*- coding: utf-8 -*-\n.TH \"{}\" {} \"\" \"saltus {}\" \"Saltus\"\n", title, section, SALTUS_VERSION);
}

std::string option_entry(const OptionRow& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.names) names.push_back("\\fB" + escaped(name) + "\\fR");
  std::string text = ".TP\n" + join(names);
  if (!option.positional && !option.value.empty()) text += " \\fI" + escaped(option.value) + "\\fR";
  if (option.repeated) text += " ...";
  if (option.required && !option.positional) text += " (required)";
  return text + "\n" + escaped_lines(option.help);
}

std::string title_of(const CommandPage& page) { return join(page.words, "-"); }

}  // namespace

std::string manual_file_name(const CommandPage& page) { return title_of(page) + ".1"; }

std::string manual_page(const CommandPage& page) {
  const bool program = page.words.size() == 1;
  std::string summary = page.summary;
  if (program && summary.starts_with("saltus: ")) summary.erase(0, 8);
  std::string text = heading(title_of(page), 1);
  text += fmt::format(".SH NAME\n{} \\- {}\n", escaped(title_of(page)), escaped(summary));
  const std::string words = join(page.words, " ");
  text += fmt::format(".SH SYNOPSIS\n\\fB{}\\fR{}\n", escaped(words), escaped(page.usage.substr(words.size())));
  const bool indented = page.notes.find("\n  ") != std::string::npos;  // then its lines stay lines
  if (!page.notes.empty()) text += fmt::format(".SH DESCRIPTION\n{}{}{}", indented ? ".nf\n" : "", escaped_lines(page.notes), indented ? ".fi\n" : "");
  std::string arguments, options;
  for (const OptionRow& option : page.options) (option.positional ? arguments : options) += option_entry(option);
  if (!arguments.empty()) text += ".SH ARGUMENTS\n" + arguments;
  if (!page.commands.empty()) {
    text += ".SH COMMANDS\n";
    for (const CommandPage& command : page.commands)
      text += fmt::format(".TP\n\\fB{}\\fR\n{}\n", escaped(join(command.words, " ")), escaped(command.summary));
  }
  if (!options.empty()) text += ".SH OPTIONS\n" + options;
  if (!page.examples.empty()) text += ".SH EXAMPLES\n" + verbatim(page.examples);
  text += ".SH SEE ALSO\n";
  std::vector<std::string> others;
  if (!program) others.push_back("\\fBsaltus\\fR(1)");
  for (const CommandPage& command : page.commands) others.push_back("\\fB" + escaped(title_of(command)) + "\\fR(1)");
  others.push_back("\\fBsaltus\\-plan\\fR(5)");
  return text + join(others) + "\n";
}

std::string plan_manual_page() {
  std::string text = heading("saltus-plan", 5);
  text += ".SH NAME\nsaltus\\-plan \\- the plan of a study, a TOML file\n";
  text += ".SH DESCRIPTION\nWhat \\fBsaltus run\\fR does is written in a plan. A table in double brackets may be given several times.\n"
          "Units are part of the names. \\fBsaltus explain\\fR shows a plan with all that it leaves to defaults.\n";
  for (const runs::SettingsTable& table : runs::settings_tables()) {
    text += fmt::format(".SH \"{}\"\n", table.heading.empty() ? "TOP OF THE FILE" : table.heading);
    for (const runs::SettingReference& setting : table.settings) {
      text += fmt::format(".TP\n\\fB{}\\fR ({})\n{}\n", escaped(setting.key), escaped(runs::kind_text(setting)), escaped(setting.help));
      for (const runs::Choice& choice : setting.choices)
        text += fmt::format(".br\n\\fI{}\\fR: {}\n", escaped(choice.name), escaped(choice.help));
    }
  }
  return text + ".SH SEE ALSO\n\\fBsaltus\\-run\\fR(1), \\fBsaltus\\-explain\\fR(1)\n";
}

}  // namespace saltus::cli
