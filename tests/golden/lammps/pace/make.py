"""Energy, forces and virial from LAMMPS of: model.safetensors as Saltus writes it for LAMMPS, on the first frame of examples/li15si4; and of products.yace
and grace_fs.yaml, models of random numbers that this script writes, on a skewed cell. Writes expected.json.

Usage: python make.py SALTUS LMP ["line of input before all"]
LMP needs the pair styles pace and grace/fs (package ML-PACE); the line may load them as a plugin."""
import itertools
import json
import math
import os
import random
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
saltus, lmp = sys.argv[1:3]
before = sys.argv[3] if len(sys.argv) > 3 else ""
symbols = {"Li": 1, "Si": 2}


def run(cell, atoms, styles, files):
    """cell: rows of a lower triangle; atoms: (symbol, position). Energy in eV, forces in eV/Å, −dE/d(strain) in eV (xx yy zz xy xz yz)."""
    (ax, _, _), (bx, by, _), (cx, cy, cz) = cell
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            open(os.path.join(folder, name), "w").write(text)
        with open(os.path.join(folder, "atoms.data"), "w") as data:
            data.write(f"cell\n\n{len(atoms)} atoms\n2 atom types\n\n0 {ax:.17g} xlo xhi\n0 {by:.17g} ylo yhi\n0 {cz:.17g} zlo zhi\n{bx:.17g} {cx:.17g} {cy:.17g} xy xz yz\n\nMasses\n\n1 6.94\n2 28.085\n\nAtoms\n\n")
            for k, (symbol, r) in enumerate(atoms):
                data.write(f"{k + 1} {symbols[symbol]} {r[0]:.17g} {r[1]:.17g} {r[2]:.17g}\n")
        script = [before, "units metal", "atom_modify map array", "read_data atoms.data", *styles, "neighbor 0 bin", "compute p all pressure NULL virial",
                  "thermo_style custom pe c_p[1] c_p[2] c_p[3] c_p[4] c_p[5] c_p[6] vol", "run 0", "dump f all custom 1 forces.txt id fx fy fz", "dump_modify f sort id format float %.17g", "run 0",
                  "variable e equal pe", *[f"variable p{k} equal c_p[{k}]*vol" for k in range(1, 7)],
                  *[f"variable q{k} format p{k} %.17g" for k in range(1, 7)], "variable q format e %.17g", 'print "${q} ${q1} ${q2} ${q3} ${q4} ${q5} ${q6}" file thermo.txt']
        open(os.path.join(folder, "in.lammps"), "w").write("\n".join(script) + "\n")
        done = subprocess.run([lmp, "-in", "in.lammps", "-log", "none"], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stdout[-3000:] + done.stderr)
        numbers = [float(x) for x in open(os.path.join(folder, "thermo.txt")).read().split()]
        rows = open(os.path.join(folder, "forces.txt")).read().split("\n")[9:9 + len(atoms)]
        return {"energy_ev": numbers[0], "force_ev_ang": [[float(x) for x in row.split()[1:4]] for row in rows],
                "virial_ev": [x / 1.6021765e6 for x in numbers[1:]]}


def first_frame(path):
    lines = open(path).read().split("\n")
    count = int(lines[0])
    numbers = [float(x) for x in lines[1].split('Lattice="')[1].split('"')[0].split()]
    assert numbers[1] == numbers[2] == numbers[5] == 0
    return [numbers[0:3], numbers[3:6], numbers[6:9]], [(w[0], [float(x) for x in w[1:4]]) for w in (line.split() for line in lines[2:2 + count])]


def frame_of(cell, atoms):
    return {"cell_ang": cell, "elements": [a[0] for a in atoms], "position_ang": [a[1] for a in atoms]}


def number(draw, scale):
    return float(f"{scale * draw.gauss(0, 1):.6g}")


