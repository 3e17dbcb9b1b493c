# Writes input.extxyz: a strongly skewed cell in no particular orientation, atoms outside of it, velocities, two kinds of hydrogen.
import numpy as np
from ase import Atoms
from ase.io import write

rng = np.random.default_rng(3)
turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
if np.linalg.det(turn) < 0:
    turn[:, 0] *= -1
rows = np.array([[7.0, 0, 0], [5.2, 6.0, 0], [-4.9, 4.1, 8.0]]) @ turn
frames = []
for k in range(2):
    atoms = Atoms("LiOHHSi", rng.uniform(-9, 12, (5, 3)), cell=rows * (1 + 0.01 * k), pbc=True)
    masses = atoms.get_masses()
    masses[3] = 2.014
    atoms.set_masses(masses)
    atoms.arrays["vel"] = rng.normal(scale=0.01, size=(5, 3))
    frames.append(atoms)
write("input.extxyz", frames, format="extxyz", columns=["symbols", "positions", "masses", "vel"])
