# What the binary carries: the files of the report page, and a hash of the sources that decide results (part of every artifact's key).

option(SALTUS_REPORT_CHARTS "Embed plotly.js and 3Dmol.js in the report page (needs 'npm ci' in web/, which scripts/setup runs)" ON)

set(web ${PROJECT_SOURCE_DIR}/web)
set(plotly ${web}/no_charts.js)
set(threedmol ${web}/no_charts.js)
set(licences "")
if(SALTUS_REPORT_CHARTS)
  set(plotly ${web}/node_modules/plotly.js-basic-dist-min/plotly-basic.min.js)
  set(threedmol ${web}/node_modules/3dmol/build/3Dmol-min.js)
  # 3Dmol.js brings the last five bundled.
  set(packages plotly.js-basic-dist-min 3dmol iobuffer netcdfjs pako upng-js upng-js/node_modules/pako)
  foreach(file ${plotly} ${threedmol} ${web}/node_modules/upng-js/LICENSE)
    if(NOT EXISTS ${file})
      message(FATAL_ERROR "${file} is missing: run scripts/setup (or 'npm ci' in web/), "
                          "or configure with -DSALTUS_REPORT_CHARTS=OFF for a report page without charts")
    endif()
  endforeach()
  foreach(package ${packages})
    string(REGEX REPLACE ".*/" "" name ${package})
    file(READ ${web}/node_modules/${package}/LICENSE text)
    string(APPEND licences "${name}\n\n${text}\n\n")
  endforeach()
endif()
set(licences_file ${PROJECT_BINARY_DIR}/generated/licences.txt)
file(CONFIGURE OUTPUT ${licences_file} CONTENT "@licences@" @ONLY)
set_source_files_properties(saltus/runs/page_files.cpp PROPERTIES
  OBJECT_DEPENDS "${plotly};${threedmol};${licences_file};${web}/report.html;${web}/report.css;${web}/report.js"
  COMPILE_DEFINITIONS "SALTUS_PLOTLY=\"${plotly}\";SALTUS_THREEDMOL=\"${threedmol}\";SALTUS_LICENCES=\"${licences_file}\";SALTUS_WEB=\"${web}\"")

set(source_hash ${PROJECT_BINARY_DIR}/generated/source_hash.cpp)
file(GLOB hashed CONFIGURE_DEPENDS saltus/*/*.cpp saltus/*/*.hpp)
list(FILTER hashed EXCLUDE REGEX "/saltus/cli/")
add_custom_command(OUTPUT ${source_hash}
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${PROJECT_SOURCE_DIR} -DOUTPUT=${source_hash} -DVERSION=${PROJECT_VERSION}
          -P ${PROJECT_SOURCE_DIR}/cmake/source_hash.cmake
  DEPENDS ${hashed} ${PROJECT_SOURCE_DIR}/cmake/source_hash.cmake VERBATIM)
target_sources(saltus_runs PRIVATE ${source_hash})
