# Writes frame0.gro (cubic box), frame1.gro (skewed box), both with velocities, and what MDAnalysis reads: python
# make.py
import warnings

import MDAnalysis as mda
import numpy as np

warnings.filterwarnings("ignore")
rng = np.random.default_rng(3)

names = ["OW", "HW1", "HW2"] * 4 + ["NA", "CL"]
residues = ["SOL"] * 4 + ["NA", "CL"]
u = mda.Universe.empty(
    14, n_residues=6, atom_resindex=[0] * 3 + [1] * 3 + [2] * 3 + [3] * 3 + [4, 5], trajectory=True, velocities=True
)
u.add_TopologyAttr("name", names)
u.add_TopologyAttr("resname", residues)
u.add_TopologyAttr("resid", range(1, 7))
for k, box in enumerate(([15, 15, 15, 90, 90, 90], [15, 16, 17, 60, 70, 80])):
    u.atoms.positions = rng.uniform(-5, 15, (14, 3))
    u.atoms.velocities = rng.normal(0, 5, (14, 3))
    u.dimensions = box
    u.atoms.write(f"frame{k}.gro")
    lines = open(f"frame{k}.gro").read().split("\n")
    lines[0] = f"Water and salt, t= {2.5 * k:.5f} step= {1250 * k}"
    open(f"frame{k}.gro", "w").write("\n".join(lines))

with open("expected.txt", "w") as out:
    print("# file frame quantity values: numbers, cell (rows, Å), positions (Å), velocities (Å/ps)", file=out)
    for name in ("frame0.gro", "frame1.gro"):
        ts = mda.Universe(name).trajectory.ts
        cell = mda.lib.mdamath.triclinic_vectors(ts.dimensions)
        numbers = [8, 1, 1] * 4 + [11, 17]
        for quantity, values in (
            ("numbers", numbers),
            ("cell", cell),
            ("positions", ts.positions),
            ("velocities", ts.velocities),
        ):
            print(name, 0, quantity, *(f"{v:.9g}" for v in np.ravel(values)), file=out)
