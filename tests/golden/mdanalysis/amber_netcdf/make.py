# Writes all.nc (MDAnalysis), double_5.nc, one_variable.nc and restart.ncrst (netCDF library) and what is in them:
# python make.py
import warnings

import MDAnalysis as mda
import netCDF4
import numpy as np

warnings.filterwarnings("ignore")
rng = np.random.default_rng(13)
n = 5
boxes = [[12, 12, 12, 90, 90, 90], [12, 13, 14, 70, 80, 100], [11, 13, 15, 110, 95, 60]]
with mda.coordinates.TRJ.NCDFWriter("all.nc", n_atoms=n, velocities=True, forces=True) as out:
    for k, box in enumerate(boxes):
        u = mda.Universe.empty(n, trajectory=True, velocities=True, forces=True)
        u.atoms.positions = rng.normal(0, 20, (n, 3))
        u.atoms.velocities = rng.normal(0, 5, (n, 3))
        u.atoms.forces = rng.normal(0, 100, (n, 3))
        u.dimensions = box
        u.trajectory.ts.time = 0.5 * k + 2
        u.trajectory.ts.frame = k
        out.write(u.atoms)


def start(name, format, conventions="AMBER"):
    file = netCDF4.Dataset(name, "w", format=format)
    file.Conventions, file.ConventionVersion, file.program = conventions, "1.0", "make.py"
    file.createDimension("spatial", 3)
    file.createDimension("atom", n)
    return file


# CDF-5, doubles, velocities as AMBER scales them, a variable that is passed over.
file = start("double_5.nc", "NETCDF3_64BIT_DATA")
file.createDimension("frame", None)
file.createDimension("cell_spatial", 3)
file.createDimension("cell_angular", 3)
other = file.createVariable("temp0", "f8", ("frame",))
for name, dims, units in (
    ("coordinates", ("frame", "atom", "spatial"), "angstrom"),
    ("velocities", ("frame", "atom", "spatial"), "angstrom/picosecond"),
    ("cell_lengths", ("frame", "cell_spatial"), "angstrom"),
    ("cell_angles", ("frame", "cell_angular"), "degree"),
    ("time", ("frame",), "picosecond"),
):
    file.createVariable(name, "f8", dims).units = units
file["velocities"].scale_factor = np.float64(20.455)
file.set_auto_scale(False)
for k, box in enumerate(boxes):
    file["coordinates"][k], file["velocities"][k] = rng.normal(0, 20, (n, 3)), rng.normal(0, 1, (n, 3))
    file["cell_lengths"][k], file["cell_angles"][k], file["time"][k], other[k] = box[:3], box[3:], 0.25 * k, 300
file.close()

# CDF-1, nothing but coordinates.
file = start("one_variable.nc", "NETCDF3_CLASSIC")
file.createDimension("frame", None)
file.createVariable("coordinates", "f4", ("frame", "atom", "spatial")).units = "angstrom"
for k in range(3):
    file["coordinates"][k] = rng.normal(0, 20, (n, 3))
file.close()

file = start("restart.ncrst", "NETCDF3_64BIT_OFFSET", "AMBERRESTART")
file.createVariable("coordinates", "f8", ("atom", "spatial")).units = "angstrom"
file.createVariable("time", "f8", ()).units = "picosecond"
file["coordinates"][:], file["time"][...] = rng.normal(0, 20, (n, 3)), 7.5
file.close()

start("netcdf4.nc", "NETCDF4").close()

with open("expected.txt", "w") as out:
    print(
        "# file frame quantity values: time (ps), cell (rows, Å), positions (Å), velocities (Å/ps), forces (kJ/mol/Å)",
        file=out,
    )

    def line(name, k, quantity, values):
        print(name, k, quantity, *(f"{v:.9g}" for v in np.ravel(values)), file=out)

    for k, ts in enumerate(mda.coordinates.TRJ.NCDFReader("all.nc")):
        line("all.nc", k, "time", [ts.time])
        line("all.nc", k, "cell", mda.lib.mdamath.triclinic_vectors(ts.dimensions))
        line("all.nc", k, "positions", ts.positions)
        line("all.nc", k, "velocities", ts.velocities)
        line("all.nc", k, "forces", ts.forces)
    for name in ("double_5.nc", "one_variable.nc"):
        file = netCDF4.Dataset(name)
        for k in range(3):
            line(name, k, "positions", file["coordinates"][k])
            if "velocities" in file.variables:
                line(name, k, "velocities", file["velocities"][k])
                line(name, k, "time", file["time"][k])
                box = np.concatenate([file["cell_lengths"][k], file["cell_angles"][k]])
                line(name, k, "cell", mda.lib.mdamath.triclinic_vectors(box))
    file = netCDF4.Dataset("restart.ncrst")
    line("restart.ncrst", 0, "positions", file["coordinates"][:])
    line("restart.ncrst", 0, "time", file["time"][...])
