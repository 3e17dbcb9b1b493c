"""Tiny GRACE models of one and two layers with random numbers, and their energies from upstream's own code in float64, forces and virials by differences of them.
Writes one_layer.npz, two_layers.npz (as tensorpotential's export_kokkos writes them) and expected.json.

Usage: python make.py [FOLDER...]
Needs tensorpotential 0.6.2 with TensorFlow, or FOLDERs put before all: its sources and a stand-in of the few functions of TensorFlow in numpy.
All weights are drawn here, as multiples of 1/256: none is upstream's."""
import json
import math
import os
import random
import sys

sys.path[:0] = sys.argv[1:]
import numpy as np
import tensorflow as tf
from tensorpotential import constants as c
from tensorpotential.potentials import presets
from tensorpotential.scripts import _kokkos_export as export

here = os.path.dirname(os.path.abspath(__file__))
elements = ["Li", "O", "Si"]
rng = np.random.default_rng(20)


def frame(name, count, seed, cell):
    draw = random.Random(seed)
    atoms = []
    while len(atoms) < count:
        s = [draw.random() for _ in range(3)]
        r = [sum(s[i] * cell[i][k] for i in range(3)) for k in range(3)]
        near = min((math.dist([r[k] + sum(m[i] * cell[i][k] for i in range(3)) for k in range(3)], o) for _, o in atoms for m in np.ndindex(3, 3, 3) for m in [[x - 1 for x in m]]), default=9)
        if near > 1.5:
            atoms.append((len(atoms) % 3, [float(f"{x:.6f}") for x in r]))
    return {"name": name, "cell_ang": cell, "elements": [elements[a[0]] for a in atoms], "position_ang": [a[1] for a in atoms]}


def bonds(cell, position, cutoff):
    """Full list, images included."""
    reach = 3
    i, j, v = [], [], []
    shifts = [np.array([x - reach for x in m]) @ cell for m in np.ndindex(*[2 * reach + 1] * 3)]
    for a in range(len(position)):
        for b in range(len(position)):
            for shift in shifts:
                d = position[b] + shift - position[a]
                r = np.linalg.norm(d)
                if 1e-6 < r < cutoff:
                    i.append(a), j.append(b), v.append(d)
    return np.array(i), np.array(j), np.array(v)


def evaluate(instructions, mu, i, j, v, keep=()):
    data = {c.BOND_VECTOR: tf.constant(v), c.BOND_IND_I: tf.constant(i), c.BOND_IND_J: tf.constant(j), c.BOND_MU_I: tf.constant(mu[i]), c.BOND_MU_J: tf.constant(mu[j]),
            c.ATOMIC_MU_I: tf.constant(mu), c.N_ATOMS_BATCH_REAL: len(mu), c.N_ATOMS_BATCH_TOTAL: len(mu)}
    for instruction in instructions.values():
        data = instruction(data)
    return np.asarray(data[c.PREDICT_ATOMIC_ENERGY]).reshape(-1), {k: np.asarray(data[k]) for k in keep}


def energy(instructions, mu, cell, position, cutoff):
    return evaluate(instructions, mu, *bonds(cell, position, cutoff))[0].sum()


def expected_of(instructions, frame, cutoff, keep):
    mu = np.array([elements.index(e) for e in frame["elements"]])
    cell, position = np.array(frame["cell_ang"]), np.array(frame["position_ang"])
    atoms, tensors = evaluate(instructions, mu, *bonds(cell, position, cutoff), keep)

    def slope(moved, h=1e-3):  # of order h⁴
        e = [energy(instructions, mu, *moved(k * h), cutoff) for k in (-2, -1, 1, 2)]
        return (e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * h)

    force = np.zeros_like(position)
    for a in range(len(mu)):
        for k in range(3):
            step = np.zeros_like(position)
            step[a, k] = 1
            force[a, k] = -slope(lambda h: (cell, position + h * step))
    virial = []
    for a, b in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)):
        strain = np.zeros((3, 3))
        strain[a, b] += 0.5
        strain[b, a] += 0.5
        virial.append(-slope(lambda h: (cell @ (np.eye(3) + h * strain), position @ (np.eye(3) + h * strain)), 2e-4))
    return {"frame": frame["name"], "atom_energy_ev": atoms.tolist(), "force_ev_ang": force.tolist(), "virial_ev": virial,
            "tensor_norms": {k: [float(x) for x in np.sqrt((v**2).sum(axis=tuple(range(1, v.ndim))))] for k, v in tensors.items()}}


def draw_all(instructions):
    """Every trainable number anew."""
    def visit(module, seen):
        if id(module) in seen:
            return
        seen.add(id(module))
        for key, value in list(vars(module).items()):
            if key in ("rc", "element_map_index", "element_map_symbols"):
                continue
            if isinstance(value, tf.Module):
                visit(value, seen)
            elif isinstance(value, (list, tuple)):
                for item in value:
                    if isinstance(item, tf.Module):
                        visit(item, seen)
            elif any(value is t for t in module.trainable_variables):
                near_one = key == "scale"
                numbers = np.round(256 * (rng.standard_normal(value.shape) * (0.2 if near_one else 1.0) + (1 if near_one else 0))) / 256
                setattr(module, key, tf.Variable(numbers, dtype=tf.float64))
    seen = set()
    for instruction in instructions.values():
        visit(instruction, seen)


frames = [frame("skewed", 7, 3, [[4.1, 0, 0], [1.3, 4.3, 0], [-0.9, 0.7, 4.6]]), frame("molecule", 6, 5, [[20, 0, 0], [0, 20, 0], [0, 0, 20]])]
for k, r in enumerate([[0, 0, 0], [1.6, 0.1, -0.2], [-0.3, 1.9, 0.4], [0.2, -0.4, 2.1], [2.4, 2.0, 0.9], [-1.7, -1.2, 0.8]]):
    frames[1]["position_ang"][k] = r
element_map = {e: k for k, e in enumerate(elements)}
common = dict(rcut=4.5, avg_n_neigh=12.0, n_rad_base=5, embedding_size=6, cutoff_function_order=7, max_order=4, n_mlp_dens=4, constant_out_scale=1.75, atomic_shift_map={0: -1.5, 1: -4.25, 2: -3.0})
models = {
    "one_layer": (presets.GRACE_1LAYER_v2_25(element_map, lmax=3, n_rad_max=4, prod_func_n_max=6, **common), export.export_1l_npz, ["A", "AA", "AAA", "AAAA", "rho"]),
    "two_layers": (presets.GRACE_2LAYER_v2_25(element_map, lmax=(2, 2), n_rad_max=(4, 6), prod_func_n_max=(4, 5), indicator_lmax=1, **common), export.export_2l_npz, ["AAAA", "I", "YI", "B", "BBBB"]),
}
out = {"frames": frames, "models": {}}
for name, (manager, write, keep) in models.items():
    instructions = manager.get_instructions()
    for instruction in instructions.values():
        if not instruction.is_built:
            instruction.build(tf.float64)
    draw_all(instructions)
    export._load_and_restore = lambda *_: instructions
    np.savez = lambda path, **all: np.savez_compressed(path, **all)
    write("model.yaml", "", os.path.join(here, name + ".npz"))
    out["models"][name] = [expected_of(instructions, f, common["rcut"], keep) for f in frames]
    print(name, [sum(e["atom_energy_ev"]) for e in out["models"][name]], os.path.getsize(os.path.join(here, name + ".npz")))
with open(os.path.join(here, "expected.json"), "w") as file:
    json.dump(out, file)
