#!/usr/bin/env python3
"""Path integrals of water by i-PI, to which 'saltus serve' gives the forces, beside the same by Saltus alone.

usage: compare.py CASE OUT      with saltus on the PATH and i-PI 3.3 in the Python that runs this; nothing else is needed
CASE   forces      8 beads for 10 steps: positions, energies and forces of the beads as i-PI has them, evaluated again in process
       statistics  32 beads for 1.6 ps after 0.4, under i-PI and under 'saltus pimd': kinetic energies, means with 95 % intervals of ten blocks
OUT    a folder, made: summary.json, and what both programs wrote
"""
import json, os, pathlib, shutil, subprocess, sys

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

here = pathlib.Path(__file__).resolve().parent
case, out = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
out.mkdir(parents=True)
shutil.copy(here / "../../../../examples/path_integrals/water_32.extxyz", out / "water.extxyz")
os.chdir(out)
bohr_ang, hartree_ev = 0.529177210903, 27.211386245988  # CODATA 2018, as in Saltus
student_9 = 2.262
atoms = [line.split()[:4] for line in open("water.extxyz").read().split("\n")[2:98]]
with open("start.xyz", "w") as file:
    file.write("96\n# CELL(abcABC): 10.26 10.26 10.26 90 90 90 cell{angstrom} positions{angstrom}\n")
    file.write("".join(" ".join(atom) + "\n" for atom in atoms))


def ipi_input(**words):
    return (here / "ipi.xml").read_text().format(address=f"saltus_{os.getpid()}", **words)


def served():
    words = ["saltus", "serve", "builtin:qtip4pf", "--frame", "water.extxyz", "--unix", f"saltus_{os.getpid()}", "--threads", "1", "--json"]
    return subprocess.Popen(words, stdout=open("serve.json", "w"), stderr=open("serve.log", "w"))


def mean(values):
    """Mean and half of its 95 % interval, of ten blocks."""
    size = len(values) // 10
    blocks = [sum(values[k * size : (k + 1) * size]) / size for k in range(10)]
    middle = sum(blocks) / 10
    return middle, student_9 * (sum((b - middle) ** 2 for b in blocks) / 90) ** 0.5


summary = {"case": case}
if case == "forces":
    from ipi.scripting import InteractiveSimulation

    client = served()
    simulation = InteractiveSimulation(ipi_input(beads=8, batch=4, steps=1000, stride=1000, seed=31))
    frames, energies, forces = [], [], []
    for _ in range(10):
        simulation.run(1, write_outputs=False)
        system = simulation.syslist[0]
        for bead in range(8):
            position = system.beads.q[bead] * bohr_ang
            energy, force = float(system.forces.pots[bead]) * hartree_ev, system.forces.f[bead] * (hartree_ev / bohr_ang)
            lines = [f"{atoms[i][0]} " + " ".join(f"{x:.17g}" for x in (*position[3 * i : 3 * i + 3], *force[3 * i : 3 * i + 3])) for i in range(96)]
            edge = float(system.cell.h[0, 0]) * bohr_ang  # its ångström is 2e-9 shorter
            frames.append(f'96\nLattice="{edge:.17g} 0 0 0 {edge:.17g} 0 0 0 {edge:.17g}" Properties=species:S:1:pos:R:3:forces:R:3 energy={energy:.17g} pbc="T T T"\n' + "\n".join(lines) + "\n")
            energies.append(energy)
            forces.append([float(f) for f in force])
    open("beads.extxyz", "w").write("".join(frames))
    simulation.stop()
    client.wait(60)
    subprocess.run(["saltus", "evaluate", "builtin:qtip4pf", "beads.extxyz", "--out", "again.extxyz", "--quiet"], check=True, stdout=open("evaluate.txt", "w"))
    again = open("again.extxyz").read().split("\n")
    largest_energy = largest_force = size = 0.0
    for k in range(len(frames)):
        comment, rows = again[98 * k + 1], again[98 * k + 2 : 98 * k + 98]
        columns = [word for word in comment.split() if word.startswith("Properties=")][0].split("=")[1].split(":")
        at, start = 0, None
        for name, width in zip(columns[0::3], columns[2::3]):
            start = at if name in ("forces", "force") else start
            at += int(width)
        energy = float([word for word in comment.split() if word.startswith("energy=")][0].split("=")[1])
        largest_energy = max(largest_energy, abs(energy - energies[k]))
        for i, row in enumerate(rows):
            for axis in range(3):
                size = max(size, abs(forces[k][3 * i + axis]))
                largest_force = max(largest_force, abs(float(row.split()[start + axis]) - forces[k][3 * i + axis]))
    summary |= {"configurations": len(frames), "energy_ev": energies[0], "largest_energy_difference_ev": largest_energy, "largest_force_ev_ang": size, "largest_force_difference_ev_ang": largest_force}
elif case == "statistics":
    equilibration, steps, every = 800, 3200, 4
    open("ipi.xml", "w").write(ipi_input(beads=32, batch=32, steps=equilibration + steps + 1, stride=every, seed=7))
    ipi = subprocess.Popen([pathlib.Path(sys.executable).parent / "i-pi", "ipi.xml"], stdout=open("ipi.out", "w"), stderr=subprocess.STDOUT)
    client = served()
    settings = {"beads": 32, "temperature_kelvin": 298, "thermostat": "pile_g", "centroid_time_fs": 100, "lambda": 0.5, "timestep_fs": 0.5, "equilibration_steps": equilibration,
                "steps": steps, "log_every": every, "write_every": 0}
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    ours = subprocess.run(["saltus", "pimd", "--model", "builtin:qtip4pf", "--init", "water.extxyz", *words, "--seed", "7", "--out", "pimd", "--threads", "1", "--json", "--quiet"],
                          capture_output=True, text=True, check=True).stdout
    open("pimd.json", "w").write(ours)
    summary["ipi_exit"] = ipi.wait()
    client.wait(60)
    found = {e["name"]: e for e in json.loads(ours)["estimates"]}
    rows = [[float(word) for word in line.split()] for line in open("water.out") if not line.startswith("#")]
    rows = [row for row in rows if row[0] > equilibration]
    columns = {"kinetic_energy_virial_H": (2, 1e3 / 64), "kinetic_energy_virial_O": (3, 1e3 / 32), "kinetic_energy_primitive": (4, 1.0), "potential_energy": (5, 1.0), "ring_temperature": (1, 1.0)}
    for name, (column, scale) in columns.items():
        theirs, half = mean([scale * row[column] for row in rows])
        e = found[name]
        summary[name] = {"unit": e["unit"], "saltus": e["value"], "saltus_half_95": (e["high"] - e["low"]) / 2, "ipi": theirs, "ipi_half_95": half}
else:
    sys.exit(__doc__)
summary["served"] = {key: value for key, value in json.load(open("serve.json")).items() if key in ("configurations", "batch")}
json.dump(summary, open("summary.json", "w"), indent=1)
print(json.dumps(summary, indent=1))
