"""A small MACE model with random weights, as mace-torch itself builds and saves it, with what the published test models lack: density
normalisation, distance transform, ZBL, vectors between the layers, two heads, a cutoff outside the radial network.
Usage: python small_mace.py OUT.model        (needs mace-torch)"""
import os
import sys

import numpy as np
import torch

os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # e3nn 0.4.4 reads a file of its own that holds slices
from e3nn import o3
from mace.modules import ScaleShiftMACE, interaction_classes

torch.set_default_dtype(torch.float64)
torch.manual_seed(20240711)
model = ScaleShiftMACE(
    r_max=4.0, num_bessel=6, num_polynomial_cutoff=5, max_ell=2,
    interaction_cls=interaction_classes["RealAgnosticDensityResidualInteractionBlock"],
    interaction_cls_first=interaction_classes["RealAgnosticDensityInteractionBlock"],
    num_interactions=2, num_elements=3, hidden_irreps=o3.Irreps("6x0e+6x1o"), MLP_irreps=o3.Irreps("4x0e"),
    atomic_energies=np.array([[-1.5, -7.25, -20.0], [-2.5, -8.5, -21.0]]), avg_num_neighbors=7.5, atomic_numbers=[1, 8, 17],
    correlation=[2, 3], gate=torch.nn.functional.silu, pair_repulsion=True, distance_transform="Agnesi", radial_MLP=[12, 12],
    atomic_inter_scale=[1.25, 0.75], atomic_inter_shift=[0.5, -0.25], heads=["pbe", "r2scan"], apply_cutoff=False,
)
torch.save(model, sys.argv[1])
