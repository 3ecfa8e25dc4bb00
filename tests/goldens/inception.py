"""Features of the Inception net by PyTorch's port (torch-fidelity), for sextant/metrics/inception_test.cpp.

Usage (Python with torch, numpy and torch-fidelity; written with torch 2.13):
    python tests/goldens/inception.py > sextant/metrics/inception_golden.inc
The official weights are not needed: weights and pictures are an integer hash that C++ computes to the same bits.
"""
import importlib.metadata
import importlib.util
import math
import sys
import types

import numpy as np
import torch

package = types.ModuleType("torch_fidelity")  # the one file is wanted, not all that the package imports
package.__path__ = list(importlib.util.find_spec("torch_fidelity").submodule_search_locations)
sys.modules["torch_fidelity"] = package
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3  # noqa: E402


def uniform(tensor, count):
    """count numbers in [0,1): of place i in tensor number `tensor`, the murmur finaliser."""
    x = (np.uint64(tensor) << np.uint64(22)) + np.arange(count, dtype=np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    for shift, factor in [(16, 0x85EBCA6B), (13, 0xC2B2AE35)]:
        x = ((x ^ (x >> np.uint64(shift))) * np.uint64(factor)) & mask
    return (x ^ (x >> np.uint64(16))).astype(np.float64) / 2**32


def weight(tensor, name, shape):
    u = uniform(tensor, math.prod(shape))
    if name.endswith("conv.weight") or name == "fc.weight":
        u = (2 * u - 1) * math.sqrt(6 / math.prod(shape[1:]))  # keeps the size of activations behind a ReLU
    elif name.endswith("bn.weight"):
        u = 0.75 + 0.5 * u
    elif name.endswith("running_var"):
        u = 0.5 + u
    else:
        u = 0.2 * (u - 0.5)
    return torch.from_numpy(u.astype(np.float32)).view(shape)


shapes = {}
original = torch.nn.Module.load_state_dict


def fill(module, *_):
    state = {k: v for k, v in module.state_dict().items() if "num_batches" not in k}
    shapes.update({k: list(v.shape) for k, v in state.items()})
    filled = {k: weight(i, k, list(v.shape)) for i, (k, v) in enumerate(sorted(state.items()))}
    return original(module, filled, strict=False)


torch.nn.Module.load_state_dict = fill
torch.load = lambda *_, **__: None
net = FeatureExtractorInceptionV3("net", ["2048"], feature_extractor_weights_path="none")


def picture(seed, channels, height, width):
    u = uniform(512 + seed, channels * height * width)
    return torch.from_numpy(np.floor(u * 256).astype(np.uint8)).view(1, channels, height, width)


print(f"// Written by tests/goldens/inception.py with torch {torch.__version__.split('+')[0]} and torch-fidelity "
      f"{importlib.metadata.version('torch-fidelity')}")
print("inline const std::map<std::string, std::vector<int64_t>> kInceptionShapes = {")
for name, shape in sorted(shapes.items()):
    print(f'    {{"{name}", {{{", ".join(map(str, shape))}}}}},')
print("};")
print("// Every 64th feature.")
for what, bytes_ in [("Grey", picture(0, 1, 28, 28).expand(1, 3, 28, 28)), ("Colour", picture(1, 3, 40, 37)),
                     ("Large", picture(2, 3, 310, 320))]:
    with torch.no_grad():
        features = net(bytes_)[0][0, ::64].double().tolist()
    print(f"inline const std::vector<double> k{what}Features = {{")
    print("    " + ", ".join(f"{f:.8g}" for f in features) + "};")
