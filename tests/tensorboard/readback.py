"""Reads an event file with the real tensorboard package and prints one JSON object a line: tag, step, value, wall_time_s.

    python3 readback.py FILE        every scalar, in the order of the file
    python3 readback.py FOLDER      the same through the accumulator behind TensorBoard's own page (what a person sees there)

The package stops silently at a damaged record, so whoever calls compares how many came. NaN and infinities are printed as strings, because JSON has none. Needs the package `tensorboard` and nothing else.
"""

import json
import math
import os
import sys

from tensorboard.backend.event_processing import event_accumulator, event_file_loader
from tensorboard.util import tensor_util


def show(tag, step, value, wall_time_s):
    value = float(value)
    print(json.dumps({"tag": tag, "step": step, "value": value if math.isfinite(value) else str(value),
                      "wall_time_s": wall_time_s}))


def from_file(path):
    versions = 0
    for event in event_file_loader.EventFileLoader(path).Load():
        versions += event.HasField("file_version")
        for value in event.summary.value:
            show(value.tag, event.step, tensor_util.make_ndarray(value.tensor).item(), event.wall_time)
    if versions != 1:
        sys.exit(f"{path}: expected one file_version; got {versions}")


def from_folder(path):
    keep_all = {event_accumulator.TENSORS: 0, event_accumulator.SCALARS: 0}
    accumulator = event_accumulator.EventAccumulator(path, size_guidance=keep_all)
    accumulator.Reload()
    tags = accumulator.Tags()
    for tag in tags["scalars"]:
        for scalar in accumulator.Scalars(tag):
            show(tag, scalar.step, scalar.value, scalar.wall_time)
    for tag in tags["tensors"]:
        for tensor in accumulator.Tensors(tag):
            show(tag, tensor.step, tensor_util.make_ndarray(tensor.tensor_proto).item(), tensor.wall_time)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    (from_folder if os.path.isdir(sys.argv[1]) else from_file)(sys.argv[1])
