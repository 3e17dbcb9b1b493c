# Writes positions in the types that NumPy knows, and the numbers: python make.py
import numpy as np

rng = np.random.default_rng(17)
positions = rng.normal(0, 20, (3, 4, 3))
np.save("f8.npy", positions)
np.save("f8_big.npy", positions.astype(">f8"))
np.save("f4.npy", positions.astype("<f4"))
np.save("f4_big.npy", positions.astype(">f4"))
np.save("fortran.npy", np.asfortranarray(positions))
np.save("integers.npy", positions.astype("<i8"))
with open("version_2.npy", "wb") as file:
    np.lib.format.write_array(file, positions, version=(2, 0))
with open("expected.txt", "w") as out:
    print("# file frame quantity values: positions (Å)", file=out)
    for name in ("f8.npy", "f8_big.npy", "f4.npy", "f4_big.npy", "version_2.npy"):
        for k, frame in enumerate(np.load(name)):
            print(name, k, "positions", *(repr(float(v)) for v in np.ravel(frame)), file=out)
