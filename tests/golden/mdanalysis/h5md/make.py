# H5MD files by MDAnalysis and by h5py, and what is in them in Å, fs, eV (one line per frame: number, step, time, energy or nan,
# cell, then position, velocity, force or nan of atom 4).
import warnings
import h5py
import numpy as np
import MDAnalysis as mda

warnings.simplefilter("ignore")
rng = np.random.default_rng(5)
FRAMES, ATOMS = 6, 6
KJ_MOL, HARTREE, BOHR = 0.010364269656262174, 27.211386245988, 0.529177210903
symbols = ["O", "H", "H", "O", "H", "H"]
numbers, masses = np.array([8, 1, 1, 8, 1, 1]), np.array([15.999, 1.008, 1.008, 15.999, 1.008, 1.008])


def expected(name, rows):
    with open(name + ".txt", "w") as out:
        for k, (step, time, energy, cell, x, v, f) in enumerate(rows):
            values = [k, step, time, energy, *np.ravel(cell), *x, *v, *f]
            out.write(" ".join(repr(float(value)) for value in values) + "\n")


def start(name, groups=("all",)):
    file = h5py.File(name + ".h5md", "w")
    file.create_group("h5md").attrs["version"] = [1, 1]
    file["h5md"].create_group("author").attrs["name"] = np.bytes_("somebody")
    file["h5md"].create_group("creator").attrs["name"] = np.bytes_("make.py")
    for group in groups:
        box = file.create_group(f"particles/{group}/box")
        box.attrs["dimension"] = 3
        box.attrs["boundary"] = np.array(["periodic"] * 3, dtype="S8")
    return file


# Chunks of four records: with those that h5py guesses a file of MDAnalysis is 90 kB of mostly empty chunks.
require_dataset = h5py.Group.require_dataset


def require_small_dataset(self, name, shape, dtype, **options):
    if options.get("maxshape") and not options.get("chunks"):
        options["chunks"] = (4, *shape[1:])
    return require_dataset(self, name, shape, dtype, **options)


h5py.Group.require_dataset = require_small_dataset

# MDAnalysis: single precision, deflate, triclinic, units of its own choice.
u = mda.Universe.empty(ATOMS, n_residues=1, atom_resindex=[0] * ATOMS, trajectory=True, velocities=True, forces=True)
x, v, f = (rng.normal(size=(FRAMES, ATOMS, 3)).astype(np.float32) for _ in range(3))
dimensions = np.array([[10 + k, 11, 12, 80, 95, 100] for k in range(FRAMES)], dtype=np.float32)
u.load_new(x, order="fac", dimensions=dimensions, velocities=v, forces=f, dt=0.5)
u.trajectory.units.update(length="Angstrom", time="ps", velocity="Angstrom/ps", force="kJ/(mol*Angstrom)")
with mda.Writer("mdanalysis.h5md", n_atoms=ATOMS, lengthunit="nm", velocityunit="Angstrom/ps", forceunit="kJ/(mol*nm)",
                timeunit="ps", n_frames=FRAMES, chunks=(4, ATOMS, 3), compression="gzip", compression_opts=4) as w:
    for ts in u.trajectory:
        ts.data["potential_energy"] = np.float64(-3.5 - ts.frame)
        w.write(u)
topology = "%d\n\n" % ATOMS + "".join("%s 0 0 %d\n" % (s, i) for i, s in enumerate(symbols))
open("topology.xyz", "w").write(topology)
with h5py.File("mdanalysis.h5md", "r+") as file:
    file["observables/potential_energy/value"].attrs["unit"] = "kcal mol-1"
back = mda.Universe("topology.xyz", "mdanalysis.h5md")
expected("mdanalysis", [(ts.frame, ts.time * 1e3, (-3.5 - ts.frame) * 4.184 * KJ_MOL, ts.triclinic_dimensions.copy(), ts.positions[4].copy(),
                         ts.velocities[4].copy() * 1e-3, ts.forces[4].copy() * KJ_MOL) for ts in back.trajectory])

# No unit anywhere: Å, fs, eV.
u.trajectory.units.update(length=None, time=None, velocity=None, force=None)
with mda.Writer("no_units.h5md", n_atoms=ATOMS, n_frames=FRAMES, chunks=False, convert_units=False) as w:
    for ts in u.trajectory:
        ts.data.pop("potential_energy", None)
        w.write(u)
expected("no_units", [(ts.frame, ts.time, np.nan, ts.triclinic_dimensions.copy(), ts.positions[4].copy(), ts.velocities[4].copy(), ts.forces[4].copy())
                      for ts in mda.Universe("topology.xyz", "no_units.h5md", convert_units=False).trajectory])

