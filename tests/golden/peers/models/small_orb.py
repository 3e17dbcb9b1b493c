"""Small ORB models with random weights, as orb-models itself builds and saves them, and what its own code makes of a few structures in float64:
energies, forces (from a head, or the gradient), stresses, and features after the encoder and each layer (of edges the mean and the mean square over all,
which do not depend on their order).
Usage: python small_orb.py MODEL_FOLDER OUT.json        (needs orb-models 0.5.5, torch, ase)"""
import json
import os
import sys
import types

import ase
import numpy as np
import torch

sys.modules.setdefault("cached_path", types.SimpleNamespace(cached_path=lambda path: path))  # of downloads, which this does not need
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

from functools import partial
from orb_models.forcefield import pretrained
from orb_models.forcefield.atomic_system import SystemConfig, ase_atoms_to_atom_graphs
from orb_models.forcefield.direct_regressor import DirectForcefieldRegressor
from orb_models.forcefield.featurization_utilities import gaussian_basis_function
from orb_models.forcefield.forcefield_heads import EnergyHead, ForceHead, GraphHead
from orb_models.forcefield.gns import MoleculeGNS


def v2(config):
    """pretrained.orb_v2_architecture, whose sizes are fixed, with small ones."""
    head = {"latent_dim": 8, "num_mlp_layers": 1, "mlp_hidden_dim": 10, "activation": "ssp"}
    return DirectForcefieldRegressor(
        heads={"energy": EnergyHead(predict_atom_avg=True, **head), "forces": ForceHead(remove_mean=True, remove_torque_for_nonpbc_systems=True, **head),
               "stress": GraphHead(target="stress", node_aggregation="mean", **head)},
        model=MoleculeGNS(num_node_in_features=8, num_node_out_features=3, num_edge_in_features=23, latent_dim=8,
                          interaction_params={"distance_cutoff": True, "attention_gate": "sigmoid"}, num_message_passing_steps=3, num_mlp_layers=2, mlp_hidden_dim=12,
                          rbf_transform=partial(gaussian_basis_function, num_bases=20, radius=10.0), use_embedding=True, node_feature_names=["feat"],
                          edge_feature_names=["feat"], activation="ssp", mlp_norm="layer_norm"),
        pair_repulsion=False, system_config=config)


small = {"latent_dim": 8, "base_mlp_hidden_dim": 12, "head_mlp_hidden_dim": 10, "num_message_passing_steps": 2, "device": "cpu"}
models = {
    "orb-small-conservative-inf-v3.ckpt": lambda config: pretrained.orb_v3_conservative_architecture(system_config=config, **small),
    "orb-small-conservative-20-v3.ckpt": lambda config: pretrained.orb_v3_conservative_architecture(system_config=config, **{**small, "base_mlp_depth": 1}),
    "orb-small-direct-inf-v3.ckpt": lambda config: pretrained.orb_v3_direct_architecture(system_config=config, **small),
    "orb-small-v2.ckpt": v2,
}


def structures(numbers):
    random = np.random.default_rng(7)
    turn = lambda n: [numbers[k % len(numbers)] for k in range(n)]
    found = {}
    for k, r in enumerate([0.9, 1.6, 3.6, 5.97, 6.06]):
        found[f"pair_{k}"] = ase.Atoms([numbers[0], numbers[-1]], [[0, 0, 0], [0.48 * r, 0.6 * r, 0.64 * r]])
    found["molecule"] = ase.Atoms(turn(5), [[0, 0.2, 0.12], [0.1, 0.96, -0.58], [0.3, -0.9, -0.48], [1.3, 0.2, 0.7], [-1.2, 0.5, 1.1]])
    found["line"] = ase.Atoms(turn(3), [[0, 0, 0], [0.6, 0.75, 0.8], [1.32, 1.65, 1.76]])
    found["skewed"] = ase.Atoms(turn(3), [[0, 0, 0], [1.4, 0.8, 0.3], [0.2, 1.7, 1.6]], cell=[[3.1, 0, 0], [0.9, 3.3, 0], [-0.7, 0.5, 3.4]], pbc=True)
    edge = 8.4
    lattice = np.array([[a, b, c] for a in range(3) for b in range(3) for c in range(3)]) * edge / 3
    found["crystal"] = ase.Atoms(turn(27), lattice + 0.12 * random.standard_normal((27, 3)), cell=[[edge, 0, 0], [1.1, edge, 0], [-0.8, 0.6, edge]], pbc=True)
    found["alone"] = ase.Atoms([numbers[-1]], [[0.3, 0.4, 0.5]])
    return found


def evaluate(model, atoms, config):
    graph = ase_atoms_to_atom_graphs(atoms, config, wrap=False, device=torch.device("cpu"), output_dtype=torch.float64, graph_construction_dtype=torch.float64)
    layers = []

    def note(module, inputs, output):
        atom, edge = output
        layers.append({"atom": atom.flatten().tolist(), "edge_mean": edge.mean(0).tolist() if len(edge) else [], "edge_mean_square": (edge ** 2).mean(0).tolist() if len(edge) else []})

    hooks = [m.register_forward_hook(note) for m in [model.model._encoder, *model.model.gnn_stacks]]
    out = {k: v.detach().numpy() for k, v in model.predict(graph).items()}
    for hook in hooks:
        hook.remove()
    forces = out.get("grad_forces", out.get("forces"))
    stress = out.get("grad_stress", out.get("stress")) if atoms.pbc.any() else None
    return {"edges": int(graph.n_edge), "energy_ev": float(out["energy"].reshape(-1)[0]), "force_ev_ang": forces.tolist(),
            "stress_ev_ang3": None if stress is None else stress.reshape(6).tolist(), "layers": layers if len(atoms) < 6 else layers[-1:]}


def main(folder, path):
    document = {}
    for seed, (name, make) in enumerate(models.items()):
        torch.manual_seed(seed)
        config = SystemConfig(radius=6.0, max_num_neighbors=20 if "-20-" in name or "v2" in name else 120)
        model = make(config)
        state = model.state_dict()
        for key, value in state.items():  # what training would have moved, and nothing at its start
            if key.endswith("running_mean"):
                value += 0.1 * torch.randn_like(value)
            if key.endswith("running_var"):
                value *= 1 + 0.3 * torch.rand_like(value)
            if key.endswith("layer_norm.weight"):
                value *= 1 + 0.2 * torch.randn_like(value)
            if key.endswith("layer_norm.bias"):
                value += 0.2 * torch.randn_like(value)
        single = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
        torch.save(type(state)(single), os.path.join(folder, name))
        model.load_state_dict({k: v.double() if v.is_floating_point() else v for k, v in single.items()}, strict=True)
        model.eval()
        cases = []
        for label, atoms in structures([8, 14, 3]).items():
            cases.append({"name": label, "atomic_number": atoms.numbers.tolist(), "position_ang": atoms.positions.tolist(),
                          "cell_ang": atoms.cell.array.tolist() if atoms.pbc.any() else None, **evaluate(model, atoms, config)})
        document[name] = cases
    round_ = lambda x: float(f"{x:.13g}") if isinstance(x, float) else [round_(v) for v in x] if isinstance(x, list) else {k: round_(v) for k, v in x.items()} if isinstance(x, dict) else x
    with open(path, "w") as file:
        file.write(json.dumps(round_(document), separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
