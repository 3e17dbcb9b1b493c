#include "saltus/potentials/potential.hpp"

namespace saltus {

Evaluation evaluate_one(const Potential& potential, const Frame& frame, Want want, Workspace& workspace) {
  Evaluation result;
  potential.evaluate({frame.atoms.get(), {&frame.cell, 1}, frame.position_ang}, want, workspace, {&result, 1});
  return result;
}

}  // namespace saltus
