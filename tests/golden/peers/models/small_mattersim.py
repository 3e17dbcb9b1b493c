"""Small MatterSim models with random weights, as mattersim itself builds and saves them: of as many angular as radial functions, and of
others, where the orders, roots and degrees of upstream's tables part; the first also as version 1.0 wrote it, without the table of spherical Bessel functions.
Usage: python small_mattersim.py OUT_FOLDER        (needs mattersim, torch)"""
import os
import sys

import torch
from mattersim.forcefield.m3gnet.m3gnet import M3Gnet
from mattersim.forcefield.potential import Potential

models = {
    "square": dict(num_blocks=2, units=12, max_l=4, max_n=4, cutoff=5.0, max_z=17, threebody_cutoff=4.0),
    "oblong": dict(num_blocks=3, units=10, max_l=3, max_n=2, cutoff=4.5, max_z=11, threebody_cutoff=3.5),
}
for name, arguments in models.items():
    torch.manual_seed(20240507)
    model = M3Gnet(device="cpu", **arguments)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if key.startswith("atom_embedding"):
                parameter.normal_(0.0, 1.0)
            elif key.endswith("bias"):
                parameter.normal_(0.0, 0.3)
            else:
                parameter.mul_(1.5)
        model.normalizer.scale.uniform_(0.8, 1.6)
        model.normalizer.shift.normal_(-3.0, 1.0)
    potential = Potential(model, device="cpu", validation_metrics={"loss": 0.0, "MAE_energy": 0.0})
    path = os.path.join(sys.argv[1], name + ".pth")
    potential.save(os.path.abspath(path))
    if name == "square":
        saved = torch.load(path)
        del saved["model"]["sbf.coef"]
        del saved["ema"]
        torch.save(saved, os.path.join(sys.argv[1], "first.pth"))
