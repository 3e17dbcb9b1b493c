#include "saltus/models/published_files.hpp"

#include <algorithm>
#include <array>

namespace saltus {

std::span<const PublishedFile> published_files() {
  static constexpr std::array table{
      PublishedFile{"SevenNet-0 (11July2024)", "sevennet", "89 elements", "MIT", "github.com/MDIL-SNU/SevenNet", "SevenNet-0_11July2024_deployed_serial.pt", 3455857,
                    "b5903bd31005f693e8a911f3db7fc06bb104cbe879ecd90228aa75d447bb85d7"},
      PublishedFile{"MACE_SPICE", "mace", "15: H Li C N O F Na Mg P S Cl K Ca Br I", "MIT", "github.com/ACEsuit/mace (a test file)", "MACE_SPICE.model", 1578591,
                    "ba43f51ff202b77d3cbae8c4fac1172e64b4e5cd564b670af6e1f158b82bd8df"},
      PublishedFile{"Solvents, stage one", "mace", "3: H C O", "MIT", "github.com/imagdau/Tutorials", "", 653326,
                    "ed9a182e4f2f6b60b4888fb6b8291c8f17730f0f2d4b0a73a0a146ad61c6a579"},
      PublishedFile{"Solvents, stage two", "mace", "3: H C O", "MIT", "github.com/imagdau/Tutorials", "", 655970,
                    "8a100c3db4e39ad8a821d610ef6e216640aacd8c1faf25740c4163a45548a8ba"},
      PublishedFile{"Solvents, stage two, TorchScript", "mace", "3: H C O", "MIT", "github.com/imagdau/Tutorials", "", 737168,
                    "eba2cfebcb718f0a71b41bbf22df1256500c572ae5bddf51b5cb6f8f29661893"},
      PublishedFile{"MACE-MP-0", "mace", "89 elements", "MIT", "github.com/ACEsuit/mace-mp", "", 0, ""},
      PublishedFile{"MACE-OFF23", "mace", "10: H C N O F P S Cl Br I", "Academic Software License", "github.com/ACEsuit/mace-off", "", 0, ""},
      PublishedFile{"MatterSim 1.0, 1M", "mattersim", "", "MIT", "github.com/microsoft/mattersim", "mattersim-v1.0.0-1M.pth", 0, ""},
      PublishedFile{"MatterSim 1.0, 5M", "mattersim", "", "MIT", "github.com/microsoft/mattersim", "mattersim-v1.0.0-5M.pth", 0, ""},
  };
  return table;
}

std::optional<PublishedFile> published_file_of(std::string_view sha256) {
  if (sha256.empty()) return {};
  const auto all = published_files();
  const auto found = std::find_if(all.begin(), all.end(), [&](const PublishedFile& file) { return file.sha256 == sha256; });
  return found == all.end() ? std::nullopt : std::optional(*found);
}

}  // namespace saltus
