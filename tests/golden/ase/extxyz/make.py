# Writes from_ase.xyz and expected.txt with ASE; by_hand.xyz is written by hand.
import numpy as np
from ase import Atoms, units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

rng = np.random.default_rng(20)
frames = []
for n, pbc in ((3, [1, 1, 0]), (5, [1, 1, 1])):
    cell = np.diag([5.0, 6.0, 7.0]) + 0.4 * rng.standard_normal((3, 3))
    atoms = Atoms(["Li", "Si", "O", "H", "Cs"][:n], rng.uniform(-2, 9, (n, 3)), cell=cell, pbc=pbc)
    atoms.set_momenta(rng.standard_normal((n, 3)))
    atoms.calc = SinglePointCalculator(atoms, energy=rng.standard_normal(), forces=rng.standard_normal((n, 3)),
                                       stress=0.02 * rng.standard_normal(6))
    atoms.info["origin"] = "a name with blanks, \"quotes\" and = signs"
    frames.append(atoms)
molecule = Atoms("OH2", [[0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]])
molecule.set_masses([15.995, 2.014, 1.008])
frames.append(molecule)
write("from_ase.xyz", frames, format="extxyz")

with open("expected.txt", "w") as out:
    out.write("# file frame quantity values; Å, eV, eV/Å, Å/fs, amu; virial = -stress * volume in eV\n")
    for name in "from_ase.xyz", "by_hand.xyz":
        for k, atoms in enumerate(read(name, index=":", format="extxyz")):
            def line(quantity, values):
                out.write(f"{name} {k} {quantity} " + " ".join(repr(float(v)) for v in np.ravel(values)) + "\n")
            line("numbers", atoms.numbers)
            line("positions", atoms.positions)
            line("masses", atoms.get_masses())
            line("pbc", atoms.pbc)
            if atoms.cell.rank:
                line("cell", atoms.cell)
            if atoms.has("momenta"):
                line("velocities", atoms.get_velocities() * units.fs)
            results = atoms.calc.results if atoms.calc else {}
            if "energy" in results:
                line("energy", results["energy"])
            if "forces" in results:
                line("forces", results["forces"])
            if "stress" in results:
                line("virial", -atoms.get_stress(voigt=False) * atoms.get_volume())
            elif "virial" in atoms.info:
                line("virial", atoms.info["virial"])
