# Mean-square displacement against MDAnalysis, and D with its interval against kinisi, on walks made here in a temporary folder:
#   python3 -m venv venv && venv/bin/pip install MDAnalysis tidynamics kinisi
#   OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 venv/bin/python bench/msd.py build/release/bin/bench_msd [FRAMES IONS]
# A line per task: CPU seconds of Saltus and of the peer, best of some rounds, their ratio, and what came out. One core each; reading
# is not timed. Saltus sums all six components of the tensor for the curve and for time blocks; MDAnalysis, by Fourier transforms, the
# trace at all lags, of which those that Saltus has are compared. A peer that is not installed is left out.
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")
binary = os.path.abspath(sys.argv[1])
frames, ions = (int(float(word)) for word in sys.argv[2:4]) if len(sys.argv) > 3 else (10_000, 200)
rng = np.random.default_rng(1)


def best(rounds, work):
    times = []
    for _ in range(rounds):
        begin = time.process_time()
        result = work()
        times.append(time.process_time() - begin)
    return min(times), result


def line(task, ours, theirs, note=""):
    print(f"{task:<60} {ours:>10.4g} {theirs:>10.4g} {theirs / ours:>8.1f}  {note}", flush=True)


def log_lags(longest, count):
    return sorted({round(10**x) for x in np.linspace(0, np.log10(longest), count)})


def saltus(path, blocks, lags):
    words = [binary, path, str(blocks), *map(str, lags)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def mdanalysis(path, walk):
    import MDAnalysis as mda
    from MDAnalysis.analysis.msd import EinsteinMSD

    u = mda.Universe.empty(walk.shape[1], trajectory=True)
    u.load_new(walk.astype(np.float32), order="fac")
    seconds, found = best(2, lambda: EinsteinMSD(u, select="all", msd_type="xyz", fft=True).run())
    for name, blocks, lags in [("lags of 'analyze msd'", 10, log_lags(frames // 20 - 1, 60)), ("200 lags up to half", 2, log_lags(frames // 2 - 1, 290))]:
        ours = saltus(path, blocks, lags)
        theirs = found.results.timeseries[lags]
        difference = np.abs(np.array(ours["msd"]) / theirs - 1).max()
        line(f"MSD of {ions} ions, {frames} frames, {name} ({len(lags)})", ours["seconds"], seconds, f"largest relative difference {difference:.1e}")


def kinisi(frames, ions, sets):
    import MDAnalysis as mda
    import scipp as sc
    from kinisi.analyze import DiffusionAnalyzer

    truth, ours, theirs = 0.045, [], []  # 0.3² Å²/fs / 2
    held = {"Saltus, blocks": 0, "Saltus, independent ions": 0, "kinisi": 0}
    lags = log_lags(frames // 20, 30)
    u = mda.Universe.empty(ions + 1, trajectory=True)  # the last atom rests: kinisi takes drift from those that are not asked for
    u.add_TopologyAttr("type", ["Li"] * ions + ["Si"])
    box, of_fs = 500.0, sc.Unit("fs")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "walk.npy")
        for _ in range(sets):
            walk = np.cumsum(rng.normal(0, 0.3, (frames, ions, 3)), 0)
            np.save(path, walk.reshape(frames, -1))
            found = saltus(path, 10, lags)
            ours.append((found["seconds"] + found["fit_seconds"], *found["diffusion"]))
            u.load_new(np.concatenate([walk + box / 2, np.zeros((frames, 1, 3))], 1).astype(np.float32), order="fac", dimensions=[box] * 3 + [90] * 3)

            def posterior():
                times = sc.array(dims=["time interval"], values=np.array(lags, float), unit=of_fs)
                analyzer = DiffusionAnalyzer.from_universe(u, specie="Li", time_step=sc.scalar(1.0, unit=of_fs), step_skip=sc.scalar(1), dt=times, progress=False)
                analyzer.diffusion(times[0], progress=False)
                return analyzer.D

            seconds, d = best(1, posterior)
            samples = np.asarray(d.to(unit="angstrom**2/fs").values)
            theirs.append((seconds, samples.mean(), *np.percentile(samples, [2.5, 97.5])))
            for name, low, high in [("Saltus, blocks", *ours[-1][2:]), ("Saltus, independent ions", *found["model"][1:]), ("kinisi", *theirs[-1][2:])]:
                held[name] += low <= truth <= high
    line(f"D of {ions} ions, {frames} frames ({len(lags)} lags)", np.median([o[0] for o in ours]), np.median([t[0] for t in theirs]),
         "95 % intervals that held the truth: " + ", ".join(f"{name} {n} of {sets}" for name, n in held.items()))
    shown = [" ".join(f"{x:.5f}" for x in numbers[-1][1:]) for numbers in (ours, theirs)]
    print(f"    D, low, high of the last set in Å²/fs: Saltus {shown[0]}, kinisi {shown[1]}; truth {truth}")


print(f"load {os.getloadavg()[0]:.1f}\n{'task':<60} {'Saltus, s':>10} {'peer, s':>10} {'ratio':>8}")
walk = np.cumsum(rng.normal(0, 0.3, (frames, ions, 3)), 0)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "walk.npy")
    np.save(path, walk.reshape(frames, -1))
    try:
        mdanalysis(path, walk)
    except ImportError as error:
        print(f"MDAnalysis is left out: {error}")
try:
    kinisi(1001, 20, 40)
except ImportError as error:
    print(f"kinisi is left out: {error}")
