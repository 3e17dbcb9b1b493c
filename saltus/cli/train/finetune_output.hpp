// What a fine-tuning prints: a line per epoch, the table before and after, JSON.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "saltus/training/torch/finetune.hpp"

namespace saltus::cli {

std::string epoch_line(const training::EpochRow& row);
void print_finetune_table(const training::FinetuneResult& result, const std::string& out);
nlohmann::ordered_json finetune_json(const training::FinetuneResult& result, const std::string& model, const std::string& out, const std::string& settings_json);

}  // namespace saltus::cli
