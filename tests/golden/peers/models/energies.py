"""Energies, forces and stresses of upstream's own code in float64, on a few structures: a pair through the cutoff, a molecule, a skewed cell with
several images of each neighbour, a crystal with all species, an atom alone.
Usage: python energies.py mace OUT.json FILE...       whole modules (needs mace-torch)
       python energies.py sevennet OUT.json FILE...   checkpoints (needs sevenn)
       python energies.py mattersim OUT.json FILE...  saved models (needs mattersim); with h of the atoms after each layer
Heads and modalities are evaluated one by one."""
import json
import os
import sys

import ase
import numpy as np
import torch

os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # e3nn 0.4.4 reads a file of its own that holds slices

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def structures(numbers, cutoff):
    """By name; elements are taken in turn."""
    random = np.random.default_rng(7)
    turn = lambda n: [numbers[k % len(numbers)] for k in range(n)]
    found = {}
    for k, fraction in enumerate([0.3, 0.6, 0.9, 0.995, 1.01]):
        r = fraction * cutoff
        found[f"pair_{k}"] = ase.Atoms([numbers[0], numbers[-1]], [[0, 0, 0], [0.48 * r, 0.6 * r, 0.64 * r]])
    found["molecule"] = ase.Atoms(turn(5), [[0, 0.2, 0.12], [0.1, 0.96, -0.58], [0.3, -0.9, -0.48], [1.3, 0.2, 0.7], [-1.2, 0.5, 1.1]])
    found["skewed"] = ase.Atoms(turn(3), [[0, 0, 0], [1.4, 0.8, 0.3], [0.2, 1.7, 1.6]], cell=[[3.1, 0, 0], [0.9, 3.3, 0], [-0.7, 0.5, 3.4]], pbc=True)
    edge = 7.2
    lattice = np.array([[a, b, c] for a in range(3) for b in range(3) for c in range(3)]) * edge / 3
    found["crystal"] = ase.Atoms(turn(27), lattice + 0.12 * random.standard_normal((27, 3)), cell=np.diag([edge] * 3), pbc=True)
    found["alone"] = ase.Atoms([numbers[-1]], [[0.3, 0.4, 0.5]])
    return found


def of_mace(path):
    from mace import data
    from mace.tools import torch_geometric, utils

    model = torch.load(path, map_location="cpu", weights_only=False).double()
    numbers = [int(z) for z in model.atomic_numbers]
    cutoff = float(model.r_max)
    heads = list(getattr(model, "heads", None) or ["Default"])
    table = utils.AtomicNumberTable(numbers)

    def evaluate(atoms, head):
        config = data.config_from_atoms(atoms, head_name=head)
        batch = next(iter(torch_geometric.dataloader.DataLoader([data.AtomicData.from_config(config, z_table=table, cutoff=cutoff, heads=heads)], batch_size=1)))
        out = model(batch.to_dict(), compute_stress=bool(atoms.pbc.all()))
        stress = out["stress"][0].detach().numpy() if atoms.pbc.all() else None
        return float(out["energy"]), out["node_energy"].detach().numpy(), out["forces"].detach().numpy(), stress

    return numbers, cutoff, heads, evaluate


def of_sevennet(path):
    import sevenn.util as util
    from e3nn.o3 import wigner_3j
    from sevenn.calculator import SevenNetCalculator

    torch.Tensor.float = torch.Tensor.double  # so upstream makes its one-hot elements
    util.dtype_correct.__defaults__ = (torch.float64, torch.int64)  # and its graphs
    torch.set_default_dtype(torch.float32)    # as the checkpoint is
    model = util.load_checkpoint(path).build_model().double()
    torch.set_default_dtype(torch.float64)
    for name, buffer in model.named_buffers():  # couplings to full precision, with the sign of the file's
        if "_w3j_" in name:
            exact = wigner_3j(*(int(k) for k in name.split("_")[-3:]), dtype=torch.float64)
            buffer.copy_(exact * torch.sign((exact * buffer).sum()))
    numbers = sorted(model.type_map)
    heads = list(model.modal_map or []) or ["Default"]

    def evaluate(atoms, head):
        calculator = SevenNetCalculator(model, file_type="model_instance", device="cpu", modal=head if model.modal_map else None)
        atoms = atoms.copy()
        if not atoms.pbc.any():
            atoms.cell = None
        atoms.calc = calculator
        stress = None
        energy = atoms.get_potential_energy()
        if atoms.pbc.all():
            xx, yy, zz, yz, xz, xy = calculator.results["stress"]
            stress = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        return energy, calculator.results["energies"], calculator.results["forces"], stress

    return numbers, float(model.cutoff), heads, evaluate


