"""Cost of a path-integral step by itself: forces at no cost, BAOAB with PILE-L, one thread; ours beside i-PI's in one process (its dummy force).
Usage: python bench/ring_polymer.py BUILD/bin/bench_ring_polymer        (needs ipi; CPU time of a step, best of three rounds)"""
import os
import subprocess
import sys
import tempfile
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

from ipi.scripting import InteractiveSimulation  # noqa: E402

INPUT = """
<simulation verbosity='quiet'>
  <output prefix='zero'/>
  <total_steps>100000000</total_steps>
  <prng><seed>1</seed></prng>
  <ffdirect name='zero' threaded='false'><pes>dummy</pes></ffdirect>
  <system>
    <initialize nbeads='{beads}'>
      <file mode='xyz' units='angstrom'>start.xyz</file>
      <velocities mode='thermal' units='kelvin'>300</velocities>
    </initialize>
    <forces><force forcefield='zero'/></forces>
    <ensemble><temperature units='kelvin'>300</temperature></ensemble>
    <motion mode='dynamics'>
      <dynamics mode='nvt' splitting='baoab'>
        <timestep units='femtosecond'>0.25</timestep>
        <thermostat mode='pile_l'><tau units='femtosecond'>100</tau></thermostat>
      </dynamics>
    </motion>
  </system>
</simulation>
"""


def ipi_milliseconds(atoms, beads, steps):
    with open("start.xyz", "w") as file:
        file.write(f"{atoms}\n# CELL(abcABC): 30 30 30 90 90 90 cell{{angstrom}} positions{{angstrom}}\n")
        for atom in range(atoms):
            file.write(f"{'H' if atom % 3 else 'O'} {atom % 10 * 3.0} {atom // 10 % 10 * 3.0} {atom // 100 * 3.0}\n")
    simulation = InteractiveSimulation(INPUT.format(beads=beads))
    simulation.run(5, write_outputs=False)
    best = float("inf")
    for _ in range(3):
        begin = time.process_time()
        simulation.run(steps, write_outputs=False)
        best = min(best, time.process_time() - begin)
    return 1e3 * best / steps


program = os.path.abspath(sys.argv[1])
print(f"{'atoms x beads':<16} {'i-PI, ms':>10} {'Saltus, ms':>12} {'ratio':>8}")
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for atoms, beads, steps in ((96, 8, 100), (96, 32, 50), (648, 32, 20)):
        theirs = ipi_milliseconds(atoms, beads, steps)
        ours = float(subprocess.run([program, "--milliseconds", str(atoms), str(beads), str(10 * steps)], capture_output=True, text=True, check=True).stdout)
        print(f"{f'{atoms} x {beads}':<16} {theirs:>10.3f} {ours:>12.4f} {theirs / ours:>8.1f}", flush=True)
    os.chdir(os.path.dirname(folder))
