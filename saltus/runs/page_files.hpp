// The files of the report page, carried in the binary.
#pragma once

#include <string_view>

namespace saltus::runs {

std::string_view plotly_js();     ///< a comment only when built without charts, as is threedmol_js
std::string_view threedmol_js();
std::string_view script_licences();  ///< of both and of what they bundle; empty when built without charts
std::string_view report_html();
std::string_view report_css();
std::string_view report_js();

}  // namespace saltus::runs
