# Writes skewed.dcd and no_cell.dcd with MDAnalysis, variants of skewed.dcd by hand, and what MDAnalysis reads: python
# make.py
import struct
import warnings

import MDAnalysis as mda
import numpy as np

warnings.filterwarnings("ignore")
rng = np.random.default_rng(9)
u = mda.Universe.empty(6, trajectory=True)


def write(name, boxes):
    frames = [rng.normal(0, 20, (6, 3)) for _ in boxes]
    with mda.coordinates.DCD.DCDWriter(name, 6, dt=0.5, nsavc=250, istart=500) as out:
        for k, box in enumerate(boxes):
            u.atoms.positions = frames[k]
            u.dimensions = box
            out.write(u.atoms)


boxes = [[12, 12, 12, 90, 90, 90], [12, 13, 14, 70, 80, 100], [11, 13, 15, 110, 95, 60]]
write("skewed.dcd", boxes)
write("no_cell.dcd", [None] * 2)


def records(data, mark="<i"):
    at = 0
    while at < len(data):
        (n,) = struct.unpack_from(mark, data, at)
        yield data[at + 4 : at + 4 + n]
        at += n + 8


def put(name, parts, mark):
    open(name, "wb").write(b"".join(struct.pack(mark, len(p)) + p + struct.pack(mark, len(p)) for p in parts))


parts = list(records(open("skewed.dcd", "rb").read()))


def swapped(part, k):
    """The same numbers big endian; text stays."""
    if k == 0:
        return part[:4] + np.frombuffer(part[4:], "<i4").astype(">i4").tobytes()
    if k == 1:
        return part[3::-1] + part[4:]
    if k > 2 and len(part) == 48:
        return np.frombuffer(part, "<f8").astype(">f8").tobytes()
    return np.frombuffer(part, "<i4").astype(">i4").tobytes()


put("big_endian.dcd", [swapped(p, k) for k, p in enumerate(parts)], ">i")
put("long_marks.dcd", parts, "<q")
degrees = list(parts)
for k, box in enumerate(boxes):
    a, b, c, alpha, beta, gamma = box
    degrees[3 + 4 * k] = struct.pack("<6d", a, gamma, b, beta, alpha, c)
put("degrees.dcd", degrees, "<i")

with open("expected.txt", "w") as out:
    print("# file frame quantity values: time (ps), cell (rows, Å), positions (Å)", file=out)
    for name in ("skewed.dcd", "no_cell.dcd", "big_endian.dcd", "degrees.dcd", "long_marks.dcd"):
        # MDAnalysis reads no record marks of 64 bits, and the time step of big-endian files wrongly: the same content
        # stands in.
        same = "skewed.dcd" if name in ("long_marks.dcd", "big_endian.dcd") else name
        for k, ts in enumerate(mda.coordinates.DCD.DCDReader(same)):
            cell = np.zeros((3, 3)) if ts.dimensions is None else mda.lib.mdamath.triclinic_vectors(ts.dimensions)
            for quantity, values in (("time", [ts.time]), ("cell", cell), ("positions", ts.positions)):
                print(name, k, quantity, *(f"{v:.9g}" for v in np.ravel(values)), file=out)
