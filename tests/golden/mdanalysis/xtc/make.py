# Writes water.xtc, few.xtc, wide.xtc and what MDAnalysis reads from them: python make.py
import pathlib
import warnings

import MDAnalysis as mda
import numpy as np

warnings.filterwarnings("ignore")
rng = np.random.default_rng(7)


def universe(n):
    return mda.Universe.empty(n, trajectory=True)


def water(molecules, box):
    """O H H O H H …: the short offsets within a molecule are what the coding makes runs of."""
    centre = rng.uniform(0, box, (molecules, 1, 3))
    return (centre + np.concatenate([np.zeros((molecules, 1, 3)), rng.normal(0, 0.6, (molecules, 2, 3))], 1)).reshape(
        -1, 3
    )


def write(name, frames, dimensions, precision):
    u = universe(len(frames[0]))
    with mda.coordinates.XTC.XTCWriter(name, n_atoms=len(frames[0]), precision=precision) as out:
        for k, positions in enumerate(frames):
            u.atoms.positions = positions
            u.dimensions = dimensions[k]
            u.trajectory.ts.time = 0.5 * k + 2
            u.trajectory.ts.data["step"] = 250 * k + 1000
            u.trajectory.ts.frame = k
            out.write(u.atoms)


start = water(30, 12.0)
walk = [start + rng.normal(0, 0.05, start.shape) * k for k in range(4)]
write("water.xtc", walk, [[12, 12, 12, 90, 90, 90], [12, 13, 14, 90, 90, 90], [12, 13, 14, 70, 80, 100], None], 3)
write("few.xtc", [rng.normal(0, 5, (5, 3)) for _ in range(2)], [[10, 11, 12, 90, 90, 90]] * 2, 3)
# Offsets of more than 24 bits, which are not packed; and steps from atom to atom that need wide small offsets.
wide = [
    np.concatenate([rng.uniform(-4e5, 4e5, (6, 3)), rng.uniform(-4e5, 4e5, (1, 3)) + rng.normal(0, 3000, (24, 3))])
    for _ in range(2)
]
write("wide.xtc", wide, [None] * 2, 3)
# A product of ranges beyond 64 bits: packed, but not into one machine word.
write("large.xtc", [rng.uniform(0, 8e4, (20, 3)) for _ in range(2)], [[8e4, 8e4, 8e4, 90, 90, 90]] * 2, 3)
write("fine.xtc", [start[:30] for _ in range(2)], [[12, 12, 12, 90, 90, 90]] * 2, 6)

with open("expected.txt", "w") as out:
    print("# file frame quantity values: step, time (ps), cell (rows, Å), positions (Å)", file=out)
    for name in ("water.xtc", "few.xtc", "wide.xtc", "large.xtc", "fine.xtc"):
        for k, ts in enumerate(mda.coordinates.XTC.XTCReader(name)):
            cell = np.zeros((3, 3)) if ts.dimensions is None else mda.lib.mdamath.triclinic_vectors(ts.dimensions)
            for quantity, values in (
                ("step", [ts.data["step"]]),
                ("time", [ts.time]),
                ("cell", cell),
                ("positions", ts.positions),
            ):
                print(name, k, quantity, *(f"{v:.9g}" for v in np.ravel(values)), file=out)

for left in pathlib.Path(".").glob(".*.xtc_offsets.*"):
    left.unlink()
