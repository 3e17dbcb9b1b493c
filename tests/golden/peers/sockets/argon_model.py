#!/usr/bin/env python3
"""Writes argon as a Lennard-Jones model of Saltus (safetensors) without Saltus: argon_model.py OUT"""
import json, struct, sys

kb = 8.617333262145e-5
tensors = {"atomic_number": ("I64", [1], struct.pack("<q", 18)), "epsilon_ev": ("F64", [1], struct.pack("<d", 120 * kb)), "sigma_ang": ("F64", [1], struct.pack("<d", 3.4)),
           "onset_ang": ("F64", [], struct.pack("<d", 7.0)), "cutoff_ang": ("F64", [], struct.pack("<d", 8.5))}
header = {"__metadata__": {"family": "lennard_jones", "units": "ang, ev", "cutoff_ang": "8.5", "species": "Ar", "training_reference": "none: given parameters", "source_hash": "none"}}
body = b""
for name, (dtype, shape, data) in tensors.items():
    header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
    body += data
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + body)
