# Readers of trajectories against those of ASE and MDAnalysis, on files made here in a temporary folder:
#   python3 -m venv venv && venv/bin/pip install ase MDAnalysis h5py
#   venv/bin/python bench/readers.py build/release/bin/bench_readers
# A line per format: MB/s of Saltus and of the peer, and their ratio. Both read the same file on one core, turn by turn, and
# the best of their CPU times counts, so that what else the machine does matters little. The peers write the files, but for
# the LAMMPS dump.
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings

import ase
import ase.io
import MDAnalysis as mda
import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator

warnings.filterwarnings("ignore")
binary = os.path.abspath(sys.argv[1])
molecules, frames, box, rounds = 1000, 100, 31.0, 3
atoms = 3 * molecules
rng = np.random.default_rng(1)
centre = rng.uniform(0, box, (molecules, 1, 3))
arms = rng.normal(0, 0.58, (molecules, 2, 3))
positions = []
for k in range(frames):
    centre = centre + rng.normal(0, 0.1, centre.shape)
    arms = arms + rng.normal(0, 0.02, arms.shape)
    positions.append(np.concatenate([centre % box, centre % box + arms], 1).reshape(-1, 3))


def write_extxyz(path):
    images = []
    for r in positions:
        image = ase.Atoms("OHH" * molecules, r, cell=[box] * 3, pbc=True)
        image.calc = SinglePointCalculator(image, energy=-1.5 * atoms, forces=rng.normal(0, 1, r.shape))
        images.append(image)
    ase.io.write(path, images, format="extxyz")


def write_dump(path):
    with open(path, "w") as out:
        for k, r in enumerate(positions):
            out.write(f"ITEM: TIMESTEP\n{k}\nITEM: NUMBER OF ATOMS\n{atoms}\nITEM: BOX BOUNDS pp pp pp\n" + f"0 {box}\n" * 3)
            out.write("ITEM: ATOMS id type x y z\n")
            out.writelines(f"{i + 1} {1 + (i % 3 > 0)} {x:.6g} {y:.6g} {z:.6g}\n" for i, (x, y, z) in enumerate(r))


def write_with_mdanalysis(path, **options):
    u = mda.Universe.empty(atoms, trajectory=True)
    u.dimensions = [box, box, box, 90, 90, 90]
    with mda.Writer(path, n_atoms=atoms, **options) as out:
        for k, r in enumerate(positions):
            u.atoms.positions = r
            u.trajectory.ts.frame, u.trajectory.ts.time = k, float(k)
            u.trajectory.ts.data["step"] = k
            out.write(u.atoms)


def write_h5md(path):
    write_with_mdanalysis(path, velocities=False, forces=False, convert_units=False)


def read_with_ase(path):
    for _ in ase.io.iread(path, index=":", format="extxyz"):
        pass


def read_with_mdanalysis(path):
    options = {".lammpstrj": {"format": "LAMMPSDUMP"}, ".h5md": {"convert_units": False}}.get(os.path.splitext(path)[1], {})
    for _ in mda.Universe.empty(atoms, trajectory=True).load_new(path, **options).trajectory:
        pass


def read_with_saltus(path, topology):
    environment = dict(os.environ, SALTUS_BENCH_FILES=path, SALTUS_BENCH_TOPOLOGY=topology)
    command = [binary, "--benchmark_format=json", "--benchmark_min_time=0.3"]
    result = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    run = json.loads(result.stdout)["benchmarks"][0]
    if run.get("error_occurred"):
        sys.exit(f"{path}: {run['error_message']}")
    return run["cpu_time"] / 1e3


formats = [
    ("extXYZ", "water.extxyz", write_extxyz, read_with_ase, f"ASE {ase.__version__}"),
    ("XTC", "water.xtc", write_with_mdanalysis, read_with_mdanalysis, f"MDAnalysis {mda.__version__}"),
    ("TRR", "water.trr", write_with_mdanalysis, read_with_mdanalysis, f"MDAnalysis {mda.__version__}"),
    ("DCD", "water.dcd", write_with_mdanalysis, read_with_mdanalysis, f"MDAnalysis {mda.__version__}"),
    ("H5MD", "water.h5md", write_h5md, read_with_mdanalysis, f"MDAnalysis {mda.__version__}"),
    ("LAMMPS dump", "water.lammpstrj", write_dump, read_with_mdanalysis, f"MDAnalysis {mda.__version__}"),
]
print(f"{atoms} atoms, {frames} frames; best CPU time of {rounds}")
print(f"{'format':<12} {'file MB':>8} {'Saltus MB/s':>12} {'peer MB/s':>10} {'ratio':>7}  peer")
with tempfile.TemporaryDirectory() as folder:
    topology = os.path.join(folder, "topology.xyz")
    with open(topology, "w") as out:
        out.write(f"{atoms}\n\n" + "".join(f"{symbol} 0 0 0\n" for symbol in "OHH" * molecules))
    for name, file, write, read, peer in formats:
        path = os.path.join(folder, file)
        write(path)
        megabytes = os.path.getsize(path) / 1e6
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(read_with_saltus(path, topology))
            start = time.process_time()
            read(path)
            theirs.append(time.process_time() - start)
        rates = f"{megabytes / min(ours):12.0f} {megabytes / min(theirs):10.1f} {min(theirs) / min(ours):7.1f}"
        print(f"{name:<12} {megabytes:8.1f} {rates}  {peer}", flush=True)
