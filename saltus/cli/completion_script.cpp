#include "saltus/cli/completion_script.hpp"

#include <functional>
#include <vector>

#include <fmt/format.h>

#include "saltus/base/text.hpp"
#include "saltus/cli/manual_page.hpp"

namespace saltus::cli {

namespace {

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) text.replace(at, what.size(), by);
  return text;
}

std::string single_quoted(const std::string& text) { return fmt::format("'{}'", replaced(text, "'", "'\\''")); }

std::string one_line(const std::string& text) { return replaced(text, "\n", " "); }

void for_each_page(const CommandPage& page, const std::function<void(const CommandPage&)>& visit) {
  visit(page);
  for (const CommandPage& command : page.commands) for_each_page(command, visit);
}

// Commands as `below` takes their names: without options.
std::vector<CommandPage> named_commands(const CommandPage& below, const std::vector<CommandPage>& commands) {
  std::vector<CommandPage> pages;
  for (const CommandPage& command : commands) {
    CommandPage page;
    page.words = below.words;
    page.words.push_back(command.words.back());
    page.summary = command.summary;
    page.commands = named_commands(page, command.commands);
    pages.push_back(std::move(page));
  }
  return pages;
}

// The program, where a command that takes the words of another (saltus man) has them as commands of its own.
CommandPage with_named_commands(CommandPage program) {
  const std::vector<CommandPage> commands = program.commands;
  for (CommandPage& page : program.commands)
    for (const OptionRow& option : page.options) {
      if (!is_command(option)) continue;
      CommandPage plan;
      plan.words = {plan_page_name};
      plan.summary = "the plan file and its settings";
      page.commands = named_commands(page, commands);
      const std::vector<CommandPage> topics = named_commands(page, {plan});
      page.commands.insert(page.commands.end(), topics.begin(), topics.end());
    }
  return program;
}

std::vector<std::string> option_words(const CommandPage& page) {
  std::vector<std::string> words;
  for (const OptionRow& option : page.options)
    if (!option.positional) words.insert(words.end(), option.names.begin(), option.names.end());
  return words;
}

std::vector<std::string> command_words(const CommandPage& page) {
  std::vector<std::string> words;
  for (const CommandPage& command : page.commands) words.push_back(command.words.back());
  return words;
}

// What bash proposes for a value.
std::string bash_action(const OptionRow& option) {
  if (!option.choices.empty()) return fmt::format("_saltus_words {}", single_quoted(join(option.choices, " ")));
  if (is_folder(option)) return "_saltus_paths -d";
  if (is_path(option)) return "_saltus_paths -f";
  return ":";
}

// What bash proposes where no option is begun: commands, else what the arguments take; where they differ, paths.
std::string bash_argument_action(const CommandPage& page) {
  if (!page.commands.empty()) return fmt::format("_saltus_words {}", single_quoted(join(command_words(page), " ")));
  std::string action = ":";
  for (const OptionRow& option : page.options)
    if (option.positional && (action == ":" || is_path(option))) action = bash_action(option);
  return action;
}

std::string zsh_action(const OptionRow& option) {
  if (!option.choices.empty()) return fmt::format("({})", join(option.choices, " "));
  if (is_folder(option)) return "_files -/";
  if (is_path(option)) return "_files";
  return " ";
}

// _arguments reads brackets in an explanation and colons in a message as its own.
std::string zsh_text(const std::string& text) {
  return replaced(replaced(replaced(one_line(text), "\\", "\\\\"), "[", "\\["), "]", "\\]");
}
std::string zsh_message(const std::string& text) { return replaced(text, ":", "\\:"); }

std::string zsh_function_name(const CommandPage& page) { return fmt::format("_{}", join(page.words, "_")); }

std::string zsh_function(const CommandPage& page) {
  std::string text = fmt::format("{}() {{\n", zsh_function_name(page));
  std::string specifications;
  for (const OptionRow& option : page.options) {
    if (option.positional) continue;
    for (const std::string& name : option.names) {
      std::string others;
      for (const std::string& other : option.names) others += (others.empty() ? "" : " ") + other;
      std::string specification = option.repeated ? "*" + name : fmt::format("({}){}", others, name);
      specification += fmt::format("[{}]", zsh_text(option.help));
      const std::string message = option.choices.empty() ? option.value : "value";
      if (!option.value.empty()) specification += fmt::format(":{}:{}", zsh_message(message), zsh_action(option));
      specifications += " \\\n    " + single_quoted(specification);
    }
  }
  if (!page.commands.empty()) {
    text += "  local context state state_descr line\n  typeset -A opt_args\n";
    text += fmt::format("  _arguments -C{} \\\n    '1:command:->command' \\\n    '*::argument:->argument'\n", specifications);
    text += "  case $state in\n    command)\n      local -a commands=(";
    for (const CommandPage& command : page.commands)
      text += fmt::format("\n        {}", single_quoted(zsh_message(command.words.back()) + ":" + one_line(command.summary)));
    text += "\n      )\n      _describe command commands ;;\n    argument)\n      case $line[1] in\n";
    for (const CommandPage& command : page.commands)
      text += fmt::format("        {}) {} ;;\n", command.words.back(), zsh_function_name(command));
    text += "      esac ;;\n  esac\n}\n";
    return text;
  }
  for (const OptionRow& option : page.options)
    if (option.positional)
      specifications += " \\\n    " + single_quoted(fmt::format("{}:{}:{}", option.repeated ? "*" : "", zsh_message(option.names[0]),
                                                              zsh_action(option)));
  return text + (specifications.empty() ? "  _message 'no more arguments'\n}\n" : fmt::format("  _arguments{}\n}}\n", specifications));
}

