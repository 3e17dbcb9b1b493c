# Writes the program's version and a hash of the sources that decide results: every room below `runs`, and the stages.
file(GLOB sources RELATIVE ${SOURCE_DIR} ${SOURCE_DIR}/saltus/*/*.cpp ${SOURCE_DIR}/saltus/*/*.hpp)
list(FILTER sources EXCLUDE REGEX "^saltus/(cli|engines)/")
set(stages ${sources})
list(FILTER sources EXCLUDE REGEX "^saltus/runs/")
list(FILTER stages INCLUDE REGEX "^saltus/runs/(.*_stage|molecular_dynamics)\\.")
list(APPEND sources ${stages})
list(SORT sources)
set(hashes "")
foreach(source ${sources})
  file(SHA256 ${SOURCE_DIR}/${source} hash)
  string(APPEND hashes "${source} ${hash}\n")
endforeach()
string(SHA256 total "${hashes}")
string(SUBSTRING ${total} 0 16 total)
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT [[
namespace saltus::runs {
extern const char* const code_version_text;
const char* const code_version_text = "@VERSION@+@total@";
}
]] @ONLY)
