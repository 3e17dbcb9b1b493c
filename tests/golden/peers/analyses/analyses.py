"""saltus analyze rdf, msd, vdos, density and temperature on the lithium silicide of examples/ and on the Zundel cation beside this
script, against ASE, MDAnalysis and numpy on the same frames. Prints the largest relative deviations; exit code 1 above the limits.

    python3 -m venv venv && venv/bin/pip install ase==3.29.0 MDAnalysis==2.11.0 tidynamics==1.1.2 numpy==2.4.6
    venv/bin/python tests/golden/peers/analyses/analyses.py build/release/bin/saltus [--write] [--zundel LONGER.extxyz]

--write renews expected.json, which the tests read. Deviations are relative to the largest value of a curve.
  rdf          ase.geometry.rdf.get_rdf (float64), and MDAnalysis InterRDF, whose coordinates are single precision: one pair may
               lie within 1e-6 Å of a bin's edge and change its bin
  msd          MDAnalysis EinsteinMSD by FFT; paths are unwrapped here and given as displacements since the first frame, so that
               single precision costs 1e-7
  vdos         numpy's real FFT of the mirrored, windowed correlation; masses of ASE
  density      numpy's histogram; the cube file read by ASE
  temperature  ASE's kinetic energy
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import ase.io
import ase.units
import MDAnalysis
import numpy as np
from ase.geometry.rdf import get_rdf
from ase.io.cube import read_cube
from MDAnalysis.analysis.msd import EinsteinMSD
from MDAnalysis.analysis.rdf import InterRDF

warnings.filterwarnings("ignore")
here = pathlib.Path(__file__).resolve().parent
source = here.parents[3]
LIGHT_CM_PER_FS = 2.99792458e-5
worst, expected = {}, {}


def saltus(kind, path, *options):
    command = [arguments.saltus, "analyze", kind, str(path), "--json", *options]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def compare(name, ours, theirs, limit):
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    assert ours.shape == theirs.shape and len(ours) > 0, (name, ours.shape, theirs.shape)
    worst[name] = (np.abs(ours - theirs).max() / np.abs(theirs).max(), limit)


def universe_of(frames, positions, box):
    universe = MDAnalysis.Universe.empty(len(frames[0]), trajectory=True)
    universe.add_TopologyAttr("name", frames[0].get_chemical_symbols())
    universe.load_new(positions.astype(np.float32), order="fac", dimensions=np.array([box] * len(frames)))
    return universe


def unwrapped(frames):
    """Minimum-image steps in a constant orthorhombic cell; as they are where nothing is periodic."""
    positions = np.array([f.positions for f in frames])
    if not frames[0].pbc.any():
        return positions
    edges = frames[0].cell.lengths()
    steps = np.diff(positions, axis=0)
    steps -= edges * np.round(steps / edges)
    return np.concatenate([positions[:1], positions[0] + np.cumsum(steps, axis=0)])


def check_rdf(case, path, frames, pairs, largest, bins, volume):
    options = ["--pairs", ",".join(pairs), "--range-ang", str(largest), "--bin-ang", str(largest / bins)]
    if volume:
        options += ["--volume-ang3", str(volume)]
    ours = saltus("rdf", path, *options)
    box = [*(frames[0].cell.lengths() if not volume else [1000] * 3), 90, 90, 90]
    universe = universe_of(frames, np.array([f.positions for f in frames]), box)
    for k, pair in enumerate(pairs):
        a, b = pair.split("-")
        g = get_rdf(frames, largest, bins, elements=(a, b), volume=volume, no_dists=True)
        n = (frames[0].symbols == b).sum()
        if volume and a == b:  # isolated atoms have n − 1 partners; ASE takes n
            g *= n / (n - 1)
        compare(f"rdf {case} {pair}, ASE", ours["rdf"][k]["g"], g, 1e-6)
        expected[f"rdf {case} {pair}"] = list(g)
        rdf = InterRDF(universe.select_atoms("name " + a), universe.select_atoms("name " + b), nbins=bins, range=(0, largest),
                       exclusion_block=(1, 1) if a == b else None).run()
        g = rdf.results.rdf
        if volume:
            g *= volume / 1000**3
        elif a == b:  # MDAnalysis leaves out the atom itself, Saltus counts its images in the infinite crystal
            g *= (n - 1) / n
        one_pair = 2.1 if a == b else 1.1  # counted in both directions
        counted = rdf.results.count > 0
        change = one_pair * (g[counted] / rdf.results.count[counted]).max() / g.max()
        compare(f"rdf {case} {pair}, MDAnalysis", ours["rdf"][k]["g"], g, change)
        coordination = np.cumsum(rdf.results.count) / (len(frames) * (frames[0].symbols == a).sum())
        compare(f"coordination {case} {pair}, MDAnalysis", ours["rdf"][k]["coordination"], coordination, one_pair / rdf.results.count.sum())


def check_msd(case, path, frames, species, framework):
    options = ["--species", species] + (["--framework", framework] if framework else [])
    ours = saltus("msd", path, *options)
    positions = unwrapped(frames)
    symbols = np.array(frames[0].get_chemical_symbols())
    displacement = positions - positions[0]
    if framework:
        displacement -= displacement[:, symbols == framework].mean(axis=1, keepdims=True)
    universe = universe_of(frames, displacement, [1000, 1000, 1000, 90, 90, 90])
    msd = EinsteinMSD(universe, select="name " + species, msd_type="xyz", fft=True).run().results.timeseries
    spacing = ours["frame_spacing_fs"]
    lags = [round(row["lag_fs"] / spacing) for row in ours["msd"]]
    compare(f"msd {case} {species}, MDAnalysis", [row["msd_ang2"] for row in ours["msd"]], msd[lags], 1e-6)
    expected[f"msd {case} {species}"] = [[lag * spacing, msd[lag]] for lag in lags]


def check_vdos(case, path, frames, longest_lag_fs):
    ours = saltus("vdos", path, "--longest-lag-fs", str(longest_lag_fs))
    velocity = np.array([f.arrays["vel"] for f in frames])
    mass = frames[0].get_masses()
    n, spacing = len(frames), ours["frame_spacing_fs"]
    last = round(longest_lag_fs / spacing)
    power = np.abs(np.fft.rfft(velocity, n=2 * n, axis=0)) ** 2
    c = np.einsum("tic,i->t", np.fft.irfft(power, n=2 * n, axis=0)[: last + 1], mass) / (n - np.arange(last + 1))
    windowed = c / c[0] * np.cos(0.5 * np.pi * np.arange(last + 1) / last) ** 2
    density = 2 * spacing * LIGHT_CM_PER_FS * np.fft.rfft(np.concatenate([windowed, windowed[-2:0:-1]])).real
    compare(f"vdos {case}, numpy", [row["density_cm"] for row in ours["vdos"]], density, 1e-6)
    expected[f"vdos {case}"] = list(density)


def check_density(case, path, frames, species, framework, spacing):
    with tempfile.TemporaryDirectory() as folder:
        cube = pathlib.Path(folder) / "density.cube"
        saltus("density", path, "--species", species, "--framework", framework, "--spacing-ang", str(spacing), "--out", str(cube))
        with open(cube) as file:
            read = read_cube(file)
    positions = unwrapped(frames)
    symbols = np.array(frames[0].get_chemical_symbols())
    drift = (positions - positions[0])[:, symbols == framework].mean(axis=1, keepdims=True)
    cell = frames[0].cell
    fractions = ((positions - drift)[:, symbols == species].reshape(-1, 3) @ np.linalg.inv(cell)) % 1
    counts = [int(np.ceil(length / spacing - 1e-9)) for length in cell.lengths()]
    histogram = np.histogramdd(fractions, bins=counts, range=[(0, 1)] * 3)[0] / len(frames)
    voxel_bohr3 = cell.volume / np.prod(counts) / ase.units.Bohr**3
    compare(f"density {case} {species}, numpy", read["data"].ravel(), (histogram / voxel_bohr3).ravel(), 1e-6)
    compare(f"cube {case}: number of atoms", [read["data"].sum() * voxel_bohr3], [(symbols == species).sum()], 1e-6)
    compare(f"cube {case}: cell", read["atoms"].cell.array.ravel(), cell.array.ravel(), 1e-8)
    first = cell.cartesian_positions(np.full(3, 0.5) / counts)
    compare(f"cube {case}: origin", read["origin"], first, 1e-8)
    compare(f"cube {case}: atoms", read["atoms"].positions, frames[0].positions, 1e-8)


def check_temperature(case, path, frames):
    ours = {e["name"]: e["value"] for e in saltus("temperature", path)["estimates"]}
    for f in frames:
        f.set_velocities(f.arrays["vel"] / ase.units.fs)
    kinetic = np.mean([f.get_kinetic_energy() for f in frames])
    temperature = 2 * kinetic / ((3 * len(frames[0]) - 3) * ase.units.kB)
    # ASE takes its constants from CODATA 2014 and masses of seven digits.
    compare(f"temperature {case}, ASE", [ours["temperature"]], [temperature], 1e-6)
    expected[f"temperature {case}"] = temperature


parser = argparse.ArgumentParser()
parser.add_argument("saltus")
parser.add_argument("--write", action="store_true")
parser.add_argument("--zundel", default=here / "zundel_200.extxyz")
arguments = parser.parse_args()

path = source / "examples/li15si4/li15si4_900K.extxyz"
frames = ase.io.read(path, index=":")
check_rdf("li15si4", path, frames, ["Li-Li", "Li-Si", "Si-Si"], 5.2, 104, None)
check_msd("li15si4", path, frames, "Li", "Si")
check_vdos("li15si4", path, frames, 200)
check_density("li15si4", path, frames, "Li", "Si", 0.25)
check_temperature("li15si4", path, frames)

path = arguments.zundel
frames = ase.io.read(path, index=":")
check_rdf("zundel", path, frames, ["H-H", "H-O", "O-O"], 6.0, 120, 512.0)
check_msd("zundel", path, frames, "H", None)
check_vdos("zundel", path, frames, 50)
check_temperature("zundel", path, frames)

for name, (deviation, limit) in worst.items():
    print(f"{name:<44} {deviation:9.1e}  limit {limit:.0e}  {'' if deviation <= limit else 'TOO LARGE'}")
if arguments.write:
    (here / "expected.json").write_text(json.dumps(expected) + "\n")
sys.exit(any(deviation > limit for deviation, limit in worst.values()))
