// The settings of a fine-tuning by their names: from a file, from words like "epochs=20", and as text.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/runs/fields.hpp"
#include "saltus/training/finetune_settings.hpp"

namespace saltus::runs {

std::span<const Field<FinetuneSettings>> finetune_fields();

/// Sets what a TOML text names and leaves the rest. `source` names it in messages. Throws Error{format} with the line.
void read_finetune_settings(std::string_view toml, const std::string& source, FinetuneSettings& settings);

/// The same for words KEY=VALUE; texts need no quotes, lists have commas. Throws Error{usage}.
void set_finetune_settings(const std::vector<std::string>& words, FinetuneSettings& settings);

/// All settings as one JSON object on one line.
std::string finetune_settings_json(const FinetuneSettings& settings);

/// One line per setting: name, what it is, range; defaults belong to the family.
std::string finetune_settings_text(const FinetuneSettings& settings);

}  // namespace saltus::runs
