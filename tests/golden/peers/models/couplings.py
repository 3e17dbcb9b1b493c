"""Writes, from the e3nn that runs, the degrees (a, b, c) up to 4 whose real 3j symbol has a negative first entry (the first that is not zero, in
row-major order), and the factors of normalize2mom: the tables of saltus/models/e3nn_tensors.cpp and sevennet_checkpoint.cpp.
Usage: python couplings.py couplings_VERSION.json     (e3nn 0.4.4; 0.5.1 and 0.5.6 give other signs, both the same)"""
import json
import math
import sys

import e3nn
import torch
from e3nn import o3
from e3nn.math import normalize2mom

negative = []
for a in range(1, 5):
    for b in range(1, 5):
        for c in range(max(1, abs(a - b)), min(4, a + b) + 1):
            values = o3.wigner_3j(a, b, c, dtype=torch.float64).reshape(-1)
            if values[(values.abs() > 1e-9).nonzero()[0]] < 0:
                negative.append([a, b, c])
functions = {"silu": torch.nn.functional.silu, "tanh": torch.tanh, "abs": torch.abs, "ssp": lambda x: torch.nn.functional.softplus(x) - math.log(2),
             "sigmoid": torch.sigmoid, "relu": torch.relu, "elu": torch.nn.functional.elu}
factors = {name: normalize2mom(function).cst for name, function in functions.items()}
with open(sys.argv[1], "w") as file:
    json.dump({"e3nn": e3nn.__version__, "negative_first": negative, "factors": factors}, file)
    file.write("\n")
