# Writes model.safetensors with the safetensors package; see provenance.toml.
import numpy as np
from safetensors.numpy import save_file

save_file(
    {
        "weights": np.array([[0.5, -1.25, 3.0e-300], [np.pi, -0.0, 1.0e17]], dtype=np.float64),
        "species": np.array([3, 14], dtype=np.int64),
        "centres_Å": np.array([[1.5, -2.5]], dtype=np.float32),
        "flags": np.array([True, False, True]),
        "indices": np.array([[7], [-8]], dtype=np.int32),
        "bytes": np.array([0, 255, 128], dtype=np.uint8),
        "scalar": np.array(2.5, dtype=np.float64),
        "nothing": np.zeros((0, 4), dtype=np.float32),
        "half": np.array([1.0, 2.0, -0.5], dtype=np.float16),
    },
    "model.safetensors",
    metadata={"note": "quotes \" and \\, tab\t, ünïcode"},
)
