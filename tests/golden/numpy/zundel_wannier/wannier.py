"""Wannier centres of H5O2+ by numpy alone: python wannier.py CENTRES.xyz.gz SPREADS.out.gz DIPOLE.out > expected.json"""
import gzip, json, sys
import numpy as np

L, zval, mass = 8.0, np.array([6, 6, 1, 1, 1, 1, 1.0]), np.array([15.999] * 2 + [1.008] * 5)
image = lambda v: v - L * np.round(v / L)
length = lambda v: np.linalg.norm(image(v), axis=-1)
text = gzip.open(sys.argv[1], "rt").read().split("\n")
rows = [l.split() for l in gzip.open(sys.argv[2], "rt").read().split("\n")]
width = np.array([float(r[1]) for r in rows if len(r) == 3 and r[0] != "Total"]).reshape(-1, 8) * 0.529177210903**2
sharing, bond, lone, bond_width, lone_width, dipole = [], [], [], [], [], []
for k, first in enumerate(range(0, len(text) - 1, 17)):
    x = np.array([line.split()[1:4] for line in text[first + 2 : first + 17]], float)
    r, c = x[:7], x[7:]
    oc, oh = length(c[:, None] - r[None, :2]), length(r[2:, None] - r[None, :2])
    owner, covalent = oc.argmin(1), oh.argmin(1)
    excess = np.array([[oc[i, covalent[h]] + length(c[i] - r[2 + h]) - oh[h, covalent[h]] for h in range(5)] for i in range(8)])
    bonded = {int(excess[:, h].argmin()) for h in range(5) if excess[:, h].min() < 0.3}  # one centre for each hydrogen
    for i in range(8):
        (bond if i in bonded else lone).append(oc[i, owner[i]])
        (bond_width if i in bonded else lone_width).append(width[k, i])
    beside = [min((i for i in range(8) if owner[i] == o), key=lambda i: length(c[i] - r[2])) for o in (0, 1)]
    sharing.append([oh[0, 0] - oh[0, 1], oc[beside[0], 0] - oc[beside[1], 1], length(r[0] - r[1]), oc[beside[0], 0], oc[beside[1], 1]])
    com, at = mass @ r / mass.sum(), np.array([r[o] + image(c[i] - r[o]) for i, o in enumerate(owner)])
    dipole.append((zval @ (r - com) - 2 * (at - com).sum(0)) * 4.803204712570263)
s = np.array(sharing)
if s[0, 0] > 0: s[:, :2], s[:, 3:] = -s[:, :2], s[:, [4, 3]]  # the donor is the oxygen nearer to the proton at first
near = np.abs(s[:, 0]) < 0.1
cp2k = [[float(line.replace("=", " ").split()[n]) for n in (1, 3, 5)] for line in open(sys.argv[3]) if "X=" in line]
print(json.dumps({"frames": len(s), "bond_ang": np.mean(bond), "bond_sd_ang": np.std(bond), "lone_ang": np.mean(lone), "lone_sd_ang": np.std(lone),
                  "bond_spread_ang2": np.mean(bond_width), "lone_spread_ang2": np.mean(lone_width), "nu_ang": s[:, 0].mean(), "lambda_ang": s[:, 1].mean(),
                  "donor_acceptor_ang": s[:, 2].mean(), "donor_centre_ang": s[:, 3].mean(), "acceptor_centre_ang": s[:, 4].mean(),
                  "correlation": np.corrcoef(s[:, 0], s[:, 1])[0, 1], "slope": np.polyfit(s[:, 0], s[:, 1], 1)[0],
                  "lambda_at_zero_ang": np.polyfit(s[near, 0], s[near, 1], 1)[1], "dipole_debye": np.linalg.norm(dipole, axis=1).mean(),
                  "last_dipole_debye": list(dipole[-1]), "cp2k_dipole_debye": cp2k}, indent=1))
