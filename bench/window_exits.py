# First exits from windows against the plain estimator in NumPy, on walks made here in a temporary folder:
#   python3 -m venv venv && venv/bin/pip install numpy
#   OMP_NUM_THREADS=1 venv/bin/python bench/window_exits.py build/release/bin/bench_window_exits [FRAMES PARTICLES PERIOD]
# CPU seconds of Saltus and of NumPy, best of some rounds, one core each, and their ratio; the sums that both give must be equal. Reading is timed for Saltus only: NumPy has
# the array in memory. Windows of 1 Å are 1 Å apart; NumPy needs one pass over the array for each. Saltus keeps histograms and particles' sums beside.
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

binary = os.path.abspath(sys.argv[1])
frames, particles, period = (int(float(word)) for word in sys.argv[2:5]) if len(sys.argv) > 4 else (20_000, 200, 30)
rng = np.random.default_rng(1)
walk = (np.cumsum(rng.normal(0, np.sqrt(2 * 0.23 * 0.1), (frames, particles)), 0) + rng.uniform(0, period, particles)).astype(np.float32)


def plain():
    exits = total = above = 0
    frame = np.arange(frames, dtype=np.int64)[:, None]
    for centre in range(period):
        x = walk - np.float64(centre)
        x -= period * np.round(x / period)
        distance = np.abs(x)
        following = np.where(distance >= 1, frame, frames)
        following = np.minimum.accumulate(following[::-1])[::-1]
        t, p = np.nonzero((distance < 0.125) & (following < frames))
        end = following[t, p]
        exits += t.size
        total += int((end - t).sum())
        above += int((x[end, p] > 0).sum())
    return exits, total, above


def best(rounds, work):
    times = []
    for _ in range(rounds):
        begin = time.process_time()
        result = work()
        times.append(time.process_time() - begin)
    return min(times), result


seconds, found = best(2, plain)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "walk.npy")
    np.save(path, walk)
    ours = min((json.loads(subprocess.run([binary, path, str(period)], check=True, capture_output=True, text=True).stdout) for _ in range(3)), key=lambda o: o["seconds"])
print(f"load {os.getloadavg()[0]:.1f}; {frames * particles:.3g} particle-frames, {period} windows")
print(f"{'':<10} {'seconds':>10} {'ns per particle-frame':>22} {'exits':>12} {'sum of times':>14} {'above':>12}")
for name, used, sums in [("Saltus", ours["seconds"], (ours["exits"], ours["time"], ours["above"])), ("NumPy", seconds, found)]:
    print(f"{name:<10} {used:>10.3g} {1e9 * used / (frames * particles):>22.3g} {sums[0]:>12} {sums[1]:>14} {sums[2]:>12}")
print(f"ratio {seconds / ours['seconds']:.1f}; sums {'equal' if found == (ours['exits'], ours['time'], ours['above']) else 'DIFFER'}")
