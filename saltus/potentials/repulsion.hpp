// Screened nuclear repulsion (Ziegler–Biersack–Littmark), smoothly ended at a pair distance: atoms never fuse.
// V = Z_i Z_j e² φ(r/a)/r · f(r/r_end), a = 0.46850 Å / (Z_i^0.23 + Z_j^0.23), f(t) = 1 − 10 t³ + 15 t⁴ − 6 t⁵.
// Reference: Ziegler, Biersack, Littmark, The Stopping and Range of Ions in Solids (Pergamon, 1985).
#pragma once

namespace saltus {

struct PairEnergy {
  double energy_ev = 0;
  double slope_ev_ang = 0;  ///< dV/dr
};

/// Energy and slope at distance r_ang > 0 (zero from end_ang on).
PairEnergy zbl_repulsion(int atomic_number_a, int atomic_number_b, double r_ang, double end_ang);

}  // namespace saltus