# Big endian; forces and energies at other steps than the positions; enumeration of symbols; step and time linked; energy in the
# group's observables; a symbolic link.
with start("other_steps", ("water",)) as file:
    steps, few = np.arange(FRAMES) * 5, np.array([0, 10, 12, 25])
    edges = np.array([[9.0, 0, 0], [1, 8, 0], [0, 1, 10]])
    group = file["particles/water"]
    group["position/value"] = x.astype(">f8")
    group["position/value"].attrs["unit"] = np.bytes_("Angstrom")
    group["position/step"] = steps.astype(">i4")
    group["position/time"] = (steps * 0.002).astype(">f4")
    group["position/time"].attrs["unit"] = np.bytes_("ps")
    group["image/value"] = rng.integers(-3, 4, (FRAMES, ATOMS, 3)).astype(">i2")
    group["image/step"] = h5py.SoftLink("/particles/water/position/step")
    group["velocity/value"] = v.astype(">f4")
    group["velocity/value"].attrs["unit"] = np.bytes_("bohr fs-1")
    group["velocity/step"] = steps
    group["force/value"] = f[:4].astype(">f4")
    group["force/value"].attrs["unit"] = np.bytes_("Hartree bohr-1")
    group["force/step"] = few
    group["box/edges/value"] = np.array([edges * (1 + 0.01 * k) for k in range(FRAMES)])
    group["box/edges/value"].attrs["unit"] = np.bytes_("Angstrom")
    group["box/edges/step"] = group["position/step"]
    group["box/edges/time"] = group["position/time"]
    kinds = h5py.enum_dtype({"O": 2, "H": -7}, basetype="i2")
    group.create_dataset("species", data=np.where(numbers == 8, 2, -7), dtype=kinds)
    file["observables/water/potential_energy/value"] = np.array([1.5, 2.5, 3.5])
    file["observables/water/potential_energy/value"].attrs["unit"] = np.bytes_("Hartree")
    file["observables/water/potential_energy/step"] = np.array([0, 5, 25])
    images = group["image/value"][:].astype(float)
    rows = []
    for k in range(FRAMES):
        cell = edges * (1 + 0.01 * k)
        at = {0: 0, 2: 1, 5: 3}.get(k)  # steps 0, 10 and 25
        energy = {0: 1.5, 1: 2.5, 5: 3.5}.get(k, np.nan)
        rows.append((steps[k], np.float32(steps[k] * 0.002) * 1e3, energy * HARTREE, cell,
                     x[k, 4].astype(float) + images[k, 4] @ cell, v[k, 4] * BOHR,
                     [np.nan] * 3 if at is None else f[at, 4] * HARTREE / BOHR))
    expected("other_steps", rows)

# Fixed increments with an offset, a fixed cuboid box, atomic numbers shown by masses, half precision, shuffle and checksums.
with start("linear_steps") as file:
    group = file["particles/all"]
    group.create_dataset("position/value", data=x.astype("f8"), chunks=(4, 5, 2), shuffle=True, fletcher32=True, compression="gzip")
    group["position/value"].attrs["unit"] = "nm"
    group["position/step"] = 20
    group["position/step"].attrs["offset"] = 1000
    group["position/time"] = 0.5
    group["position/time"].attrs["offset"] = 7.25
    group["position/time"].attrs["unit"] = "ps"
    group.create_dataset("velocity/value", data=v.astype("f2"))
    group["velocity/value"].attrs["unit"] = "nm ps-1"
    group["velocity/step"] = group["position/step"]
    group["box/edges"] = [2.0, 3.0, 4.0]
    group["box/edges"].attrs["unit"] = "nm"
    group["species"] = numbers
    group["mass"] = masses
    group["mass"].attrs["unit"] = "u"
    cell = np.diag([20.0, 30.0, 40.0])
    expected("linear_steps", [(1000 + 20 * k, 7250 + 500 * k, np.nan, cell, x[k, 4].astype("f8") * 10,
                               v[k, 4].astype("f2").astype("f8") * 1e-2, [np.nan] * 3) for k in range(FRAMES)])

# Types whose meaning the file does not tell.
with start("types") as file:
    group = file["particles/all"]
    group["position/value"], group["position/step"] = x, np.arange(FRAMES)
    group["box/edges"], group["species"] = [9.0, 9, 9], np.where(numbers == 8, 1, 2)

for name, groups in (("two_groups", ("solute", "solvent")), ("two_groups_all", ("all", "solute"))):
    with start(name, groups) as file:
        for group in groups:
            part = file["particles/" + group]
            part["position/value"], part["position/step"] = x, np.arange(FRAMES)
            part["box/edges"], part["species"], part["mass"] = [9.0, 9, 9], numbers, masses
