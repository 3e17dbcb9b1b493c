"""Ratios of our networks to upstream's on the CPU, one thread, energies with forces and stress of 64 atoms of rock salt slightly distorted:
SevenNet-0 as TorchScript (float32), and with random weights a MACE of 128x0e, degree 3, correlation 3 (float32 and float64) and MatterSim 1M (float32).
Usage: python bench/networks.py BUILD/bin/bench_networks [FAMILY...]        (sevennet, mace, mattersim; none named: all. Needs torch, and for the others
mace-torch or mattersim; CPU time, best of several; graphs are made beforehand)"""
import os
import re
import subprocess
import sys
import time
import zipfile

import numpy as np
import torch

os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # e3nn 0.4.4 reads a file of its own that holds slices

torch.set_num_threads(1)
root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
half = 2.815
random = np.random.default_rng(1)
corners = np.array([[a, b, c] for a in range(4) for b in range(4) for c in range(4)])
positions = half * corners + 0.05 * random.standard_normal((64, 3))
symbols = ["Cl" if s % 2 else "Na" for s in corners.sum(axis=1)]
cell = np.eye(3) * 4 * half


def pairs(cutoff):
    """Index pairs and lattice shifts within the cutoff, below the length of the cell."""
    shifts = np.array([[a, b, c] for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1)])
    difference = positions[None, :, None, :] + shifts[None, None] @ cell - positions[:, None, None, :]
    near = (np.linalg.norm(difference, axis=-1) < cutoff) & (np.linalg.norm(difference, axis=-1) > 1e-6)
    i, j, s = np.nonzero(near)
    return np.array([i, j]), shifts[s]


def best_ms_per_atom(work, rounds=6):
    best = 1e300
    for _ in range(rounds):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return 1e3 * best / 64


def sevennet():
    path = os.path.join(root, "tests/golden/models/sevennet/SevenNet-0_11July2024_deployed_serial.pt")
    model = torch.jit.load(path)
    known = zipfile.ZipFile(path).read("deployed_serial/extra/chemical_symbols_to_index").decode().split()
    index, shift = pairs(5.0)
    number = lambda values: torch.tensor(np.asarray(values), dtype=torch.float32)

    def work():
        model({"x": torch.tensor([known.index(s) for s in symbols]), "pos": number(positions).requires_grad_(True), "edge_index": torch.tensor(index),
               "num_atoms": torch.tensor(64), "cell_lattice_vectors": number(cell), "cell_volume": number(np.linalg.det(cell)),
               "pbc_shift": number(shift), "batch": torch.zeros(64, dtype=torch.long)})
    return best_ms_per_atom(work)


def mace(dtype):
    from e3nn import o3
    from mace.modules import ScaleShiftMACE, interaction_classes

    torch.set_default_dtype(dtype)
    model = ScaleShiftMACE(
        r_max=5.0, num_bessel=8, num_polynomial_cutoff=5, max_ell=3, interaction_cls=interaction_classes["RealAgnosticResidualInteractionBlock"],
        interaction_cls_first=interaction_classes["RealAgnosticInteractionBlock"], num_interactions=2, num_elements=2,
        hidden_irreps=o3.Irreps("128x0e"), MLP_irreps=o3.Irreps("16x0e"), atomic_energies=np.zeros(2), avg_num_neighbors=26.0, atomic_numbers=[11, 17],
        correlation=3, gate=torch.nn.functional.silu, radial_MLP=[64, 64, 64], atomic_inter_scale=1.0, atomic_inter_shift=0.0)
    index, shift = pairs(5.0)
    number = lambda values: torch.tensor(np.asarray(values), dtype=dtype)
    graph = {"positions": number(positions), "node_attrs": number([[s == "Na", s == "Cl"] for s in symbols]), "edge_index": torch.tensor(index),
             "shifts": number(shift @ cell), "unit_shifts": number(shift), "cell": number(cell), "batch": torch.zeros(64, dtype=torch.long),
             "ptr": torch.tensor([0, 64]), "head": torch.tensor([0])}
    return best_ms_per_atom(lambda: model({k: v.clone() for k, v in graph.items()}, compute_stress=True))


def mattersim():
    import ase
    from mattersim.datasets.utils.build import build_dataloader
    from mattersim.forcefield.m3gnet.m3gnet import M3Gnet
    from mattersim.forcefield.potential import Potential, batch_to_dict

    torch.set_default_dtype(torch.float32)
    potential = Potential(M3Gnet(device="cpu", num_blocks=3, units=128), device="cpu")
    potential.model.eval()
    loader = build_dataloader([ase.Atoms(symbols, positions, cell=cell, pbc=True)], model_type="m3gnet", cutoff=5.0, threebody_cutoff=4.0, batch_size=1, only_inference=1)
    graph = batch_to_dict(next(iter(loader)), device="cpu")

    def work():
        potential.forward({k: v.detach().clone() if torch.is_tensor(v) else v for k, v in graph.items()}, include_forces=True, include_stresses=True)
    return best_ms_per_atom(work)


families = sys.argv[2:] or ["sevennet", "mace", "mattersim"]
text = subprocess.run([sys.argv[1], f"--benchmark_filter=({'|'.join(families)})_.*/float(32|64)/threads:1/cells:1"], capture_output=True, text=True, check=True).stdout
ours = {m[1]: float(m[2]) for m in re.finditer(r"^(\w+/float\d+)/threads:1/cells:1\S*.*cpu_ms_per_atom=([0-9.e-]+)", text, re.M)}
print(f"{'':24}{'upstream':>12}{'saltus':>12}   ratio      CPU ms per atom and step")
for name, upstream_of in [("sevennet_0/float32", sevennet), ("mace_128/float32", lambda: mace(torch.float32)), ("mace_128/float64", lambda: mace(torch.float64)),
                          ("mattersim_1m/float32", mattersim)]:
    if name.split("_")[0] not in families:
        continue
    upstream = upstream_of()
    print(f"{name:24}{upstream:12.3f}{ours[name]:12.3f}{upstream / ours[name]:8.1f}")
