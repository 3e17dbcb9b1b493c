# What Saltus writes is what MDAnalysis reads: positions, velocities, forces and times of an H5MD file of single precision.
#   saltus convert DATA.extxyz DATA.h5md && python check_written.py DATA.h5md DATA.extxyz
import sys

import ase.io
import MDAnalysis as mda
import numpy as np

kj_mol_per_ev, ang_ps_per_ang_fs, fs_per_ps = 96.48533212331, 1000, 1000
images = ase.io.read(sys.argv[2], index=":")
trajectory = mda.Universe.empty(len(images[0]), trajectory=True).load_new(sys.argv[1]).trajectory
assert len(trajectory) == len(images)
for ts, image in zip(trajectory, images):
    # Positions are wrapped into the cell. Floats have 24 binary digits.
    distance = image.cell.scaled_positions(ts.positions - image.positions)
    np.testing.assert_allclose((distance - np.round(distance)) @ image.cell, 0, atol=1e-6)
    np.testing.assert_allclose(ts.velocities, ang_ps_per_ang_fs * image.arrays["vel"], rtol=2e-7)
    np.testing.assert_allclose(ts.forces, kj_mol_per_ev * image.get_forces(), rtol=2e-7)
    np.testing.assert_allclose(fs_per_ps * ts.time, image.info["time_fs"], rtol=1e-12)
    np.testing.assert_allclose(ts.dimensions, image.cell.cellpar(), rtol=1e-6)
    assert ts.data["potential_energy"] == image.info.get("energy", image.get_potential_energy())
print(f"{len(images)} frames are the same")
