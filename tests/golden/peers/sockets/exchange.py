#!/usr/bin/env python3
"""Runs Saltus with another program over the i-PI socket, writes down every byte between them, and says how well both agree.

usage: exchange.py CASE OUT      with saltus (and cp2k.psmp, lmp, i-pi) on the PATH; i-PI 3.3 and ASE in the Python that runs this
CASE   cp2k, lammps, ase_client (they compute, saltus md moves); ipi_plain, ipi_batched, ase_server (they move, saltus serve computes)
OUT    a folder, made: exchange.txt (see relay.py), what both programs wrote, summary.json
"""
import json, os, pathlib, shutil, subprocess, sys

here = pathlib.Path(__file__).resolve().parent
case, out = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
out.mkdir(parents=True)
for name in ("argon6.extxyz", "argon6.data", "in.lammps", "h2o.extxyz", "cp2k.inp", "ipi_plain.xml", "ipi_batched.xml"):
    shutil.copy(here / name, out)
os.chdir(out)
subprocess.run([sys.executable, here / "argon_model.py", "argon.safetensors"], check=True)
# The relay listens where the client looks, and the server is behind it.
front, back = f"saltus_{os.getpid()}", f"saltus_{os.getpid()}_behind"
env = dict(os.environ, OMP_NUM_THREADS="1")
started = []


def start(words, log):
    started.append(subprocess.Popen([str(w) for w in words], stdout=open(log, "w"), stderr=subprocess.STDOUT, env=env))
    return started[-1]


def relay(listen, connect):
    return start([sys.executable, here / "relay.py", "/tmp/ipi_" + listen, "/tmp/ipi_" + connect, "exchange.txt"], "relay.log")


def saltus_md(name, frame, steps, timestep_fs, out="md", model=None):
    words = ["saltus", "md", "--model", model or f"socket:unix:{name},wait_s=120,timeout_s=300", "--init", frame, "--temperature-kelvin", "100", "--thermostat", "none",
             "--timestep-fs", timestep_fs, "--steps", steps, "--write-every", 1, "--write-forces", "--log-every", 1, "--trajectory-precision", "double", "--temperature-limit-factor", 0,
             "--seed", 5, "--out", out, "--json"]
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, env=env)


def log_rows(path):
    lines = open(path).read().split("\n")[:-1]
    names = lines[0].split(",")
    return [dict(zip(names, line.split(","))) for line in lines[1:]]


summary = {"case": case}
if case == "cp2k":
    # Its input names the socket.
    text = open("cp2k.inp").read().replace("saltus_water", front)
    open("cp2k.inp", "w").write(text)
    between = relay(front, back)
    client = start(["cp2k.psmp", "-i", "cp2k.inp"], "cp2k.out")
    result = saltus_md(back, "h2o.extxyz", 10, 0.25)
    print(result.stderr, end="")
    summary["client_exit"] = client.wait(60)
    energies = [float(line.split()[-1]) for line in open("cp2k.out") if "Total FORCE_EVAL" in line]
    rows = log_rows("md/log.csv")
    summary["energies_of_cp2k_hartree"] = energies
    summary["largest_energy_difference_ev"] = max(abs(float(r["potential_ev"]) - e * 27.211386245988) for r, e in zip(rows, energies))
    summary["conserved_ev"] = [float(r["conserved_ev"]) for r in rows]
elif case == "lammps":
    between = relay(front, back)
    client = start(["lmp", "-in", "in.lammps", "-var", "name", front], "lammps.out")
    result = saltus_md(back, "argon6.extxyz", 20, 5)
    print(result.stderr, end="")
    summary["client_exit"] = client.wait(60)
    saltus_md("", "argon6.extxyz", 20, 5, "direct", "argon.safetensors")
    a, b = log_rows("md/log.csv"), log_rows("direct/log.csv")
    summary["potential_ev"] = [float(r["potential_ev"]) for r in a]
    summary["largest_energy_difference_ev"] = max(abs(float(p["potential_ev"]) - float(q["potential_ev"])) for p, q in zip(a, b))
elif case == "ase_client":
    open("client.py", "w").write(f"""
from ase.io import read
from ase.calculators.lj import LennardJones
from ase.calculators.socketio import SocketClient
atoms = read('argon6.extxyz')
atoms.calc = LennardJones(sigma=3.4, epsilon={120 * 8.617333262145e-5!r}, rc=11.9, smooth=False)
SocketClient(unixsocket='{front}').run(atoms, use_stress=True)
""")
    between = relay(front, back)
    client = start([sys.executable, "client.py"], "ase.out")
    result = saltus_md(back, "argon6.extxyz", 20, 5)
    print(result.stderr, end="")
    summary["client_exit"] = client.wait(60)
    summary["conserved_ev"] = [float(r["conserved_ev"]) for r in log_rows("md/log.csv")]
elif case in ("ipi_plain", "ipi_batched"):
    text = open(f"{case}.xml").read()
    open(f"{case}.xml", "w").write(text.replace(f"<address>saltus_{case.removeprefix('ipi_')}<", f"<address>{back}<"))
    server = start([pathlib.Path(sys.executable).parent / "i-pi", f"{case}.xml"], "ipi.out")
    between = relay(front, back)
    result = subprocess.run(["saltus", "serve", "argon.safetensors", "--frame", "argon6.extxyz", "--unix", front, "--json"], capture_output=True, text=True)
    print(result.stderr, end="")
    summary["server_exit"] = server.wait(60)
    rows = [line.split() for line in open(f"{case.removeprefix('ipi_')}.out") if not line.startswith("#")]
    summary["conserved_ev"] = [float(r[2]) for r in rows]
    summary["potential_ev"] = [float(r[3]) for r in rows]
elif case == "ase_server":
    open("server.py", "w").write(f"""
import json
import numpy as np
from ase.io import read
from ase.calculators.socketio import SocketIOCalculator
atoms = read('argon6.extxyz')
energies, forces, stresses = [], [], []
with SocketIOCalculator(unixsocket='{back}') as calc:
    atoms.calc = calc
    for k in range(3):
        energies.append(atoms.get_potential_energy())
        forces.append(atoms.get_forces().tolist())
        stresses.append(atoms.get_stress().tolist())
        atoms.positions[0, 0] += 0.05
json.dump(dict(energy_ev=energies, force_ev_ang=forces, stress_ev_ang3=stresses), open('ase.json', 'w'))
""")
    server = start([sys.executable, "server.py"], "ase.out")
    between = relay(front, back)
    result = subprocess.run(["saltus", "serve", "argon.safetensors", "--frame", "argon6.extxyz", "--unix", front, "--json"], capture_output=True, text=True)
    print(result.stderr, end="")
    summary["server_exit"] = server.wait(60)
    summary["energy_ev"] = json.load(open("ase.json"))["energy_ev"]
else:
    sys.exit(__doc__)
summary["saltus_exit"] = result.returncode
if result.stdout.strip():
    said = json.loads(result.stdout)
    summary["saltus"] = {key: said[key] for key in ("configurations", "batch", "step", "frames") if key in said}
between.wait(60)
for process in started:
    if process.poll() is None:
        process.kill()
turns = [line.split() for line in open("exchange.txt")]
summary["bytes"] = {side: sum(len(data) // 2 for s, data in turns if s == side) for side in "SC"}
json.dump(summary, open("summary.json", "w"), indent=1)
print(json.dumps(summary, indent=1))