def of_mattersim(path):
    from ase.units import GPa
    from mattersim.datasets.utils.build import build_dataloader
    from mattersim.forcefield.potential import Potential, batch_to_dict

    torch.set_default_dtype(torch.float32)  # as the file is
    potential = Potential.load(load_path=path, device="cpu", load_training_state=False)
    torch.set_default_dtype(torch.float64)
    torch.Tensor.float = torch.Tensor.double  # so upstream makes its one-hot elements
    torch.FloatTensor = torch.DoubleTensor    # and its graphs
    model = potential.model.double()
    seen = {}
    model.graph_conv[0].register_forward_pre_hook(lambda module, inputs: seen.update(layers=[inputs[0].detach().numpy()]))
    for block in model.graph_conv:
        block.register_forward_hook(lambda module, inputs, output: seen["layers"].append(output[0].detach().numpy()))
    model.normalizer.register_forward_hook(lambda module, inputs, output: seen.update(atomic=output.detach().numpy()))
    model.graph_conv[-1].register_forward_hook(lambda module, inputs, output: seen.update(
        pairs=torch.zeros_like(output[0]).index_add(0, inputs[3][0], output[1]).detach().numpy()))

    def evaluate(atoms, head):
        periodic = atoms.pbc.all()
        loader = build_dataloader([atoms.copy()], model_type="m3gnet", cutoff=model.model_args["cutoff"], threebody_cutoff=model.model_args["threebody_cutoff"],
                                  batch_size=1, only_inference=1)
        out = potential.forward(batch_to_dict(next(iter(loader)), device="cpu"), include_forces=True, include_stresses=True)
        stress = out["stresses"][0].detach().numpy() * GPa if periodic else None
        more = {"atom_features": [rows(h) for h in seen["layers"]], "pair_feature_sums": rows(seen["pairs"])} if len(atoms) < 10 else {}
        return float(out["total_energy"][0]), seen["atomic"], out["forces"].detach().numpy(), stress, more

    return list(range(1, model.model_args["max_z"] + 1)), model.model_args["cutoff"], ["Default"], evaluate


rows = lambda array: [[float(v) for v in row] for row in array]
family, out, files = sys.argv[1], sys.argv[2], sys.argv[3:]
document = {}
for path in files:
    numbers, cutoff, heads, evaluate = {"mace": of_mace, "sevennet": of_sevennet, "mattersim": of_mattersim}[family](path)
    if len(numbers) > 20:
        numbers = [1, 8, 11, 14, 17]
    elif family == "mattersim":
        numbers = [1, 3, 8, 11]
    cases = []
    for head in heads:
        for name, atoms in structures(numbers, cutoff).items():
            energy, atomic, forces, stress, *more = evaluate(atoms, head)
            cases.append({"head": head, "name": name, "atomic_number": [int(z) for z in atoms.numbers], "position_ang": rows(atoms.positions),
                          "cell_ang": rows(atoms.cell.array) if atoms.pbc.all() else None, "energy_ev": float(energy),
                          "atom_energy_ev": [float(e) for e in np.ravel(atomic)], "force_ev_ang": rows(forces),
                          "stress_ev_ang3": None if stress is None else rows(stress), **(more[0] if more else {})})
    document[os.path.basename(path)] = cases
with open(out, "w") as file:
    json.dump(document, file, indent=0)
    file.write("\n")
