# What the binary carries: the files of the report page, and a hash of the sources that decide results (part of every artifact's key).

option(SALTUS_REPORT_CHARTS "Embed plotly.js and 3Dmol.js in the report page (needs 'npm ci' in web/, which scripts/setup runs)" ON)

set(web ${PROJECT_SOURCE_DIR}/web)
set(plotly ${web}/node_modules/plotly.js-basic-dist-min/plotly-basic.min.js)
set(plotly_licence ${web}/node_modules/plotly.js-basic-dist-min/LICENSE)
set(threedmol ${web}/node_modules/3dmol/build/3Dmol-min.js)
set(threedmol_licence ${web}/node_modules/3dmol/LICENSE)
if(SALTUS_REPORT_CHARTS)
  foreach(file ${plotly} ${plotly_licence} ${threedmol} ${threedmol_licence})
    if(NOT EXISTS ${file})
      message(FATAL_ERROR "${file} is missing: run scripts/setup (or 'npm ci' in web/), "
                          "or configure with -DSALTUS_REPORT_CHARTS=OFF for a report page without charts")
    endif()
  endforeach()
else()
  foreach(file plotly plotly_licence threedmol threedmol_licence)
    set(${file} ${web}/no_charts.js)
  endforeach()
endif()
set_source_files_properties(saltus/runs/page_files.cpp PROPERTIES
  OBJECT_DEPENDS "${plotly};${plotly_licence};${threedmol};${threedmol_licence};${web}/report.html;${web}/report.css;${web}/report.js"
  COMPILE_DEFINITIONS "SALTUS_PLOTLY=\"${plotly}\";SALTUS_PLOTLY_LICENCE=\"${plotly_licence}\";SALTUS_THREEDMOL=\"${threedmol}\";SALTUS_THREEDMOL_LICENCE=\"${threedmol_licence}\";SALTUS_WEB=\"${web}\"")

set(source_hash ${PROJECT_BINARY_DIR}/generated/source_hash.cpp)
file(GLOB hashed CONFIGURE_DEPENDS saltus/*/*.cpp saltus/*/*.hpp)
list(FILTER hashed EXCLUDE REGEX "/saltus/cli/")
add_custom_command(OUTPUT ${source_hash}
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${PROJECT_SOURCE_DIR} -DOUTPUT=${source_hash} -DVERSION=${PROJECT_VERSION}
          -P ${PROJECT_SOURCE_DIR}/cmake/source_hash.cmake
  DEPENDS ${hashed} ${PROJECT_SOURCE_DIR}/cmake/source_hash.cmake VERBATIM)
target_sources(saltus_runs PRIVATE ${source_hash})
