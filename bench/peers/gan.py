"""The peer's side of `bench/side_by_side gan`: the same nets and losses in PyTorch eager, as they are and with maps
stored channels last. The smallest of several repeats."""
import json, resource, sys

import torch
import torch.nn.functional as F
from torch import nn

from timing import smallest

torch.set_num_threads(int(sys.argv[1]))


def measure(layout):
    torch.manual_seed(0)
    generator = nn.Sequential(
        nn.Linear(100, 128 * 49), nn.Unflatten(1, (128, 7, 7)), nn.BatchNorm2d(128), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh()).to(memory_format=layout)
    discriminator = nn.Sequential(
        nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(64, 128, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(),
        nn.Linear(128 * 49, 1)).to(memory_format=layout)
    adam = lambda net: torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999))
    of_generator, of_discriminator = adam(generator), adam(discriminator)
    real = (2 * torch.rand(128, 1, 28, 28) - 1).to(memory_format=layout)

    def descend(optimiser, loss):
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    def dcgan():
        fake = generator(torch.randn(128, 100))
        descend(of_discriminator,
                F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake.detach())).mean())
        descend(of_generator, F.softplus(-discriminator(fake)).mean())

    def critic():
        with torch.no_grad():
            fake = generator(torch.randn(128, 100))
        u = torch.rand(128, 1, 1, 1)
        between = (u * real + (1 - u) * fake).requires_grad_()
        gradient, = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
        penalty = ((gradient.flatten(1).norm(2, 1) - 1) ** 2).mean()
        descend(of_discriminator, discriminator(fake).mean() - discriminator(real).mean() + 10 * penalty)

    return {"dcgan_step_s": smallest(dcgan, 15), "wgan_gp_critic_s": smallest(critic, 15)}


result = {"PyTorch eager": measure(torch.contiguous_format), "PyTorch channels_last": measure(torch.channels_last)}
for figures in result.values():
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
print(json.dumps(result))
