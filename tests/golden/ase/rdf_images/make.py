# Writes counts.txt: pairs per bin from ase.neighborlist, periodic images included.
import ase, numpy as np
from ase.io import read
from ase.neighborlist import neighbor_list

rows = []
def counts(name, atoms, a, b, r_max=8.0, bin_ang=0.1):
    i, j, d = neighbor_list("ijd", atoms, r_max)
    s = np.array(atoms.get_chemical_symbols())
    d = d[(s[i] == a) & (s[j] == b)]
    h = np.floor(d / bin_ang).astype(int)
    # No distance may lie so near a bin edge that rounding decides.
    assert np.abs(d / bin_ang - np.round(d / bin_ang)).min() > 1e-9
    rows.append(f"{name} {a} {b} " + " ".join(map(str, np.bincount(h, minlength=round(r_max / bin_ang))[:round(r_max / bin_ang)])))

for name in ("cubic", "skewed"):
    atoms = read(f"{name}.extxyz")
    for a, b in (("Li", "Li"), ("Li", "Si"), ("Si", "Si")):
        counts(name, atoms, a, b)
open("counts.txt", "w").write("\n".join(rows) + "\n")
print(ase.__version__)
