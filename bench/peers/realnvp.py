"""The peer's side of `bench/side_by_side realnvp`: the same flow and loss in PyTorch eager, eight affine couplings whose
nets are 2-128-128-4. A training step at batch 512 with Adam; smallest of several repeats.
usage: realnvp.py THREADS [avx2]"""
import json, resource, sys

import torch
from torch import nn

from timing import smallest

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)


class Coupling(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 4))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)
        self.scale = nn.Parameter(torch.ones(2))
        self.register_buffer("mask", torch.tensor([0.0, 1.0] if k % 2 else [1.0, 0.0]))

    def forward(self, x):
        s, t = self.net(x * self.mask).chunk(2, 1)
        s = self.scale * torch.tanh(s) * (1 - self.mask)
        return x * self.mask + (1 - self.mask) * (x * s.exp() + t), s.sum(1)


flow = nn.ModuleList([Coupling(k) for k in range(8)])
adam = torch.optim.Adam(flow.parameters(), 1e-3)
points = torch.randn(512, 2)


def step():
    z, log_det = points, 0
    for coupling in flow:
        z, each = coupling(z)
        log_det = log_det + each
    loss = (0.5 * (z * z).sum(1) - log_det).mean()
    adam.zero_grad()
    loss.backward()
    adam.step()


result = {"step_s": smallest(step, 400, 40)}
result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
print(json.dumps({"PyTorch eager": result}))
