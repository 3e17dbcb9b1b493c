# Writes the program's version with hashes of the sources that decide results: of each kind of stage those that its source
# reaches through includes, of all of them together for `--version`. A header X.hpp stands for X.cpp and X_*.cpp beside it
# too (tests/architecture holds the sources to that). Of `runs` only the stages count: settings are in the key by value.
cmake_minimum_required(VERSION 3.25)
set(stages data model fit finetune refine distill md pimd proton wannier kinetics passage arrhenius)
set(own_files "^saltus/runs/(.*_stage|distillation|finetune_result|kinetics_model|model_evaluation|molecular_dynamics|refinement|ab_initio_frames|from_blocks|gle_file|passage_coordinates|passage_output|passage_report|proton_report|ring_dynamics|ring_estimates|rocking_report|run_folder|wannier_input|wannier_report|wannier_series|ab_initio_labels|sites_report|whole_paths)\\.")

function(reached_from source result)
  set(reached "")
  set(waiting ${source})
  while(waiting)
    list(POP_FRONT waiting file)
    list(APPEND reached ${file})
    file(STRINGS ${SOURCE_DIR}/${file} includes REGEX "^#include \"saltus/")
    foreach(include ${includes})
      string(REGEX REPLACE "^#include \"([^\"]+)\".*" "\\1" header ${include})
      if(header MATCHES "^saltus/runs/" AND NOT header MATCHES "${own_files}")
        continue()
      endif()
      string(REGEX REPLACE "\\.hpp$" "" stem ${header})
      file(GLOB implementations RELATIVE ${SOURCE_DIR} ${SOURCE_DIR}/${stem}.cpp ${SOURCE_DIR}/${stem}_*.cpp)
      foreach(next ${header} ${implementations})
        if(NOT next IN_LIST reached AND NOT next IN_LIST waiting)
          list(APPEND waiting ${next})
        endif()
      endforeach()
    endforeach()
  endwhile()
  set(${result} ${reached} PARENT_SCOPE)
endfunction()

function(hash_of files result)
  list(SORT files)
  set(hashes "")
  foreach(file ${files})
    file(SHA256 ${SOURCE_DIR}/${file} hash)
    string(APPEND hashes "${file} ${hash}\n")
  endforeach()
  string(SHA256 total "${hashes}")
  string(SUBSTRING ${total} 0 16 total)
  set(${result} ${total} PARENT_SCOPE)
endfunction()

set(all "")
set(rows "")
foreach(stage ${stages})
  reached_from(saltus/runs/${stage}_stage.cpp files)
  list(APPEND all ${files})
  hash_of("${files}" total)
  string(APPEND rows "    {\"${stage}\", \"${VERSION}+${total}\"},\n")
endforeach()
list(REMOVE_DUPLICATES all)
hash_of("${all}" total)
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT [[
#include "saltus/runs/code_version.hpp"

namespace saltus::runs {

std::span<const StageVersion> stage_versions() {
  static constexpr StageVersion table[] = {
@rows@  };
  return table;
}

const char* code_version() { return "@VERSION@+@total@"; }

}  // namespace saltus::runs
]] @ONLY)
