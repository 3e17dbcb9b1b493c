#include "saltus/runs/site_file.hpp"

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/io/number_table.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus::runs {

namespace {

SiteFile sites_of_table(const std::filesystem::path& path) {
  const NumberTable table = read_number_table(path);
  if (table.columns != 3)
    throw Error(ErrorKind::format, fmt::format("{}: {} columns; sites have three fractional coordinates a line", path.string(), table.columns));
  SiteFile file;
  for (std::size_t k = 0; k < table.rows; ++k) file.position.push_back({table.value[3 * k], table.value[3 * k + 1], table.value[3 * k + 2]});
  return file;
}

}  // namespace

SiteFile read_sites(const std::filesystem::path& path, int mobile) {
  const auto extension = path.extension();
  if (extension == ".txt" || extension == ".dat" || extension == ".npy") return sites_of_table(path);
  Frame frame;
  if (!open_trajectory(path)->read_next(frame)) throw Error(ErrorKind::format, path.string() + ": no frame");
  for (const bool periodic : frame.cell.periodic())
    if (!periodic) throw Error(ErrorKind::format, path.string() + ": sites need a cell that is periodic along all three vectors");
  SiteFile file;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    if (frame.atoms->atomic_number[i] == mobile) file.position.push_back(frame.cell.to_fractional(frame.position_ang[i]));
    else file.framework_ang.push_back(frame.position_ang[i]);
  }
  if (file.position.empty()) throw Error(ErrorKind::format, fmt::format("{}: there is no {} among {}", path.string(), symbol_of(mobile), formula(*frame.atoms)));
  return file;
}

void write_sites(const std::filesystem::path& path, const Sites& sites, int mobile, std::span<const Vec3> framework_ang, int framework) {
  std::vector<std::uint8_t> elements(framework_ang.size(), static_cast<std::uint8_t>(framework));
  elements.insert(elements.end(), sites.size(), static_cast<std::uint8_t>(mobile));
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of(elements));
  frame.cell = sites.cell;
  frame.position_ang.assign(framework_ang.begin(), framework_ang.end());
  for (const Fractional& f : sites.position) frame.position_ang.push_back(sites.cell.to_cartesian(f));
  WriteOptions options;
  options.step_and_time = false;
  const auto writer = create_trajectory(path, options);
  writer->write(frame);
  writer->commit();
}

}  // namespace saltus::runs
