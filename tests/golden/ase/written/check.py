# Reads written.data and written.pdb, which Saltus wrote from input.extxyz, with ASE and LAMMPS, and compares them with the input.
import subprocess
import numpy as np
from ase.io import read
from ase.io.lammpsdata import read_lammps_data
from ase.geometry import find_mic
from ase.units import fs

original = read("input.extxyz", index=":")


def check(atoms, reference, tolerance, cell_tolerance):
    """Same elements, lattice and all distances by minimum image."""
    assert list(atoms.numbers) == list(reference.numbers)
    assert abs(atoms.get_volume() - reference.get_volume()) < cell_tolerance
    a = find_mic(atoms.positions[None, :, :].repeat(5, 0).reshape(-1, 3) - atoms.positions.repeat(5, 0), atoms.cell)[1]
    b = find_mic(reference.positions[None, :, :].repeat(5, 0).reshape(-1, 3) - reference.positions.repeat(5, 0), reference.cell)[1]
    assert np.abs(a - b).max() < tolerance, np.abs(a - b).max()


data = read_lammps_data("written.data", atom_style="atomic", units="metal")
check(data, original[0], 1e-9, 1e-9)
assert np.allclose(data.get_masses(), original[0].get_masses(), atol=1e-12)
# Speeds, angles between velocities and positions: nothing but a rotation.
v, w = data.get_velocities() * fs, original[0].arrays["vel"]
assert np.allclose(v @ v.T, w @ w.T, rtol=1e-9, atol=1e-12)
assert np.allclose(v @ data.positions.T, w @ original[0].positions.T, rtol=1e-9, atol=1e-9)

for atoms, reference in zip(read("written.pdb", index=":"), original, strict=True):
    # 0.001 Å in positions, 0.01 degrees and 0.001 Å in the cell of about 10 Å.
    check(atoms, reference, 0.01, 1.0)

open("in.tmp", "w").write("""units metal
atom_style atomic
boundary p p p
read_data written.data
pair_style zero 3.0
pair_coeff * *
dump 1 all custom 1 out.tmp id type xu yu zu vx vy vz
dump_modify 1 sort id format float %.15g
run 0
""")
subprocess.run(["lmp", "-in", "in.tmp", "-log", "none", "-screen", "none"], check=True)
rows = np.loadtxt("out.tmp", skiprows=9)
assert np.allclose(rows[:, 2:5], data.positions, atol=1e-9)
assert np.allclose(rows[:, 5:8], data.get_velocities() * fs * 1000, atol=1e-9)
print("all as in the input")
