"""Model systems sampled for long by ring polymers, beside averages from grids and basis sets: value, standard error, deviation in standard errors.
The tests do the same in seconds. Usage: python bench/path_integrals.py BUILD/bin/saltus [SEED ...]        (some minutes a seed)"""
import json
import os
import subprocess
import sys
import tempfile

ROCKING = "barrier_kcal_mol = 1.5, half_distance_ang = 0.22, rocking_mass_amu = 17, rocking_wavenumber_per_cm = 250"
WELL = '{ kind = "double_well", barrier_kcal_mol = 0.8, half_distance_ang = 0.20 }'
V, K, KP, F, C = "potential_energy", "kinetic_energy_virial", "kinetic_energy_primitive", "free_energy_at_centre_kcal_mol", "correlation_proton_rocking"
X, XC, Q, RG = "position_rms", "centroid_rms", "rocking_rms", "gyration_radius"


def rocking(coupling):
    return f'{{ kind = "proton_rocking", {ROCKING}, coupling = {coupling} }}'


def harmonic(wavenumber):
    return f'{{ kind = "harmonic", wavenumber_per_cm = {wavenumber} }}'


# potential, element, beads, time step in fs, steps, expected. Of the wells at this number of beads; of the rocking model at any (P is large enough).
CASES = [
    (harmonic(1600), "H", 32, 0.1, 100000, {V: 49.287670, K: 49.287670, KP: 49.287670, RG: 0.08755}),
    (harmonic(3500), "H", 16, 0.1, 100000, {V: 96.071076, K: 96.071076, KP: 96.071076}),
    (harmonic(3500), "H", 32, 0.1, 100000, {V: 104.936943, K: 104.936943, KP: 104.936943, RG: 0.06367}),
    (WELL, "H", 1, 0.5, 400000, {V: 12.290346, F: 0.8, X: 0.182431}),
    (WELL, "H", 8, 0.25, 200000, {V: 23.203878, K: 24.381443, F: 0, X: 0.16523, XC: 0.12886, RG: 0.10342}),
    (WELL, "H", 32, 0.1, 200000, {V: 24.599618, K: 26.279254, F: 0, X: 0.16367, XC: 0.12517, RG: 0.10545}),
    (WELL, "H", 64, 0.1, 200000, {V: 24.691706, K: 26.409074, F: 0, X: 0.16357, XC: 0.12495, RG: 0.10556}),
    (WELL, "D", 8, 0.25, 200000, {V: 20.820561, K: 20.397675, F: 0.0669, X: 0.16659, XC: 0.14827, RG: 0.07596}),
    (WELL, "D", 32, 0.1, 200000, {V: 21.451152, K: 21.114102, F: 0.0520, X: 0.16565, XC: 0.14654, RG: 0.07722}),
    (WELL, "D", 64, 0.1, 200000, {V: 21.487145, K: 21.156068, F: 0.0513, X: 0.16559, XC: 0.14645, RG: 0.07729}),
    (rocking(0.5), "H", 1, 0.5, 400000, {C: 0.78396, F: 1.5, X: 0.20543, Q: 0.13102}),
    (rocking(0.5), "H", 64, 0.25, 200000, {C: 0.51724, F: 0.0225, X: 0.17322, Q: 0.11095}),
    (rocking(0.5), "D", 64, 0.25, 200000, {C: 0.63680, F: 0.2609, X: 0.18192, Q: 0.11952}),
    (rocking(1.0), "H", 64, 0.25, 200000, {C: 0.73397, F: 0.0486, X: 0.17420, Q: 0.17032}),
    (rocking(1.0), "D", 64, 0.25, 200000, {C: 0.82577, F: 0.3133, X: 0.18332, Q: 0.18981}),
]
T_31 = 2.0395  # Student's t of 32 blocks

program = os.path.abspath(sys.argv[1])
squares, count = 0.0, 0
with tempfile.TemporaryDirectory() as folder:
    plan = os.path.join(folder, "plan.toml")
    for seed in sys.argv[2:] or ["1"]:
        for potential, element, beads, timestep, steps, expected in CASES:
            with open(plan, "w") as file:
                file.write(f'[pimd]\npotential = {potential}\nelement = "{element}"\ncopies = 64\nbeads = {beads}\ntemperature_kelvin = 300\n'
                           f'timestep_fs = {timestep}\nsteps = {steps}\nequilibration_steps = {steps // 20}\nsample_every = 8\nblocks = 32\nseed = {seed}\n'
                           'thermostat = { kind = "pile_l", centroid_time_fs = 50, lambda = 0.5 }\n')
            output = subprocess.run([program, "pimd", plan, "--json", "--quiet"], capture_output=True, text=True, check=True).stdout
            found = {e["name"]: e for e in json.loads(output)["estimates"]}
            print(f"{potential[2:-2]}: {element}, {beads} beads, {timestep} fs, seed {seed}")
            for name, exact in expected.items():
                e = found[name]
                error = (e["high"] - e["low"]) / 2 / T_31
                deviation = (e["value"] - exact) / error if error > 0 else 0.0
                squares, count = squares + deviation**2, count + 1
                print(f"  {name:<34} {e['value']:>11.6g} ± {error:<9.2g} {exact:>11.6g}  {deviation:+.1f}", flush=True)
print(f"root mean square deviation {(squares / count) ** 0.5:.2f} standard errors over {count} averages")
