"""The peers' side of `bench/side_by_side conv_vae`: the same net and loss in PyTorch eager, plain and channels last."""
import json, resource, sys

import torch
import torch.nn.functional as F
from torch import nn

from timing import smallest

torch.set_num_threads(int(sys.argv[1]))
WIDTHS, LATENT = (32, 64, 128), 128


class ConvVae(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        channels = 3
        for width in WIDTHS:
            self.down += [nn.Conv2d(channels, width, 3, padding=1), nn.GroupNorm(8, width)]
            channels = width
        self.statistics, self.first = nn.Linear(128 * 16, 2 * LATENT), nn.Linear(LATENT, 128 * 16)
        for width in (64, 32, 32):
            self.up += [nn.Conv2d(channels, width, 3, padding=1), nn.GroupNorm(8, width)]
            channels = width
        self.last = nn.Conv2d(channels, 3, 3, padding=1)
        self.log_scale = nn.Parameter(torch.full((1,), -2.3))

    def forward(self, x):
        h = x
        for conv, norm in zip(self.down[::2], self.down[1::2]):
            h = F.max_pool2d(F.silu(norm(conv(h))), 2)
        mean, log_variance = self.statistics(h.flatten(1)).chunk(2, 1)
        z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        h = F.relu(self.first(z)).view(-1, 128, 4, 4)
        for conv, norm in zip(self.up[::2], self.up[1::2]):
            h = F.silu(norm(conv(F.interpolate(h, scale_factor=2.0))))
        return self.last(h), mean, log_variance


def loss_of(net, x):
    y, mean, log_variance = net(x)
    rate, half = (-net.log_scale).exp(), 0.5 / 255
    a, b = (x + half - y) * rate, (x - half - y) * rate
    first, last = x < half, x > 1 - half
    width = (-torch.expm1(-2 * half * rate)).log()
    nll = F.softplus(-a).masked_fill(last, 0) + F.softplus(b).masked_fill(first, 0)
    nll = nll - torch.where(first | last, torch.zeros_like(width), width)
    kl = 0.5 * (mean * mean + log_variance.exp() - 1 - log_variance)
    return (nll.sum() + kl.sum()) / len(x)


def measure(channels_last):
    torch.manual_seed(0)
    layout = {"memory_format": torch.channels_last} if channels_last else {}
    net = ConvVae().to(**layout)
    adam = torch.optim.Adam(net.parameters(), 1e-3)
    x = ((torch.rand(128, 3, 32, 32) * 255).round() / 255).contiguous(**layout)

    def step():
        loss = loss_of(net, x)
        adam.zero_grad()
        loss.backward()
        adam.step()

    return {"step_s": smallest(step, 12, 2), "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6}


print(json.dumps({"PyTorch eager": measure(False), "PyTorch channels_last": measure(True)}))
