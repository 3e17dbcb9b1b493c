"""Energy, forces and virial of examples/path_integrals/water_32.extxyz from LAMMPS, and of its first 8 molecules alone; writes expected.json. Usage: python make.py"""
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


def run(script, molecules, low, high, settings):
    count = 3 * molecules
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "water.data"), "w") as data:
            data.write(f"water\n\n{count} atoms\n{2 * molecules} bonds\n{molecules} angles\n2 atom types\n1 bond types\n1 angle types\n\n")
            for axis in "xyz":
                data.write(f"{low:.15g} {high:.15g} {axis}lo {axis}hi\n")
            data.write("\nMasses\n\n1 15.999\n2 1.008\n\nAtoms\n\n")
            for k, (element, r) in enumerate(atoms[:count]):
                kind, charge = (1, -1.1128) if element == "O" else (2, 0.5564)
                data.write(f"{k + 1} {k // 3 + 1} {kind} {charge} {r[0]:.15g} {r[1]:.15g} {r[2]:.15g}\n")
            data.write("\nBonds\n\n" + "".join(f"{2 * m + k + 1} 1 {3 * m + 1} {3 * m + 2 + k}\n" for m in range(molecules) for k in range(2)))
            data.write("\nAngles\n\n" + "".join(f"{m + 1} 1 {3 * m + 2} {3 * m + 1} {3 * m + 3}\n" for m in range(molecules)))
        om = (1 - 0.73612) * 1.78 * math.cos(math.radians(107.4 / 2))
        words = {"om": om, **settings}
        variables = [w for key, value in words.items() for w in ("-var", key, f"{value:.15g}")]
        done = subprocess.run(["lmp", "-in", os.path.join(here, script), "-log", "none", *variables], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stdout[-2000:] + done.stderr)
        numbers = [float(x) for x in open(os.path.join(folder, "thermo.txt")).read().split()]
        rows = open(os.path.join(folder, "forces.txt")).read().split("\n")[9:9 + count]
        forces = [[float(x) * HARTREE / BOHR for x in row.split()[1:4]] for row in rows]
        volume = (high - low) ** 3
        virial = [p / PASCAL_PER_HARTREE_BOHR3 * volume * HARTREE for p in numbers[1:]]
        return numbers[0] * HARTREE, forces, virial


def liquid(mesh, gewald):
    return run("in.lammps", 32, 0, edge, {"cut": 9 / BOHR, "onset": 8 / BOHR, "gewald": gewald, "mesh": mesh})


energy, forces, virial = liquid(108, 0.27)
other = liquid(90, 0.25)  # what the sum over waves of LAMMPS is good for
print("energy differs by", energy - other[0], "eV, forces by", max(abs(a - b) for f, g in zip(forces, other[1]) for a, b in zip(f, g)), "eV/Å, virial by",
      max(abs(a - b) for a, b in zip(virial, other[2])), "eV")
cluster = run("cluster.lammps", 8, -50, 80, {})
document = {"cell_ang": 10.26, "position_ang": [[round(x * BOHR, 6) for x in r] for _, r in atoms],
            "energy_ev": energy, "virial_xx_yy_zz_xy_xz_yz_ev": virial, "force_ev_ang": forces,
            "cluster_energy_ev": cluster[0], "cluster_force_ev_ang": cluster[1]}
json.dump(document, open(os.path.join(here, "expected.json"), "w"))
