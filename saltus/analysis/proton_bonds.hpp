// Hydrogen bonds D–H…A that share a proton: found in a trajectory, and their coordinates
//   nu = d(D, H) − d(A, H),   R = d(D, A),
// minimum images. D is the atom to which H is bound in the first frame, and stays so.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "saltus/analysis/analysis.hpp"

namespace saltus {

struct ProtonBond {
  std::uint32_t donor = 0, hydrogen = 0, acceptor = 0;  ///< indices of atoms

  bool operator==(const ProtonBond&) const = default;
};

/// Of one configuration: minimum images from the donor.
struct ProtonVectors {
  Vec3 hydrogen_ang, acceptor_ang;

  double nu_ang() const { return norm(hydrogen_ang) - norm(hydrogen_ang - acceptor_ang); }
  double donor_acceptor_ang() const { return norm(acceptor_ang); }
};

/// The way A–H is the rest of D–H and D–A, not a minimum image of its own: in cells of less than twice the bond these would differ.
ProtonVectors proton_vectors(const Frame& frame, const ProtonBond& bond);

/// The atom among `elements` to which hydrogen h is bound: the nearest, within 1.5 covalent bond lengths; nothing when there is none.
std::optional<std::uint32_t> bound_to(const Frame& frame, std::uint32_t hydrogen, std::span<const int> elements);

/// Means over a trajectory, for the choice of bonds.
struct ProtonBondMeans {
  ProtonBond bond;
  double donor_acceptor_ang = 0;
  double way_ang = 0;         ///< d(D, H) + d(H, A)
  double angle_degrees = 0;   ///< at the hydrogen
};

/// Follows every D–H…A of the first frame whose D…A is shorter than the largest mean and 1 Å, and says which are short and shared.
class ProtonBondSearch : public Analysis {
 public:
  /// elements: atomic numbers of donors and acceptors. Throws Error{usage} when there are none, or the length is not positive.
  ProtonBondSearch(const Frame& first, std::span<const int> elements, double largest_mean_ang);
  std::unique_ptr<Record> map(const Frame& frame) const override;
  void fold(std::unique_ptr<Record> record) override;
  /// Those of mean D…A below the largest and mean angle of 120° or more; one hydrogen for each pair of atoms and one acceptor
  /// for each hydrogen, those of the shortest mean way from D over H to A. In the order of the hydrogens.
  std::vector<ProtonBondMeans> finish() const;

 private:
  double largest_mean_ang_;
  std::vector<ProtonBondMeans> sums_;
  std::size_t frames_ = 0;
};

}  // namespace saltus
