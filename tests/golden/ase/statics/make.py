# Statics of Lennard-Jones argon, lennard_jones_argon() of Saltus, by ASE (optimisers, nudged elastic band, equation of state) and phonopy.
import json
import pathlib

import numpy as np
import phonopy
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.eos import EquationOfState
from ase.filters import FrechetCellFilter
from ase.io import write
from ase.mep import NEB
from ase.neighborlist import neighbor_list
from ase.optimize import BFGS, FIRE
from phonopy import Phonopy
from phonopy.structure.atoms import PhonopyAtoms

here = pathlib.Path(__file__).parent
epsilon, sigma, onset, cutoff = 120 * 8.617333262145e-5, 3.4, 7.0, 8.5
GPA = 160.21766208


class Argon(Calculator):
    implemented_properties = ["energy", "forces", "stress"]

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        i, r, d = neighbor_list("idD", self.atoms, cutoff)
        s6 = (sigma / r) ** 6
        e, slope = 4 * epsilon * s6 * (s6 - 1), -24 * epsilon * s6 * (2 * s6 - 1) / r
        x = np.clip((r - onset) / (cutoff - onset), 0, 1)
        on, on_slope = 1 - x**3 * (10 - x * (15 - 6 * x)), -30 * x * x * (1 - x) ** 2 / (cutoff - onset)
        slope = slope * on + e * on_slope
        pull = (slope / r)[:, None] * d
        forces = np.zeros((len(self.atoms), 3))
        np.add.at(forces, i, pull)
        stress = 0.5 * np.einsum("pa,pb->ab", d, pull) / self.atoms.get_volume()
        self.results = {"energy": 0.5 * (e * on).sum(), "forces": forces, "stress": stress.flat[[0, 4, 8, 5, 2, 1]]}


result = {}

# A disturbed hexagonal close-packed crystal, cell and positions relaxed at 0.2 GPa.
hcp = bulk("Ar", "hcp", a=3.8, c=6.1)
hcp.set_cell(hcp.cell.array @ (np.eye(3) + [[0.01, 0.02, 0], [0.02, -0.01, 0.015], [0, 0.015, 0.02]]), scale_atoms=True)
hcp.positions[1] += [0.1, -0.05, 0.08]
write(here / "disturbed.extxyz", hcp, columns=["symbols", "positions"])
hcp.calc = Argon()
BFGS(FrechetCellFilter(hcp, scalar_pressure=0.2 / GPA), logfile=None).run(fmax=1e-8, steps=2000)
result["pressed"] = {"energy_ev": hcp.get_potential_energy(), "volume_ang3": hcp.get_volume(), "lengths_ang": list(hcp.cell.lengths())}
BFGS(FrechetCellFilter(hcp), logfile=None).run(fmax=1e-9, steps=2000)
result["free"] = {"energy_ev": hcp.get_potential_energy(), "volume_ang3": hcp.get_volume()}
minimum = hcp.copy()
minimum.wrap()
write(here / "hcp.extxyz", minimum, columns=["symbols", "positions"])

volumes, energies = [], []
for part in np.linspace(0.94, 1.06, 9):
    scaled = hcp.copy()
    scaled.set_cell(hcp.cell.array * part ** (1 / 3), scale_atoms=True)
    scaled.calc = Argon()
    BFGS(scaled, logfile=None).run(fmax=1e-9, steps=500)
    volumes.append(scaled.get_volume())
    energies.append(scaled.get_potential_energy())
eos = EquationOfState(volumes, energies, eos="birchmurnaghan")
v0, e0, b0 = eos.fit()
result["equation_of_state"] = {"volume_ang3": v0, "energy_ev": e0, "bulk_gpa": b0 * GPA, "derivative": eos.eos_parameters[2]}

# Phonons of that crystal, primitive cell of two atoms.
phonon = Phonopy(PhonopyAtoms(symbols=["Ar", "Ar"], cell=minimum.cell.array, scaled_positions=minimum.get_scaled_positions(), masses=[39.948, 39.948]),
                 supercell_matrix=np.diag([3, 3, 2]), is_symmetry=False)
phonon.generate_displacements(distance=0.001, is_plusminus=True, is_diagonal=False)
forces = []
for cell in phonon.supercells_with_displacements:
    atoms = Atoms("Ar%d" % len(cell), cell=cell.cell, scaled_positions=cell.scaled_positions, pbc=True)
    atoms.calc = Argon()
    forces.append(atoms.get_forces())
phonon.forces = forces
phonon.produce_force_constants()
phonon.symmetrize_force_constants()
points = [[0, 0, 0], [0.5, 0, 0], [1 / 3, 1 / 3, 0], [0, 0, 0.5], [0.1, 0.27, 0.4]]
result["phonons"] = [{"q": q, "frequency_thz": list(phonon.get_frequencies(q))} for q in points]
phonon.run_mesh([8, 8, 8], is_gamma_center=True, is_mesh_symmetry=False, is_time_reversal=False)
phonon.run_thermal_properties(temperatures=[0, 40, 80], cutoff_frequency=1e-3)
thermal = phonon.get_thermal_properties_dict()
kj_mol = 1e3 / 96485.33212331
result["thermal"] = {"temperature_kelvin": [0, 40, 80], "free_energy_ev": list(thermal["free_energy"] * kj_mol),
                     "entropy_ev_kelvin": list(thermal["entropy"] * kj_mol / 1e3), "heat_capacity_ev_kelvin": list(thermal["heat_capacity"] * kj_mol / 1e3)}

# The hop of a vacancy in face-centred cubic argon, 107 atoms.
fcc = bulk("Ar", "fcc", a=5.25, cubic=True)
fcc.calc = Argon()
BFGS(FrechetCellFilter(fcc), logfile=None).run(fmax=1e-9)
fcc = fcc.repeat((3, 3, 3))
write(here / "fcc.extxyz", fcc, columns=["symbols", "positions"])
mover = int(np.argsort(fcc.get_distances(0, range(len(fcc)), mic=True))[1])
start, end = fcc.copy(), fcc.copy()
end.positions[mover] += end.get_distance(mover, 0, mic=True, vector=True)
for atoms in (start, end):
    del atoms[0]
    atoms.calc = Argon()
    BFGS(atoms, logfile=None).run(fmax=1e-4)
images = [start] + [start.copy() for _ in range(5)] + [end]
for image in images[1:-1]:
    image.calc = Argon()
band = NEB(images, k=1.0, climb=True, method="improvedtangent")
band.interpolate("idpp", mic=True)
FIRE(band, logfile=None).run(fmax=2e-4, steps=2000)
energy = [image.get_potential_energy() for image in images]
result["vacancy_hop"] = {"vacancy": 0, "mover": mover, "barrier_ev": max(energy) - energy[0], "energies_ev": energy}
(here / "expected.json").write_text(json.dumps(result, indent=1) + "\n")
print("phonopy", phonopy.__version__)
