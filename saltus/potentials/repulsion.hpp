// Screened nuclear repulsion (Ziegler–Biersack–Littmark), smoothly ended at a pair distance: atoms never fuse.
// V = Z_i Z_j e² φ(r/a)/r · f(r/r_end), a = 0.46850 Å / (Z_i^0.23 + Z_j^0.23), f(t) = 1 − 10 t³ + 15 t⁴ − 6 t⁵.
// Reference: Ziegler, Biersack, Littmark, The Stopping and Range of Ions in Solids (Pergamon, 1985).
#pragma once

namespace saltus {

struct PairEnergy {
  double energy_ev = 0;
  double slope_ev_ang = 0;  ///< dV/dr
};

/// What does not depend on the distance.
struct ZblPair {
  double strength_ev_ang = 0;  ///< Z_i Z_j e²
  double length_ang = 1;       ///< a
  double end_ang = 0;
};

ZblPair zbl_pair(int atomic_number_a, int atomic_number_b, double end_ang);

/// Energy and slope at distance r_ang > 0 (zero from the end on).
PairEnergy zbl_repulsion(const ZblPair& pair, double r_ang);

}  // namespace saltus
