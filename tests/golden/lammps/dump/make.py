# Runs LAMMPS (in.lammps) and writes expected.txt: what ASE reads from the wrapped dump.
import subprocess
import numpy as np
from ase.io import read

subprocess.run(["lmp", "-in", "in.lammps", "-log", "log.lammps", "-screen", "none"], check=True)
rows, inside = [], 0
for line in open("log.lammps"):
    if line.startswith("Step"):
        inside += 1
    elif line.startswith("Loop"):
        inside = min(inside, 1)
    if inside == 2:
        rows.append(line)
open("thermo.txt", "w").writelines(rows)

with open("expected.txt", "w") as out:
    out.write("# frame quantity values by id; Å and eV/Å\n")
    for k, lines in enumerate(open("wrapped.lammpstrj").read().split("ITEM: TIMESTEP\n")[1:]):
        # ASE looks for the snapshot at TIMESTEP; the two items before it belong to LAMMPS versions it does not know.
        open("one.tmp", "w").write("ITEM: TIMESTEP\n" + lines.split("ITEM: TIME")[0])
        atoms = read("one.tmp", format="lammps-dump-text", units="metal")
        for quantity, values in (("cell", atoms.cell[:]), ("forces", atoms.get_forces()),
                                 ("numbers", atoms.numbers)):
            out.write(f"{k} {quantity} " + " ".join(repr(float(v)) for v in np.ravel(values)) + "\n")
