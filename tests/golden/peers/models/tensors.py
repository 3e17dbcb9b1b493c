"""What torch, e3nn and the upstream packages themselves hold in the model files: shapes and SHA-256 of the little-endian values, under the
names of docs/model_files.md; of the last radial matrices path by path, since their columns may be ordered in several ways, and negated where
the running e3nn has the other sign of a coupling than e3nn 0.4.4 (couplings_0.4.4.json).
Usage: python tensors.py OUT.json FILE...     (mace-torch with e3nn 0.4.4; sevenn with e3nn >= 0.5)"""
import hashlib
import json
import os
import sys

import torch
from e3nn import o3

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "couplings_0.4.4.json")) as file:
    negative = [tuple(triple) for triple in json.load(file)["negative_first"]]


def sign(a, b, c):
    if min(a, b, c) == 0:
        return 1
    values = o3.wigner_3j(a, b, c, dtype=torch.float64).reshape(-1)
    return 1 if (values[(values.abs() > 1e-9).nonzero()[0]] < 0) == ((a, b, c) in negative) else -1


def entry(tensor):
    tensor = tensor.detach().cpu().contiguous()
    kind = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64"}[tensor.dtype]
    return [kind, list(tensor.shape), hashlib.sha256(tensor.numpy().tobytes()).hexdigest()]


def linear(out, name, module):
    """One matrix per irrep from e3nn's own instructions (its weight_views stumbles over biases)."""
    rows, at = {}, 0
    for ins in module.instructions:
        if ins.i_in < 0:
            continue
        size = ins.path_shape[0] * ins.path_shape[1]
        weight = module.weight[at : at + size].reshape(ins.path_shape)
        at += size
        irrep = str(module.irreps_out[ins.i_out].ir)
        rows.setdefault(irrep, {}).setdefault(ins.i_in, []).append(weight)
    assert at == module.weight.numel()
    for irrep, parts in rows.items():
        out[f"{name}.{irrep}"] = entry(torch.cat([torch.cat(parts[i], dim=1) for i in sorted(parts)], dim=0))
    if module.bias_numel > 0:
        out[f"{name}.bias"] = entry(module.bias)


def species_linear(out, name, module):
    rows = {}
    for _, ins, weight in module.weight_views(yield_instruction=True):
        irrep = str(module.irreps_out[ins.i_out].ir)
        rows.setdefault(irrep, {}).setdefault(ins.i_in1, []).append(weight)
    for irrep, parts in rows.items():
        out[f"{name}.{irrep}"] = entry(torch.cat([torch.cat(parts[i], dim=2) for i in sorted(parts)], dim=0))


def network(out, paths, name, net, convolution=None):
    layers = [getattr(net, f"layer{k}") for k in range(len(net.hs) - 1)]
    for k, layer in enumerate(layers):
        weight = layer.weight / (layer.h_in * layer.var_in / layer.var_out) ** 0.5
        if convolution is None or k + 1 < len(layers):
            out[f"{name}.{k}"] = entry(weight)
            continue
        at, channel = 0, {}
        for ins in convolution.instructions:
            size = convolution.irreps_in1[ins.i_in1].mul
            slot, irrep = ins.i_out, str(convolution.irreps_out[ins.i_out].ir)
            first = sum(block.mul for i, block in enumerate(convolution.irreps_out) if i < slot and str(block.ir) == irrep)
            key = f"{ins.i_in1} {convolution.irreps_in2[ins.i_in2].ir.l} {irrep} {first}"
            degrees = (convolution.irreps_in1[ins.i_in1].ir.l, convolution.irreps_in2[ins.i_in2].ir.l, convolution.irreps_out[slot].ir.l)
            paths.setdefault(f"{name}.{k}", {})[key] = entry(sign(*degrees) * weight[:, at : at + size])[2]
            at += size
        assert at == weight.shape[1]


def mace(model, out, paths):
    species = len(model.atomic_numbers)
    out["bessel_frequencies"] = entry(model.radial_embedding.bessel_fn.bessel_weights)
    linear(out, "embedding", model.node_embedding.linear)
    out["atomic_energies"] = entry(torch.atleast_2d(model.atomic_energies_fn.atomic_energies))
    out["scale"] = entry(torch.atleast_1d(model.scale_shift.scale))
    out["shift"] = entry(torch.atleast_1d(model.scale_shift.shift))
    for t, (block, product, readout) in enumerate(zip(model.interactions, model.products, model.readouts)):
        linear(out, f"interactions.{t}.linear_up", block.linear_up)
        network(out, paths, f"interactions.{t}.radial", block.conv_tp_weights, block.conv_tp)
        linear(out, f"interactions.{t}.linear", block.linear)
        species_linear(out, f"interactions.{t}.skip", block.skip_tp)
        for part, block_out in zip(product.symmetric_contractions.contractions, product.symmetric_contractions.irreps_out):
            name, nu = f"products.{t}.{block_out.ir}", part.correlation
            weights = [part.weights_max] + list(part.weights)
            for order in range(nu, 0, -1):
                coupling = getattr(part, f"U_matrix_{order}")
                out[f"{name}.u.{order}"] = entry(coupling if block_out.ir.l > 0 else coupling.unsqueeze(0))
                out[f"{name}.weight.{order}"] = entry(weights[nu - order])
        linear(out, f"products.{t}.linear", product.linear)
        for name in ("linear", "linear_1", "linear_2"):
            if hasattr(readout, name):
                linear(out, f"readouts.{t}.{name}", getattr(readout, name))
    assert out["atomic_energies"][1][1] == species


def sevennet(path, out, paths):
    from sevenn.checkpoint import SevenNetCheckpoint

    checkpoint = SevenNetCheckpoint(path)
    model = checkpoint.build_model()
    modules, rows = model._modules, 1
    species = len(checkpoint.config["_type_map"])
    if checkpoint.config.get("use_modality"):
        rows = len(checkpoint.config["_modal_map"])
    out["bessel_frequencies"] = entry(modules["edge_embedding"].basis_function.coeffs)
    linear(out, "embedding", modules["onehot_to_feature_x"].linear)
    for t in range(checkpoint.config["num_convolution_layer"]):
        intro = modules[f"{t}_self_connection_intro"]
        if hasattr(intro, "fc_tensor_product"):
            species_linear(out, f"layers.{t}.self_connection", intro.fc_tensor_product)
        else:
            linear(out, f"layers.{t}.self_connection", intro.linear)
        linear(out, f"layers.{t}.linear_1", modules[f"{t}_self_interaction_1"].linear)
        convolution = modules[f"{t}_convolution"]
        network(out, paths, f"layers.{t}.radial", convolution.weight_nn, convolution.convolution)
        linear(out, f"layers.{t}.linear_2", modules[f"{t}_self_interaction_2"].linear)
    linear(out, "readout.0", modules["reduce_input_to_hidden"].linear)
    linear(out, "readout.1", modules["reduce_hidden_to_energy"].linear)
    for part in ("scale", "shift"):
        value = getattr(modules["rescale_atomic_energy"], part)
        out[f"energy_{part}"] = entry(value.expand(rows, species) if value.dim() < 2 else value)


documents = {}
for path in sys.argv[2:]:
    out, paths = {}, {}
    if path.endswith(".pth"):
        sevennet(path, out, paths)
    else:
        mace(torch.load(path, map_location="cpu"), out, paths)
    documents[os.path.basename(path)] = {"tensors": out, "paths": paths}
with open(sys.argv[1], "w") as file:
    json.dump(documents, file, indent=1, sort_keys=True)
print()
