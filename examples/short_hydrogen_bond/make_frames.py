"""Frames of H5O2+ as the beads of a ring polymer meet them: O-O held at 2.44, 2.6 and 2.8 Å, the shared proton anywhere
between the oxygens, all hydrogens spread as quantum nuclei are. No labels: 'saltus label' computes them.

    python3 make_frames.py AIMD.extxyz FOLDER      # FOLDER/oo_2.44.extxyz, …

AIMD.extxyz: any trajectory of H5O2+ with atoms O O H(shared) H H H H, the first two pairs of H on the first and second O.
"""
import random
import sys

BOX_ANG = 8.0
SEPARATIONS_ANG = (2.44, 2.60, 2.80)
FRAMES_EACH = 110
SPREAD_ANG = 0.06          # of the outer hydrogens, about the zero-point amplitude of O-H
PERPENDICULAR_ANG = 0.12   # of the shared proton
SHORTEST_OH_ANG = 0.84


def read_frames(path):
    with open(path) as file:
        while head := file.readline():
            file.readline()
            rows = [file.readline().split() for _ in range(int(head))]
            yield [r[0] for r in rows], [[float(x) for x in r[1:4]] for r in rows]


def sub(a, b): return [x - y for x, y in zip(a, b)]
def add(a, b, s=1.0): return [x + s * y for x, y in zip(a, b)]
def dot(a, b): return sum(x * y for x, y in zip(a, b))
def norm(a): return dot(a, a) ** 0.5


def bead_like(positions, separation, rng):
    first, second = positions[0], positions[1]
    axis = sub(second, first)
    length = norm(axis)
    axis = [x / length for x in axis]
    shift = 0.5 * (separation - length)
    result = [None] * 7
    for oxygen, hydrogens, sign in ((0, (3, 4), -1), (1, (5, 6), 1)):
        result[oxygen] = add(positions[oxygen], axis, sign * shift)
        for h in hydrogens:
            result[h] = [x + rng.gauss(0, SPREAD_ANG) for x in add(positions[h], axis, sign * shift)]
    middle = [0.5 * (x + y) for x, y in zip(result[0], result[1])]
    reach = separation / 2 - 0.92
    kick = [rng.gauss(0, PERPENDICULAR_ANG) for _ in range(3)]
    kick = add(kick, axis, -dot(kick, axis))
    result[2] = add(add(middle, axis, rng.uniform(-reach, reach)), kick)
    for h, oxygens in ((2, (0, 1)), (3, (0,)), (4, (0,)), (5, (1,)), (6, (1,))):
        if min(norm(sub(result[h], result[o])) for o in oxygens) < SHORTEST_OH_ANG:
            return None
    centre = [sum(r[k] for r in result) / 7 for k in range(3)]
    return [[x - c + BOX_ANG / 2 for x, c in zip(r, centre)] for r in result]


def main(source, folder):
    rng = random.Random(1)
    frames = list(read_frames(source))
    for separation in SEPARATIONS_ANG:
        with open(f"{folder}/oo_{separation:.2f}.extxyz", "w") as out:
            for k in range(FRAMES_EACH):
                symbols, positions = frames[(k * len(frames)) // FRAMES_EACH]
                while (made := bead_like(positions, separation, rng)) is None:
                    pass
                out.write(f'7\nLattice="{BOX_ANG} 0 0 0 {BOX_ANG} 0 0 0 {BOX_ANG}" pbc="F F F" '
                          f'Properties=species:S:1:pos:R:3 step={k} time_fs={1000 * k}\n')  # apart: time only orders them
                for symbol, position in zip(symbols, made):
                    out.write(f"{symbol} " + " ".join(f"{x:.8f}" for x in position) + "\n")


main(*sys.argv[1:3])
