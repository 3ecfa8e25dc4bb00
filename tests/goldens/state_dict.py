"""Small files of torch.save in both of its forms, for sextant/data/pytorch_file_test.cpp and the fuzzer.

Usage (any Python with torch; written with 2.13):  python tests/goldens/state_dict.py tests/fuzz/corpus/pytorch
"""
import sys
from collections import OrderedDict
from pathlib import Path

import torch

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
rows = torch.arange(6, dtype=torch.float32).view(2, 3) / 4 - 1
state = OrderedDict(
    rows=rows,
    columns=rows.t(),                                  # [3,2], not in row order
    last=rows[1, 1:],                                  # [2], from the middle of a storage
    parameter=torch.nn.Parameter(rows[:1].clone()),
    double=torch.tensor([1.5, -2.5], dtype=torch.float64),
    half=torch.tensor([0.5], dtype=torch.float16),
    bfloat=torch.tensor([-2.0], dtype=torch.bfloat16),
    steps=torch.tensor(2**40 + 7),
    bytes=torch.tensor([0, 255], dtype=torch.uint8),
    flags=torch.tensor([True, False]),
    empty=torch.empty(0, 4),
    permuted=torch.arange(24, dtype=torch.int32).view(2, 3, 4).permute(2, 0, 1),
    epoch=7,                                           # passed over, as the next
    optimiser={"lr": 1e-3, "betas": (0.9, 0.999), "average": rows * 2},
)
state._metadata = OrderedDict([("", {"version": 1})])
for name, new in [("archive.pth", True), ("old.pth", False)]:
    torch.save(state, folder / name, _use_new_zipfile_serialization=new)
torch.save(torch.nn.Linear(2, 1), folder / "module.pth")  # no dictionary: refused
torch.save({"wide": torch.ones(1).expand(5)}, folder / "expanded.pth")  # five numbers out of one: refused


class Python2:  # whose OrderedDict was pickled as a call with a list of pairs
    def __reduce__(self):
        return OrderedDict, ([["rows", rows], ["epoch", 7]],)


torch.save(Python2(), folder / "python2.pth", _use_new_zipfile_serialization=False)
