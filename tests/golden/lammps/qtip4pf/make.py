"""Energy, forces and virial of examples/path_integrals/water_32.extxyz from LAMMPS; writes expected.json. Usage: python make.py"""
import json
import math
import os
import subprocess
import sys
import tempfile

BOHR, HARTREE = 0.529177210903, 27.211386245988
PASCAL_PER_HARTREE_BOHR3 = 2.94210108e13  # as LAMMPS has it in units electron
here = os.path.dirname(os.path.abspath(__file__))
lines = open(os.path.join(here, "../../../../examples/path_integrals/water_32.extxyz")).read().split("\n")
edge = 10.26 / BOHR
atoms = [(w[0], [float(x) / BOHR for x in w[1:4]]) for w in (line.split() for line in lines[2:98])]


def run(mesh, gewald):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "water.data"), "w") as data:
            data.write(f"water\n\n96 atoms\n64 bonds\n32 angles\n2 atom types\n1 bond types\n1 angle types\n\n")
            for axis in "xyz":
                data.write(f"0 {edge:.15g} {axis}lo {axis}hi\n")
            data.write("\nMasses\n\n1 15.999\n2 1.008\n\nAtoms\n\n")
            for k, (element, r) in enumerate(atoms):
                kind, charge = (1, -1.1128) if element == "O" else (2, 0.5564)
                data.write(f"{k + 1} {k // 3 + 1} {kind} {charge} {r[0]:.15g} {r[1]:.15g} {r[2]:.15g}\n")
            data.write("\nBonds\n\n" + "".join(f"{2 * m + k + 1} 1 {3 * m + 1} {3 * m + 2 + k}\n" for m in range(32) for k in range(2)))
            data.write("\nAngles\n\n" + "".join(f"{m + 1} 1 {3 * m + 2} {3 * m + 1} {3 * m + 3}\n" for m in range(32)))
        om = (1 - 0.73612) * 1.78 * math.cos(math.radians(107.4 / 2))
        words = {"om": f"{om:.15g}", "cut": f"{9 / BOHR:.15g}", "onset": f"{8 / BOHR:.15g}", "gewald": str(gewald), "mesh": str(mesh)}
        variables = [w for key, value in words.items() for w in ("-var", key, value)]
        done = subprocess.run(["lmp", "-in", os.path.join(here, "in.lammps"), "-log", "none", *variables], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stdout[-2000:] + done.stderr)
        numbers = [float(x) for x in open(os.path.join(folder, "thermo.txt")).read().split()]
        rows = open(os.path.join(folder, "forces.txt")).read().split("\n")[9:105]
        forces = [[float(x) * HARTREE / BOHR for x in row.split()[1:4]] for row in rows]
        volume = edge**3
        virial = [p / PASCAL_PER_HARTREE_BOHR3 * volume * HARTREE for p in numbers[1:]]
        return numbers[0] * HARTREE, forces, virial


energy, forces, virial = run(108, 0.27)
other = run(90, 0.25)  # what the sum over waves of LAMMPS is good for
print("energy differs by", energy - other[0], "eV, forces by", max(abs(a - b) for f, g in zip(forces, other[1]) for a, b in zip(f, g)), "eV/Å, virial by",
      max(abs(a - b) for a, b in zip(virial, other[2])), "eV")
json.dump({"energy_ev": energy, "virial_xx_yy_zz_xy_xz_yz_ev": virial, "force_ev_ang": forces}, open(os.path.join(here, "expected.json"), "w"), indent=0)
