# One static library per room: saltus_room(NAME ROOMS ... LIBRARIES ...). Header and source lie side by side in saltus/NAME.

add_library(saltus_warnings INTERFACE)
target_compile_options(saltus_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  $<$<BOOL:${SALTUS_WARNINGS_AS_ERRORS}>:-Werror>)

if(SALTUS_SANITIZE)
  add_compile_options(-fsanitize=${SALTUS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  # A null pointer that is followed ends the program anyway; its checks and those of dynamic types are a quarter of the time to compile.
  if(SALTUS_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize=null,vptr)
  endif()
  add_link_options(-fsanitize=${SALTUS_SANITIZE})
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The words that let it keep what was compiled with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-fpch-preprocess)
  endif()
endif()

# For targets whose own code is never what takes the time: options and tables, tests. What they call in other rooms stays as it is.
function(saltus_compile_quickly target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1> $<$<CONFIG:Debug>:-O0>)
endfunction()

function(saltus_room name)
  cmake_parse_arguments(arg "" "" "ROOMS;LIBRARIES" ${ARGN})
  list(TRANSFORM arg_ROOMS PREPEND saltus_)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/saltus/${name}/*.cpp)
  if(sources)
    add_library(saltus_${name} STATIC ${sources})
    target_include_directories(saltus_${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(saltus_${name} PUBLIC ${arg_ROOMS} ${arg_LIBRARIES} PRIVATE saltus_warnings)
  else()
    add_library(saltus_${name} INTERFACE)
    target_include_directories(saltus_${name} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(saltus_${name} INTERFACE ${arg_ROOMS} ${arg_LIBRARIES})
  endif()
endfunction()
