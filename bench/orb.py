"""Ratio of our ORB to upstream's on the CPU, one thread, energies with forces and stress of 64 atoms of rock salt slightly distorted: models of the published
sizes with random weights, evaluated by both; energies and largest forces are compared too.
Usage: python bench/orb.py BUILD/bin/bench_orb [ROUNDS] [compile]      (compile: upstream by torch.compile, as pretrained.py does where it can; needs orb-models 0.5.5, torch, ase; CPU time, best of several)"""
import os
import subprocess
import sys
import tempfile
import time
import types

import ase
import numpy as np
import torch

sys.modules.setdefault("cached_path", types.SimpleNamespace(cached_path=lambda path: path))  # of downloads, which this does not need
torch.set_num_threads(1)

from orb_models.forcefield import pretrained
from orb_models.forcefield.atomic_system import SystemConfig, ase_atoms_to_atom_graphs

rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
half = 2.815
random = np.random.default_rng(1)
corners = np.array([[a, b, c] for a in range(4) for b in range(4) for c in range(4)])
atoms = ase.Atoms([17 if s % 2 else 11 for s in corners.sum(axis=1)], half * corners + 0.05 * random.standard_normal((64, 3)), cell=np.eye(3) * 4 * half, pbc=True)
models = {"orb-v3-conservative-inf-random": pretrained.orb_v3_conservative_architecture, "orb-v3-direct-inf-random": pretrained.orb_v3_direct_architecture}

print(f"torch {torch.__version__}, {torch.get_num_threads()} thread", flush=True)
print(f"{'':44}{'upstream':>10}{'saltus':>10}   ratio      CPU ms per atom and step")
with tempfile.TemporaryDirectory() as folder:
    positions = os.path.join(folder, "positions")
    np.savetxt(positions, np.column_stack([atoms.numbers, atoms.positions]), fmt=["%d", "%.17g", "%.17g", "%.17g"])
    for name, make in models.items():
        for word, dtype in [("float32", torch.float32), ("float64", torch.float64)]:
            if word == "float64" and "direct" in name:
                continue
            torch.manual_seed(0)
            torch.set_default_dtype(torch.float32)
            config = SystemConfig(radius=6.0, max_num_neighbors=120)
            model = make(device="cpu", system_config=config).eval()
            path = os.path.join(folder, name + ".ckpt")
            torch.save(model.state_dict(), path)
            torch.set_default_dtype(dtype)
            model = model.to(dtype)
            for parameter in model.parameters():
                parameter.requires_grad = False
            if "compile" in sys.argv:
                model.compile(mode="default", dynamic=True)
            best = 1e300
            for _ in range(rounds):
                graph = ase_atoms_to_atom_graphs(atoms, config, wrap=False, device=torch.device("cpu"), output_dtype=dtype, graph_construction_dtype=dtype)
                begin = time.process_time()
                out = model.predict(graph)
                best = min(best, time.process_time() - begin)
            forces = out.get("grad_forces", out.get("forces")).detach()
            theirs = 1e3 * best / 64
            ours, energy, largest = map(float, subprocess.run([sys.argv[1], path, word, positions, str(rounds)], capture_output=True, text=True, check=True).stdout.split())
            print(f"{name + ' ' + word:44}{theirs:10.2f}{ours:10.2f}{theirs / ours:8.2f}", flush=True)
            print(f"    {int(graph.n_edge) / 64:.1f} neighbours; energies differ by {abs(energy - float(out['energy'].reshape(-1)[0])) / 64:.1e} eV/atom, largest forces by {abs(largest - float(forces.norm(dim=1).max())):.1e} eV/Å of {largest:.3g}")