std::string fish_values(const OptionRow& option) {
  if (!option.choices.empty()) return fmt::format(" -xa {}", single_quoted(join(option.choices, " ")));
  if (is_folder(option)) return " -xa '(__fish_complete_directories)'";
  return is_path(option) ? " -rF" : " -x";
}

}  // namespace

std::string bash_completion(const CommandPage& saltus) {
  const CommandPage program = with_named_commands(saltus);
  std::string text =
      "# bash completion of saltus, as 'saltus completion bash' prints it.\n"
      "_saltus_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\"); }\n"
      "_saltus_paths() {\n"
      "  compopt -o filenames 2>/dev/null\n"
      "  mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$current\")\n"
      "}\n"
      "_saltus() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=saltus k\n"
      "  COMPREPLY=()\n"
      "  # '--option=value' comes as three words.\n"
      "  if [[ $current == = ]]; then current=\n"
      "  elif [[ $previous == = ]]; then previous=${COMP_WORDS[COMP_CWORD-2]}\n"
      "  fi\n"
      "  for ((k = 1; k < COMP_CWORD; ++k)); do\n"
      "    case \"$command ${COMP_WORDS[k]}\" in\n";
  std::string values, options, arguments;
  for_each_page(program, [&](const CommandPage& page) {
    const std::string command = join(page.words, " ");
    if (page.words.size() > 1) text += fmt::format("      {}) command={} ;;\n", single_quoted(command), single_quoted(command));
    for (const OptionRow& option : page.options) {
      if (option.positional || option.value.empty()) continue;
      std::vector<std::string> places;
      for (const std::string& name : option.names) places.push_back(single_quoted(command + " " + name));
      values += fmt::format("    {}) {}; return ;;\n", join(places, "|"), bash_action(option));
    }
    options += fmt::format("      {}) _saltus_words {} ;;\n", single_quoted(command), single_quoted(join(option_words(page), " ")));
    arguments += fmt::format("    {}) {} ;;\n", single_quoted(command), bash_argument_action(page));
  });
  text += "    esac\n  done\n  case \"$command $previous\" in\n" + values + "  esac\n";
  text += "  if [[ $current == -* ]]; then\n    case $command in\n" + options + "    esac\n    return\n  fi\n";
  text += "  case $command in\n" + arguments + "  esac\n}\ncomplete -F _saltus saltus\n";
  return text;
}

std::string zsh_completion(const CommandPage& saltus) {
  const CommandPage program = with_named_commands(saltus);
  std::string text = "#compdef saltus\n# zsh completion of saltus, as 'saltus completion zsh' prints it.\n";
  for_each_page(program, [&](const CommandPage& page) { text += zsh_function(page); });
  // Loaded from $fpath it is called at once; sourced it has to be made known.
  return text + "if [[ ${funcstack[1]} == _saltus ]]; then _saltus \"$@\"; else compdef _saltus saltus; fi\n";
}

std::string fish_completion(const CommandPage& saltus) {
  const CommandPage program = with_named_commands(saltus);
  std::string text =
      "# fish completion of saltus, as 'saltus completion fish' prints it.\n"
      "function __saltus_at --description 'whether the words after saltus begin with these'\n"
      "  set -l words (commandline -opc)\n"
      "  for k in (seq (count $argv))\n"
      "    set -l next (math $k + 1)\n"
      "    test \"$words[$next]\" = \"$argv[$k]\"; or return 1\n"
      "  end\n"
      "end\n"
      "complete -c saltus -f\n";
  for_each_page(program, [&](const CommandPage& page) {
    const std::vector<std::string> below(page.words.begin() + 1, page.words.end());
    const std::string only = fmt::format("test (count (commandline -opc)) -eq {}", page.words.size());
    const std::string here = below.empty() ? only : fmt::format("__saltus_at {}", join(below, " "));
    const std::string head = "complete -c saltus -n ";
    for (const CommandPage& command : page.commands)
      text += fmt::format("{}{} -a {} -d {}\n", head, single_quoted(below.empty() ? only : here + "; and " + only),
                          command.words.back(), single_quoted(one_line(command.summary)));
    for (const OptionRow& option : page.options) {
      std::string line = head + single_quoted(here);
      if (option.positional) {
        if (!option.choices.empty()) line += fmt::format(" -a {}", single_quoted(join(option.choices, " ")));
        else if (is_path(option)) line += " -F";
        else continue;
      } else {
        for (const std::string& name : option.names)
          line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
        line += " -d " + single_quoted(one_line(option.help));
        if (!option.value.empty()) line += fish_values(option);
      }
      text += line + "\n";
    }
  });
  return text;
}

}  // namespace saltus::cli
