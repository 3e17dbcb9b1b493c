# Writes water.xtc (10,002 atoms, 200 frames) and times MDAnalysis reading it; bench_xtc reads the same file:
#   python xtc_file.py water.xtc && SALTUS_BENCH_XTC=water.xtc bench_xtc
import sys
import time

import MDAnalysis as mda
import numpy as np

path, molecules, frames, box = sys.argv[1], 3334, 200, 46.4
rng = np.random.default_rng(1)
centre = rng.uniform(0, box, (molecules, 1, 3))
arms = rng.normal(0, 0.58, (molecules, 2, 3))
u = mda.Universe.empty(3 * molecules, trajectory=True)
u.dimensions = [box, box, box, 90, 90, 90]
with mda.coordinates.XTC.XTCWriter(path, n_atoms=3 * molecules) as out:
    for k in range(frames):
        centre += rng.normal(0, 0.1, centre.shape)
        arms += rng.normal(0, 0.02, arms.shape)
        u.atoms.positions = np.concatenate([centre % box, centre % box + arms], 1).reshape(-1, 3)
        u.trajectory.ts.frame = k
        out.write(u.atoms)

reader = mda.coordinates.XTC.XTCReader(path)
seconds = []
for _ in range(5):
    start = time.perf_counter()
    for ts in reader:
        pass
    seconds.append(time.perf_counter() - start)
print(f"MDAnalysis {mda.__version__}: {frames / min(seconds):.0f} frames/s, best of 5 reads")
