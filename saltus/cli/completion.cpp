// saltus completion SHELL: a script for the shell.
#include "saltus/cli/commands.hpp"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/cli/command_table.hpp"
#include "saltus/cli/completion_script.hpp"

namespace saltus::cli {

std::function<int()> set_up_completion(CLI::App& app) {
  const auto shell = std::make_shared<std::string>();
  app.add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  app.footer(
      "An installed Saltus has them where shells look: 'cmake --install' puts them there. Without installing, one of\n"
      "  bash   source <(saltus completion bash)     in ~/.bashrc\n"
      "  zsh    source <(saltus completion zsh)      in ~/.zshrc, after compinit\n"
      "  fish   saltus completion fish | source      in ~/.config/fish/config.fish\n\nExample:\n"
      "  saltus completion bash");
  return [shell, &app] {
    const CommandPage program = page_of(*app.get_parent());
    fmt::print("{}", *shell == "bash" ? bash_completion(program) : *shell == "zsh" ? zsh_completion(program) : fish_completion(program));
    return 0;
  };
}

}  // namespace saltus::cli