def random_products(draw):
    """Two densities, plain and shifted embeddings, four radial bases, products of one to four densities that are not even invariant."""
    text = "elements: [Si, Li]\nE0: [-100.5, -1.25]\ndeltaSplineBins: 0.001\nembeddings:\n"
    text += "  0: {ndensity: 2, FS_parameters: [1, 1, 0.7, 0.5], npoti: FinnisSinclairShiftedScaled, rho_core_cutoff: 4.0, drho_core_cutoff: 3.9}\n"
    text += "  1: {ndensity: 2, FS_parameters: [1, 1, 0.4, 0.6], npoti: FinnisSinclair, rho_core_cutoff: 100000, drho_core_cutoff: 250}\n"
    n, l, k = 3, 3, 5
    text += "bonds:\n"
    bases = {(0, 0): ("ChebExpCos", 5.25, 4.5), (0, 1): ("SBessel", 1.0, 4.2), (1, 0): ("ChebPow", 2.0, 4.4), (1, 1): ("ChebLinear", 1.0, 4.1)}
    for (a, b), (name, parameter, cutoff) in bases.items():
        crad = [[[number(draw, 0.5) for _ in range(k)] for _ in range(l + 1)] for _ in range(n)]
        text += (f"  [{a}, {b}]: {{nradmax: {n}, lmax: {l}, nradbasemax: {k}, radbasename: {name}, radparameters: [{parameter}], radcoefficients: {crad}, prehc: {20.0 + a}, lambdahc: 0.5, "
                 f"rcut: {cutoff}, dcut: 0.3, rcut_in: 2.3, dcut_in: 0.9, inner_cutoff_type: distance}}\n")
    text += "functions:\n"
    for centre in range(2):
        text += f"  {centre}:\n"
        for rank in (1, 1, 2, 2, 3, 3, 4):
            mus = [draw.randrange(2) for _ in range(rank)]
            ns = [draw.randrange(n) + 1 for _ in range(rank)]
            ls = [0 if rank == 1 else draw.randrange(l + 1) for _ in range(rank)]
            # m and −m both or neither, so that the sum is that of a real function
            ms = [m for m in itertools.product(*[range(-x, x + 1) for x in ls]) if sum(m) == 0]
            kept = ms if len(ms) <= 6 else draw.sample(ms, 6)
            c = [number(draw, 0.3) for _ in range(2 * len(kept))]
            text += f"  - {{mu0: {centre}, rank: {rank}, ndensity: 2, num_ms_combs: {len(kept)}, mus: {mus}, ns: {ns}, ls: {ls}, ms_combs: {[x for m in kept for x in m]}, ctildes: {c}}}\n"
    return text


def random_grace(draw):
    n, l, k = 4, 3, 6
    crad = [number(draw, 0.7) for _ in range(n * (l + 1) * k)]
    z = [number(draw, 1) for _ in range(2 * n)]
    text = "elements: [Li, Si]\nnnorm: 0.125\nemb_spec: {params: [1.0, 1.0, 1.0, 0.5], type: FinnisSinclairShiftedScaled}\n"
    text += f"radial_basis: {{Z: {z}, Z_shape: [2, {n}], crad: {crad},\n  crad_shape: [{n}, {l + 1}, {k}], cutoff: 4.5, n_rad_base: {k}, nradmax: {n}, radbasename: SBessel}}\n"
    text += "functions: \n"
    for centre in range(2):
        text += f"    {centre}: \n"
        for rank in (1, 2, 2, 3, 3, 4):
            ls = [0 if rank == 1 else draw.randrange(l + 1) for _ in range(rank)]
            ms = [[draw.randrange(-x, x + 1) for x in ls] for _ in range(1 if rank == 1 else 5)]
            text += f"     - {{mu0: {centre}, ns: {draw.randrange(n) + 1}, ls: {ls}, ms_combs: {[x for m in ms for x in m]}, gen_cgs: {[number(draw, 1) for _ in ms]}, ndensity: 2, coeff: {[number(draw, 0.5) for _ in range(2)]}, rank: {rank}}}\n"
    return text + "E0: [-1.5, -100.25]\nshift: 0.25\nscale: 1.75\n"


draw = random.Random(7)
cell = [[5.1, 0, 0], [1.7, 4.8, 0], [-1.1, 0.9, 5.4]]
atoms = []
while len(atoms) < 7:
    s = [draw.random() for _ in range(3)]
    r = [sum(s[i] * cell[i][k] for i in range(3)) for k in range(3)]
    near = min((math.dist([r[k] + sum(image[i] * cell[i][k] for i in range(3)) for k in range(3)], other) for _, other in atoms for image in itertools.product((-1, 0, 1), repeat=3)), default=9)
    if near > 1.6:
        atoms.append(("Si" if len(atoms) % 3 == 2 else "Li", [float(f"{x:.6f}") for x in r]))
products, grace = random_products(draw), random_grace(draw)
open(os.path.join(here, "products.yace"), "w").write(products)
open(os.path.join(here, "grace_fs.yaml"), "w").write(grace)

with tempfile.TemporaryDirectory() as folder:
    out = os.path.join(folder, "model.yace")
    done = subprocess.run([saltus, "models", "convert", os.path.join(here, "model.safetensors"), out, "--json"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    lines = json.loads(done.stdout)["lammps_input"]
    files = {name: open(os.path.join(folder, name)).read() for name in ("model.yace", "model.table")}
li15si4 = first_frame(os.path.join(here, "../../../../examples/li15si4/li15si4_900K.extxyz"))
expected = {
    "li15si4": frame_of(*li15si4), "skewed": frame_of(cell, atoms),
    "model": run(*li15si4, lines, files),
    "products": run(cell, atoms, ["pair_style pace", "pair_coeff * * products.yace Li Si"], {"products.yace": products}),
    "grace_fs": run(cell, atoms, ["pair_style grace/fs", "pair_coeff * * grace_fs.yaml Li Si"], {"grace_fs.yaml": grace}),
}
with open(os.path.join(here, "expected.json"), "w") as file:
    file.write("{\n" + ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in expected.items()) + "\n}\n")
