// Files embedded by the assembler (.incbin): no conversion step and nothing for the compiler to parse.
#include "saltus/runs/page_files.hpp"

#define SALTUS_EMBED(name, file)                                                                       \
  asm(".section .rodata\n.balign 16\n.global saltus_page_" #name "\nsaltus_page_" #name ":\n"          \
      ".incbin \"" file "\"\n.global saltus_page_" #name "_end\nsaltus_page_" #name "_end:\n.byte 0\n" \
      ".previous\n");                                                                                  \
  extern "C" const char saltus_page_##name[], saltus_page_##name##_end[];                              \
  namespace saltus::runs {                                                                             \
  std::string_view name() {                                                                            \
    return {saltus_page_##name, static_cast<std::size_t>(saltus_page_##name##_end - saltus_page_##name)}; \
  }                                                                                                    \
  }

SALTUS_EMBED(plotly_js, SALTUS_PLOTLY)
SALTUS_EMBED(threedmol_js, SALTUS_THREEDMOL)
SALTUS_EMBED(script_licences, SALTUS_LICENCES)
SALTUS_EMBED(report_html, SALTUS_WEB "/report.html")
SALTUS_EMBED(report_css, SALTUS_WEB "/report.css")
SALTUS_EMBED(report_js, SALTUS_WEB "/report.js")
