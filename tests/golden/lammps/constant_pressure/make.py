# Solid argon at 40 K and 500 bar in LAMMPS (Nosé-Hoover barostat, isotropic): mean and variance of the volume, with errors from 40 blocks.
# The potential is that of lennard_jones_argon() as a table. Needs numpy and lmp.
import json
import pathlib
import subprocess

import numpy as np

here = pathlib.Path(__file__).parent
epsilon, sigma, onset, cutoff = 120 * 8.617333262145e-5, 3.4, 7.0, 8.5
r = np.linspace(2.0, cutoff, 20000)
s6 = (sigma / r) ** 6
energy, slope = 4 * epsilon * s6 * (s6 - 1), -24 * epsilon * s6 * (2 * s6 - 1) / r
x = np.clip((r - onset) / (cutoff - onset), 0, 1)
on, on_slope = 1 - x**3 * (10 - x * (15 - 6 * x)), -30 * x * x * (1 - x) ** 2 / (cutoff - onset)
table = np.column_stack([np.arange(1, len(r) + 1), r, energy * on, -(slope * on + energy * on_slope)])
with open("argon.table", "w") as file:
    file.write("# Lennard-Jones argon, switched off between 7.0 and 8.5 ang\n\nARGON\nN %d R %.10g %.10g\n\n" % (len(r), r[0], r[-1]))
    for row in table:
        file.write("%d %.12g %.14g %.14g\n" % tuple(row))
subprocess.run(["lmp", "-in", str(here / "in.lammps")], check=True)


def mean(values, blocks=40):
    length = len(values) // blocks
    of_block = values[: length * blocks].reshape(blocks, length).mean(1)
    return {"value": of_block.mean(), "error": of_block.std(ddof=1) / blocks**0.5}


volume, pressure = np.loadtxt("npt.dat")[:, 1:3].T
expected = {"volume_ang3": mean(volume), "variance_ang6": mean((volume - volume.mean()) ** 2), "pressure_bar": mean(pressure)}
(here / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
