"""Small SevenNet models with random weights, as sevenn itself builds and saves them: checkpoints with odd parity and one matrix
per element, with two modalities, of degree 3 with the polynomial cutoff, and one as sevenn 0.9 wrote it: old names, weights in the order of the
features, and one coupling of the other sign, which its weights make up for.
Usage: python small_sevennet.py OUT_FOLDER        (needs sevenn, e3nn >= 0.5, torch)"""
import sys
import os
import copy

import torch
import sevenn
import sevenn._const as const
from e3nn.o3 import wigner_3j
from sevenn.model_build import build_E3_equivariant_model

species = ["H", "Li", "O"]
type_map = {1: 0, 3: 1, 8: 2}
common = {
    "cutoff": 4.0, "channel": 4, "num_convolution_layer": 2, "weight_nn_hidden_neurons": [8, 8],
    "radial_basis": {"radial_basis_name": "bessel", "bessel_basis_num": 6},
    "chemical_species": species, "_number_of_species": 3, "_type_map": type_map, "_model_type": "E3_equivariant_model",
    "version": sevenn.__version__, "dtype": "single", "shift": [-1.0, -2.0, -3.5], "scale": 1.25, "conv_denominator": [7.5, 6.25],
}
models = {
    "parity": {"lmax": 1, "is_parity": True, "self_connection_type": "nequip", "use_bias_in_linear": True,
               "cutoff_function": {"cutoff_function_name": "poly_cut", "poly_cut_p_value": 5}},
    "modal": {"lmax": 2, "is_parity": False, "self_connection_type": "linear", "use_modality": True, "_number_of_modalities": 2,
              "_modal_map": {"PBE": 0, "R2SCAN": 1}, "use_modal_wise_shift": True, "use_modal_wise_scale": False,
              "use_modal_node_embedding": True, "use_modal_self_inter_intro": True, "use_modal_self_inter_outro": True, "use_modal_output_block": True,
              "shift": [[-1.0, -2.0, -3.5], [-1.5, -2.5, -4.5]], "scale": [1.25, 1.5, 1.75],
              "cutoff_function": {"cutoff_function_name": "XPLOR", "cutoff_on": 3.5}},
    "degree3": {"lmax": 3, "is_parity": False, "self_connection_type": "linear", "irreps_manual": ["4x0e", "4x0e+3x1e+2x2e+2x3e", "4x0e"],
                "cutoff_function": {"cutoff_function_name": "poly_cut", "poly_cut_p_value": 6}},
    "old": {"lmax": 2, "is_parity": False, "self_connection_type": "linear", "num_convolution_layer": 3, "conv_denominator": [7.5, 6.25, 7.0],
            "cutoff_function": {"cutoff_function_name": "XPLOR", "cutoff_on": 3.0}, "version": "0.9.1", "train_denominator": False},
}
old_names = {"edge_embedding": "EdgeEmbedding", "reduce_input_to_hidden": "reducing nn input to hidden",
             "reduce_hidden_to_energy": "reducing nn hidden to energy", "rescale_atomic_energy": "rescale atomic energy"}


def as_sevenn_09(state, config):
    """Random weights taken to be those of sevenn 0.9."""
    old = {}
    for key, value in state.items():
        module, rest = key.split(".", 1)
        for part in ("self_connection_intro", "convolution", "self_interaction_2", "equivariant_gate"):
            if module.endswith(part):
                module = module.replace("_", " ")
        old[old_names.get(module, module) + "." + rest.replace("denominator", "denumerator")] = value
    for a in (1, 2):
        for b in (1, 2):
            for c in (1, 2):
                sign = -1 if (a, b, c) in ((1, 2, 2), (2, 1, 2)) else 1
                old[f"1 convolution.convolution._compiled_main_left_right._w3j_{a}_{b}_{c}"] = sign * wigner_3j(a, b, c)
    del config["_normalize_sph"]
    return old



out = sys.argv[1]
os.makedirs(out, exist_ok=True)
for name, special in models.items():
    torch.manual_seed(20240711)
    config = {**copy.deepcopy(const.DEFAULT_E3_EQUIVARIANT_MODEL_CONFIG), **copy.deepcopy(common), **copy.deepcopy(special)}
    state = build_E3_equivariant_model(copy.deepcopy(config)).state_dict()
    if name == "old":
        state = as_sevenn_09(state, config)
    torch.save({"model_state_dict": state, "config": config, "epoch": 0}, os.path.join(out, f"{name}.pth"))
