# One static library per room: saltus_room(NAME ROOMS ... LIBRARIES ...). Header and source lie side by side in saltus/NAME.

add_library(saltus_warnings INTERFACE)
target_compile_options(saltus_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  $<$<BOOL:${SALTUS_WARNINGS_AS_ERRORS}>:-Werror>)

if(SALTUS_SANITIZE)
  add_compile_options(-fsanitize=${SALTUS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SALTUS_SANITIZE})
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

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
