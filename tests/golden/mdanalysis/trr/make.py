# Writes all.trr (positions, velocities, forces), some.trr (blocks that come and go) and what MDAnalysis reads: python
# make.py
import pathlib
import warnings

import MDAnalysis as mda
import numpy as np

warnings.filterwarnings("ignore")
rng = np.random.default_rng(5)


def write(name, boxes, velocities, forces):
    with mda.coordinates.TRR.TRRWriter(name, n_atoms=7) as out:
        for k, box in enumerate(boxes):
            u = mda.Universe.empty(7, trajectory=True, velocities=velocities[k], forces=forces[k])
            u.atoms.positions = rng.normal(0, 20, (7, 3))
            if velocities[k]:
                u.atoms.velocities = rng.normal(0, 5, (7, 3))
            if forces[k]:
                u.atoms.forces = rng.normal(0, 300, (7, 3))
            u.dimensions = box
            u.trajectory.ts.time = 0.25 * k + 1
            u.trajectory.ts.data["step"] = 125 * k + 500
            u.trajectory.ts.frame = k
            out.write(u.atoms)


write("all.trr", [[12, 12, 12, 90, 90, 90], [12, 13, 14, 70, 80, 100], None], [True] * 3, [True] * 3)
write("some.trr", [[12, 12, 12, 90, 90, 90]] * 3, [True, False, False], [False, False, True])

with open("expected.txt", "w") as out:
    print(
        "# file frame quantity values: step, time (ps), cell (rows, Å), positions (Å), velocities (Å/ps), "
        "forces (kJ/mol/Å)",
        file=out,
    )
    for name in ("all.trr", "some.trr"):
        for k, ts in enumerate(mda.coordinates.TRR.TRRReader(name)):
            cell = np.zeros((3, 3)) if ts.dimensions is None else mda.lib.mdamath.triclinic_vectors(ts.dimensions)
            values = {"step": [ts.data["step"]], "time": [ts.time], "cell": cell, "positions": ts.positions}
            values["velocities"] = ts.velocities if ts.has_velocities else []
            values["forces"] = ts.forces if ts.has_forces else []
            for quantity in values:
                print(name, k, quantity, *(f"{v:.9g}" for v in np.ravel(values[quantity])), file=out)

for left in pathlib.Path(".").glob(".*.trr_offsets.*"):
    left.unlink()
