# What `cmake --install` puts in place: the program, and what the program says of itself: manual pages and completions.
include(GNUInstallDirs)

set(manual ${PROJECT_BINARY_DIR}/generated/man)
set(completions ${PROJECT_BINARY_DIR}/generated/completions)
set(told ${PROJECT_BINARY_DIR}/generated/told_by_saltus.stamp)
add_custom_command(OUTPUT ${told}
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${manual} ${completions}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${completions}
  COMMAND saltus man --all ${manual}
  COMMAND saltus completion bash > ${completions}/saltus
  COMMAND saltus completion zsh > ${completions}/_saltus
  COMMAND saltus completion fish > ${completions}/saltus.fish
  COMMAND ${CMAKE_COMMAND} -E touch ${told}
  DEPENDS saltus COMMENT "Manual pages and completions" VERBATIM)
add_custom_target(manual_and_completions ALL DEPENDS ${told})

install(TARGETS saltus RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(SALTUS_WITH_TORCH)
  install(TARGETS saltus-train RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY ${manual}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
install(DIRECTORY ${manual}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 FILES_MATCHING PATTERN "*.5")
install(FILES ${completions}/saltus DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${completions}/_saltus DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${completions}/saltus.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/manual/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/manual)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/THIRD_PARTY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
