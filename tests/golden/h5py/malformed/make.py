# H5MD files that must be refused: each is a good file of two frames of two atoms with one thing wrong.
import h5py
import numpy as np

X = np.arange(12, dtype="f4").reshape(2, 2, 3)
made = []


def good(name):
    file = h5py.File(name + ".h5md", "w", libver=("v110", "v110"))
    file.create_group("h5md").attrs["version"] = np.array([1, 1], dtype="i4")
    box = file.create_group("particles/all/box")
    box.attrs["dimension"] = 3
    box.attrs["boundary"] = np.array(["periodic"] * 3, dtype="S8")
    box["edges"] = [5.0, 6.0, 7.0]
    group = file["particles/all"]
    group["position/value"], group["position/step"] = X, [0, 10]
    group.create_dataset("species", data=[3, 14], dtype=h5py.enum_dtype({"Li": 3, "Si": 14}, basetype="u1"))
    return file, group


def case(function):
    file, group = good(function.__name__)
    with file:
        function(file, group)


def replace(group, name, value, **options):
    del group[name]
    return group.create_dataset(name, data=value, **options)


@case
def no_h5md(file, group): del file["h5md"]
@case
def version_two(file, group): file["h5md"].attrs["version"] = [2, 0]
@case
def version_text(file, group): file["h5md"].attrs["version"] = "one"
@case
def no_particles(file, group): del file["particles"]
@case
def no_position(file, group): del group["position"]
@case
def no_value(file, group): del group["position/value"]
@case
def no_step(file, group): del group["position/step"]
@case
def no_frames(file, group): replace(group, "position/value", X[:0]), replace(group, "position/step", np.zeros(0, "i4"))
@case
def step_short(file, group): replace(group, "position/step", [0])
@case
def step_of_reals(file, group): replace(group, "position/step", [0.0, 1.0])
@case
def position_of_integers(file, group): replace(group, "position/value", X.astype("i4"))
@case
def position_of_text(file, group): replace(group, "position/value", np.full((2, 2, 3), b"x"))
@case
def position_compound(file, group): replace(group, "position/value", np.zeros((2, 2, 3), dtype=[("a", "f4"), ("b", "f4")]))
@case
def position_flat(file, group): replace(group, "position/value", X[:, :, 0])
@case
def position_two_dimensions(file, group): replace(group, "position/value", X[:, :, :2])
@case
def position_is_a_type(file, group):
    del group["position/value"]
    group["position/value"] = np.dtype("f4")
@case
def position_without_shape(file, group):
    del group["position/value"]
    group["position/value"] = h5py.Empty("f4")
@case
def position_nan(file, group): group["position/value"][1, 1, 1] = np.nan
@case
def huge_chunked(file, group):
    del group["position/value"]
    group.create_dataset("position/value", shape=(10**12, 10**6, 3), dtype="f4", chunks=(1, 1000, 3), compression="gzip")
@case
def huge_contiguous(file, group):
    del group["position/value"]
    group.create_dataset("position/value", shape=(2, 10**11, 3), dtype="f8")
@case
def huge_overflow(file, group):
    del group["position/value"]
    group.create_dataset("position/value", shape=(2**40, 2**40, 3), dtype="f8", chunks=(1, 16, 3))
@case
def not_written(file, group):
    del group["position/value"]
    group.create_dataset("position/value", shape=(2, 2, 3), dtype="f4", chunks=(1, 2, 3))
@case
def external_link(file, group):
    del group["position"]
    group["position"] = h5py.ExternalLink("position_nan.h5md", "/particles/all/position")
@case
def external_link_of_group(file, group):
    del file["particles"]
    file["particles"] = h5py.ExternalLink("position_nan.h5md", "/particles")
@case
def soft_then_external_link(file, group):
    del group["position"]
    file["elsewhere"] = h5py.ExternalLink("position_nan.h5md", "/particles/all")
    group["position"] = h5py.SoftLink("/elsewhere/position")
