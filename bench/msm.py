# Markov models against deeptime, on the same counts and trajectories, made here in a temporary folder:
#   python3 -m venv venv && venv/bin/pip install deeptime
#   OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 venv/bin/python bench/msm.py build/release/bin/bench_msm
# A line per task: CPU seconds of Saltus and of deeptime, best of some rounds, their ratio, and how well each met the maximum:
# the residual max |sum_j T_ij - 1| of the likelihood's own formula at its pi. One core each; reading is not timed.
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import scipy.sparse as sp
from deeptime.markov.tools import analysis, estimation

binary = os.path.abspath(sys.argv[1])
frames = int(float(sys.argv[2])) if len(sys.argv) > 2 else 100_000_000
rng = np.random.default_rng(1)


def saltus(*arguments):
    return json.loads(subprocess.run([binary, *map(str, arguments)], check=True, capture_output=True, text=True).stdout)


def best(rounds, work):
    times = []
    for _ in range(rounds):
        begin = time.process_time()
        result = work()
        times.append(time.process_time() - begin)
    return min(times), result


def line(task, ours, theirs, note=""):
    print(f"{task:<58} {ours:>10.4g} {theirs:>10.4g} {theirs / ours:>8.1f}  {note}", flush=True)


def residual(counts, pi):
    c = np.asarray(counts.sum(axis=1)).ravel()
    s = (counts + counts.T).tocoo()
    t = s.data * pi[s.col] / (c[s.row] * pi[s.col] + c[s.col] * pi[s.row])
    return np.abs(np.bincount(s.row, t, len(c)) - 1).max()


def states_in_time(n_states, frames, stay):
    runs = np.repeat(rng.integers(0, n_states, frames // stay + 1, dtype=np.int32), stay)
    return runs[:frames]


def double_well(n, lag_steps):
    x = np.linspace(-1.4, 1.4, n)
    energy = 6 * (x**2 - 1) ** 2
    t = np.zeros((n, n))
    for i in range(n):
        for d in range(-3, 4):
            if d and 0 <= i + d < n:
                t[i, i + d] = min(1, np.exp(energy[i] - energy[i + d])) / 8
        t[i, i] = 1 - t[i].sum()
    p = np.linalg.matrix_power(t, lag_steps)
    pi = np.exp(-energy)
    return rng.poisson(2e7 * (pi / pi.sum())[:, None] * p / n + 1e-4).astype(float)


def network(edge, decades):
    n = edge**3
    site = np.arange(n).reshape(edge, edge, edge)
    rows, columns = [], []
    for shift in [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1)]:
        there = np.roll(site, shift, (0, 1, 2)).ravel()
        rows += [site.ravel(), there]
        columns += [there, site.ravel()]
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    counts = np.ceil(10 ** (decades * rng.random(rows.size)))
    diagonal = np.arange(n)
    return sp.csr_matrix((np.r_[counts, np.full(n, 1000.0)], (np.r_[rows, diagonal], np.r_[columns, diagonal])))


hard5 = np.loadtxt(os.path.join(os.path.dirname(__file__), "../tests/golden/kinetics/reversible_mle/mle_hard5_C.dat")).reshape(5, 5)

print(f"load {os.getloadavg()[0]:.1f}\n{'task':<58} {'Saltus, s':>10} {'peer, s':>10} {'ratio':>8}")
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "states.npy")
    for stay in (1, 100):
        states = states_in_time(1000, frames, stay)
        np.save(path, states)
        ours = saltus("count", path, 10)
        seconds, counted = best(1, lambda: estimation.count_matrix([states], 10, sliding=True, sparse_return=True))
        assert counted.sum() == ours["counts"]
        line(f"count {frames:.0e} frames, 1000 states, stays of {stay}, per lag", ours["seconds"], seconds, f"finding runs once: {ours['scan_seconds']:.2g} s")
        del states
    path = os.path.join(folder, "counts.npy")
    cases = [("5 metastable states (dense)", sp.csr_matrix(hard5), True), ("double well, 100 states", sp.csr_matrix(double_well(100, 20)), True),
             ("double well, 1000 states", sp.csr_matrix(double_well(1000, 200)), True), ("3D network, 8000 states, 1 decade", network(20, 1), False),
             ("3D network, 8000 states, 3 decades", network(20, 3), False)]
    for name, counts, dense in cases:
        counts = counts[:, :]
        keep = estimation.largest_connected_set(counts, directed=True)
        counts = counts[keep][:, keep].tocsr()
        entries = counts.tocoo()
        np.save(path, np.c_[entries.row, entries.col, entries.data].astype(float))
        ours = saltus("mle", path)
        given = counts.toarray() if dense else counts
        for tolerance in (1e-8, 1e-12):
            seconds, found = best(1, lambda: estimation.transition_matrix(given, reversible=True, maxerr=tolerance, maxiter=1_000_000, return_statdist=True,
                                                                          warn_not_converged=False))
            note = f"residuals {ours['residual']:.1e}, {residual(counts, found[1]):.1e}"
            line(f"reversible MLE, {name} ({counts.shape[0]}), peer's step {tolerance:.0e}", ours["seconds"], seconds, note)
        ours = saltus("timescales", path, 5)
        try:
            seconds, scales = best(1, lambda: analysis.timescales(found[0], tau=1, k=6, reversible=True, mu=found[1]))
            line(f"5 timescales, {name}", ours["seconds"], seconds, f"slowest {ours['slowest']:.10g}, {scales[1]:.10g}")
        except Exception as error:
            print(f"5 timescales, {name}: the peer fails: {error}")