@case
def external_storage(file, group):
    del group["position/value"]
    group.create_dataset("position/value", shape=(2, 2, 3), dtype="f4", external=[("make.py", 0, 48)])
@case
def virtual_storage(file, group):
    del group["position/value"]
    layout = h5py.VirtualLayout(shape=(2, 2, 3), dtype="f4")
    layout[:] = h5py.VirtualSource("position_nan.h5md", "/particles/all/position/value", shape=(2, 2, 3))
    group.create_virtual_dataset("position/value", layout)
@case
def user_filter(file, group): replace(group, "position/value", X, chunks=(1, 2, 3), compression="lzf")
@case
def soft_link_circle(file, group):
    del group["position"]
    group["position"], group["other"] = h5py.SoftLink("/particles/all/other"), h5py.SoftLink("/particles/all/position")
@case
def no_box(file, group): del group["box"]
@case
def dimension_two(file, group): group["box"].attrs["dimension"] = 2
@case
def boundary_word(file, group): group["box"].attrs["boundary"] = np.array(["periodic", "wall", "none"], dtype="S8")
@case
def boundary_two(file, group): group["box"].attrs["boundary"] = np.array(["periodic", "none"], dtype="S8")
@case
def boundary_numbers(file, group): group["box"].attrs["boundary"] = [1, 1, 1]
@case
def no_edges(file, group): del group["box/edges"]
@case
def edges_two(file, group): replace(group, "box/edges", [5.0, 6.0])
@case
def edges_zero(file, group): replace(group, "box/edges", [5.0, 0.0, 7.0])
@case
def edges_nan(file, group): replace(group, "box/edges", [5.0, np.nan, 7.0])
@case
def edges_at_other_steps(file, group):
    del group["box/edges"]
    group["box/edges/value"], group["box/edges/step"] = [[5.0, 6, 7]], [0]
@case
def unit_unknown(file, group): group["position/value"].attrs["unit"] = "parsec"
@case
def unit_of_time(file, group): group["position/value"].attrs["unit"] = "ps"
@case
def unit_number(file, group): group["position/value"].attrs["unit"] = 3
@case
def unit_long(file, group): group["position/value"].attrs["unit"] = np.bytes_(b"n" * 5000)
@case
def velocity_atoms(file, group): group["velocity/value"], group["velocity/step"] = np.zeros((2, 3, 3)), group["position/step"]
@case
def velocity_infinite(file, group): group["velocity/value"], group["velocity/step"] = np.full((2, 2, 3), np.inf), group["position/step"]
@case
def velocity_steps_backwards(file, group): group["velocity/value"], group["velocity/step"] = np.zeros((2, 2, 3)), [10, 5]
@case
def image_of_reals(file, group): group["image/value"], group["image/step"] = X, group["position/step"]
@case
def image_without_edges(file, group):
    del group["box/edges"]
    group["box"].attrs["boundary"] = np.array(["none"] * 3, dtype="S8")
    group["image/value"], group["image/step"] = np.zeros((2, 2, 3), "i4"), group["position/step"]
@case
def species_short(file, group): replace(group, "species", [3])
@case
def species_unnamed(file, group): replace(group, "species", [3, 5], dtype=h5py.enum_dtype({"Li": 3, "Si": 14}, basetype="u1"))
@case
def mass_zero(file, group): group["mass"] = [0.0, 28.0]
@case
def energy_per_atom(file, group):
    file["observables/potential_energy/value"], file["observables/potential_energy/step"] = np.zeros((2, 2)), [0, 10]
@case
def virial_six(file, group): file["observables/virial/value"], file["observables/virial/step"] = np.zeros((2, 6)), [0, 10]
@case
def time_infinite(file, group): group["position/time"] = [0.0, np.inf]
@case
def step_increment_nan(file, group): replace(group, "position/step", 1).attrs["offset"] = np.nan
